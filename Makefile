# make report     build the report from a fresh clone; VERBOSE=1 prints all that Snakemake says
# make read       make the same documents from records/ alone, without training and without torch, in results/read/embedded
# make test       run the fast tests (two and a half minutes on two cores)
# make test-full  run all tests; TESTS='-m slow' runs the slow ones alone. Some start a Slurm on this host, which needs root
# make check      check style, types, workflow, generated files and freezes
# make schema     regenerate what follows from the code: registry, JSON Schemas, architecture graph, list of commands
# make bench      compare speed with other implementations (a quarter of an hour on two cores)
# make evidence   train what records/ lacks of real data, in the order of evidence.yaml; EVIDENCE_MINUTES=8 limits the time
# make archive    write results/release from the report: a folder for Zenodo or Software Heritage; nothing is uploaded
# make lock       update requirements.lock; needs uv
.PHONY: latex report read test test-full check bench archive evidence schema lock
PYTHON ?= python3
BIN := .venv/bin
.DEFAULT_GOAL := report
# Use the system's certificates if there are any. Behind a proxy with its own certificate, those of uv fail.
export UV_SYSTEM_CERTS := $(if $(wildcard /etc/ssl/certs/ca-certificates.crt),1,0)

# The first step, so that what is missing is said before gigabytes are fetched.
latex:
	@paper/get-latex

report: latex .venv/.ready
	@$(BIN)/snakemake

read: latex .venv-read/.ready
	@.venv-read/bin/remixup read

test: latex .venv/.ready
	@$(BIN)/python -m pytest -n auto -m "not slow"

# All tests of a file run in one process, because those that start a Slurm cannot run side by side.
test-full: latex .venv/.ready
	@$(BIN)/python -m pytest -n auto --dist loadfile $(TESTS)

check: .venv/.ready
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/snakefmt --check Snakefile workflow
	@$(BIN)/python workflow/lint.py
	@$(BIN)/python -m remixup.build_registry --check
	@$(BIN)/remixup audit > /dev/null

evidence: .venv/.ready
	@$(BIN)/remixup evidence --set fast=true $(if $(EVIDENCE_MINUTES),--minutes $(EVIDENCE_MINUTES))

archive: .venv/.ready
	@$(BIN)/remixup release

bench: latex .venv/.ready
	@$(BIN)/python -m benchmarks.run

# Read names and parameters of components from the code; write JSON Schemas for editors.
schema: .venv/.ready
	@$(BIN)/python -m remixup.build_registry
	@$(BIN)/python docs/draw_architecture.py
	@$(BIN)/python docs/list_commands.py

# Write pins and hashes for all platforms, to both locks the same ones. Nothing else changes them.
COMPILE := uv pip compile --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --quiet
lock:
	$(COMPILE) requirements.in --output-file requirements.lock
	$(COMPILE) requirements-read.in --constraint requirements.lock --output-file requirements-read.lock

# uv is installed from the same lock file as everything else.
.venv/.ready: requirements.lock
.venv-read/.ready: requirements-read.lock
.venv/.ready .venv-read/.ready: %/.ready: pyproject.toml
	@echo "setting up $*$(if $(filter .venv,$*), (a few minutes at first: torch alone is gigabytes))"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	    || { echo "error: remixup needs Python 3.11 or later; name one: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 2; }
	@$*/bin/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear $*
	@awk '/^[^ ]/ { wanted = /^uv==/ } wanted' $(filter %.lock,$^) > $*/uv.txt
	@$*/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $*/uv.txt
	@$*/bin/uv pip sync --quiet --compile-bytecode --require-hashes --python $*/bin/python $(filter %.lock,$^)
	@$*/bin/uv pip install --quiet --no-deps --no-build-isolation --python $*/bin/python --editable .
	@touch $@
