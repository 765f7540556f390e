# make run    install what is missing, then run the demo
# make test   install what is missing, then run every test
# make validate   simulate 1,000 studies: do intervals cover, do tests keep their size (an hour or more; it goes on where it was cut off)
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
LOCK := envs/requirements.txt

.PHONY: run test lint bench validate
.DEFAULT_GOAL := run

run: $(VENV)/.installed
	$(BIN)/snakemake

test: $(VENV)/.installed
	$(BIN)/pytest

lint: $(VENV)/.installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/snakefmt --check Snakefile rules
	$(BIN)/snakemake --lint

bench: $(VENV)/.installed
	$(BIN)/python tests/bench/run.py

validate: $(VENV)/.installed
	$(BIN)/python tests/validation/run.py

$(VENV)/.installed: $(LOCK) pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "calcohort needs Python 3.11 or newer")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --requirement $(LOCK)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $@
