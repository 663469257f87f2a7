# make report     build the report from a fresh clone; VERBOSE=1 prints all that Snakemake says
# make read       make the same documents from records/ alone, without training and without torch, in results/read/embedded
# make test       run the fast tests (about two minutes on two cores)
# make test-full  run all tests; TESTS='-m slow' runs the slow ones alone. Some start a Slurm on this host, which needs root
# make check      check style, types, workflow, generated files and freezes
# make schema     regenerate what follows from the code: registry, JSON Schemas, architecture graph, lists of commands and mirrors
# make bench      compare speed with other implementations (a quarter of an hour on two cores)
# make evidence   train what records/ lacks of real data, in the order of evidence.yaml; EVIDENCE_MINUTES=8 limits the time
# make archive    write results/release from the report: a folder for Zenodo or Software Heritage; nothing is uploaded
# make unlock     remove Snakemake's lock of this folder, which a kill or a closed terminal leaves
# make lock       resolve pyproject.toml into requirements.lock and requirements-read.lock; needs uv
.PHONY: latex report read test test-full check bench archive evidence schema unlock lock FORCE
# The Python that makes the environments; default: python3, for environments that are not there yet.
PYTHON ?= python3
CHOSEN := $(if $(filter file,$(origin PYTHON)),,$(PYTHON))
BIN := .venv/bin
.DEFAULT_GOAL := report
# The code of this folder and the packages of its environment, whatever a cluster's modules or another clone set.
export PYTHONPATH := $(CURDIR)/src
unexport PYTHONHOME
# A cache here where the home folder cannot be written, as in a container that runs as another user.
CACHE := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)
ifneq ($(shell mkdir -p '$(CACHE)' 2>/dev/null && test -w '$(CACHE)' && echo yes),yes)
export XDG_CACHE_HOME := $(CURDIR)/.remixup/cache
endif
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
	@$(BIN)/python -m pytest -n auto --dist worksteal -m "not slow"

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
	@$(BIN)/remixup evidence --set precision=bfloat16 --set fast=true $(if $(EVIDENCE_MINUTES),--minutes $(EVIDENCE_MINUTES))

archive: .venv/.ready
	@$(BIN)/remixup release

bench: latex .venv/.ready
	@$(BIN)/python -m remixup_benchmarks.run

# Read names and parameters of components from the code; write JSON Schemas for editors.
schema: .venv/.ready
	@$(BIN)/python -m remixup.build_registry
	@$(BIN)/python docs/draw_architecture.py
	@$(BIN)/python docs/list_commands.py
	@$(BIN)/python docs/list_mirrors.py

unlock: .venv/.ready
	@$(BIN)/snakemake --unlock

# Write pins and hashes for all platforms, to both locks the same ones. Nothing else changes them.
COMPILE := uv pip compile pyproject.toml --group setup --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --quiet
lock:
	$(COMPILE) --all-extras --output-file requirements.lock
	echo torch | $(COMPILE) --extra report --excludes /dev/stdin --constraint requirements.lock --output-file requirements-read.lock

# Each time, because times do not tell whether an environment is as it should be.
.venv/.ready: FORCE
	@workflow/environment .venv requirements.lock $(CHOSEN)
.venv-read/.ready: FORCE
	@workflow/environment .venv-read requirements-read.lock $(CHOSEN)
FORCE:
