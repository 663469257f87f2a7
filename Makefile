# make report   the PDF, from nothing
# make test     the tests that a newcomer runs
# make test-full    all tests, also those on a Slurm of this host, which needs root; TESTS='-m slow' leaves out the former
# make check    style, types, workflow, schemas
# make bench    speed, side by side with peers: some seventeen minutes on two cores, of which the report takes seven
# make evidence what records/ lacks of real data, in the order of its worth; EVIDENCE_MINUTES=8 stops it in between
.PHONY: report test test-full check bench evidence schema lock
PYTHON ?= python3
BIN := .venv/bin
# The system's certificates, where it has them: behind a proxy that signs for itself uv's own do not do.
export UV_SYSTEM_CERTS := $(if $(wildcard /etc/ssl/certs/ca-certificates.crt),1,0)

report: .venv/.ready
	@paper/get-latex
	@$(BIN)/snakemake

test: .venv/.ready
	@paper/get-latex
	@$(BIN)/python -m pytest -n auto -m "not slow"

# A file's tests in one process: those on the Slurm have to take turns.
test-full: .venv/.ready
	@paper/get-latex
	@$(BIN)/python -m pytest -n auto --dist loadfile $(TESTS)

check: .venv/.ready
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/snakefmt --check Snakefile workflow
	@$(BIN)/python workflow/lint.py
	@$(BIN)/python -m remixup.config.build_registry --check

evidence: .venv/.ready
	@$(BIN)/remixup evidence --set fast=true $(if $(EVIDENCE_MINUTES),--minutes $(EVIDENCE_MINUTES))

bench: .venv/.ready
	@paper/get-latex
	@$(BIN)/python -m benchmarks.run

# Names and parameters that experiment files may use, from the code; JSON Schemas for editors.
schema: .venv/.ready
	@$(BIN)/python -m remixup.config.build_registry
	@$(BIN)/python docs/draw_architecture.py

# Pins and hashes for all platforms; needs uv, and is the only thing that changes requirements.lock.
lock:
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --quiet \
	    requirements.in --output-file requirements.lock

# uv comes from the same lock as everything else.
.venv/.ready: requirements.lock pyproject.toml
	@echo "setting up .venv (a few minutes at first: torch alone is gigabytes)"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	    || { echo "error: remixup needs Python 3.11 or later; name one: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 2; }
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear .venv
	@awk '/^[^ ]/ { wanted = /^uv==/ } wanted' requirements.lock > .venv/uv.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r .venv/uv.txt
	@$(BIN)/uv pip sync --quiet --compile-bytecode --require-hashes --python $(BIN)/python requirements.lock
	@$(BIN)/uv pip install --quiet --no-deps --no-build-isolation --python $(BIN)/python --editable .
	@touch $@
