# `make demo` and `make test` are all a newcomer needs; each does its own set-up.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DEMO ?= demo
TWO := -n 2 --dist loadfile --no-loadscope-reorder

.PHONY: help demo test test-full lab bench lint clean
.DEFAULT_GOAL := help

help: ## what there is
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 14

demo: $(VENV)/.installed ## the made-up incident, end to end: bundle, notebook, HTML, Markdown
	$(BIN)/postmortem demo --out $(DEMO)

lab: $(VENV)/.installed ## the demo bundle in JupyterLab
	@test -d $(DEMO)/INC-4821 || $(BIN)/postmortem demo --out $(DEMO)
	$(BIN)/jupyter lab $(DEMO)/INC-4821/INC-4821.ipynb

test: $(VENV)/.tests lint ## every check: ruff, mypy, pytest with a real browser
	$(BIN)/python -m pytest $(TWO) -m "not long"

test-full: $(VENV)/.tests lint ## the same with the long sweeps
	$(BIN)/python -m pytest $(TWO)

lint: $(VENV)/.tests
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(VENV)/.tests ## the figures, both sides of each in one run
	@for file in tests/benchmarks/bench_*.py; do echo "== $$file"; $(BIN)/python $$file || echo "(a goal was missed)"; done

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "python3: expected 3.11 or newer, for example 'make PYTHON=python3.12 demo'; got $$($(PYTHON) --version)"; exit 2; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || sh .ci/venv
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); exit 2; }

$(VENV)/.installed: pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	@touch $@

$(VENV)/.tests: pyproject.toml $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[test]'
	@sh .ci/browser
	@touch $@

clean: ## forget the environment and the demo
	rm -rf $(VENV) $(DEMO)
