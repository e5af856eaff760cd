# Two commands: `make report` (environment and the default study) and `make test`.
# They need Python 3.12 or newer, make, and a package index; nothing else.

PYTHON ?= $(shell for p in python3.13 python3.12 python3.14 python3; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 12))' 2>/dev/null && { echo $$p; break; }; done)
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: report test check constraints clean

report: $(STAMP)
	$(BIN)/taskroy run --output report

test: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/pytest --numprocesses=auto --maxprocesses=4 --dist=loadscope --no-loadscope-reorder --durations=10

$(VENV)/bin/python:
	@test -n "$(PYTHON)" || { echo "taskroy needs Python 3.12 or newer, and found none on the path; install one, or name it: make PYTHON=/path/to/python3.12" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(STAMP): pyproject.toml constraints.txt | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet -c constraints.txt -e .
	@touch $@

$(VENV)/.installed-dev: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[dev]'
	@touch $(STAMP) $@

# Pins for everybody, without index addresses; needs uv.
constraints:
	uv pip compile pyproject.toml --extra dev --extra onet --universal --no-header --no-annotate --python-version 3.12 -o constraints.txt

clean:
	rm -rf $(VENV) report build dist
