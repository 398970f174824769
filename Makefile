# Two commands do most: `make demo` runs the main job, `make test` runs the tests. Needs Python 3.11 or 3.12, venv, make.

VENV := .venv
comma := ,
BIN := $(VENV)/bin
PYTHON ?= $(shell for p in python3.12 python3.11 python3; do \
	$$p -c 'import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 12))' 2>/dev/null && echo $$p && break; done)
export PIP_DISABLE_PIP_VERSION_CHECK = 1
# Many images set it; every process would then compile all that it imports again, ten seconds each.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo ui test test-ui test-all docs lint clean-venv

demo: $(VENV)/.installed  ## build the demo dataset from the genome that ships with the package
	@$(BIN)/builder init . > /dev/null
	@$(BIN)/builder build

ui: $(VENV)/.installed  ## open the Dagster UI on the same history
	@$(BIN)/builder ui

test: $(VENV)/.installed-test  ## every test but those marked ui, faults, servers or scale
	@$(BIN)/python -m pytest -q -n 2 --dist loadfile --no-loadscope-reorder -m "not ui and not faults and not servers and not scale"

test-ui: $(VENV)/.installed-ui  ## the tests that drive the UI; they need a Chromium browser and its driver
	@$(BIN)/python -m pytest -q -n 2 --dist loadfile -m ui

test-all: $(VENV)/.installed-servers  ## every test
	@$(BIN)/python -m pytest -q -n 2 --dist loadfile

docs: $(VENV)/.installed  ## the pages of docs/ as HTML, in docs/_build
	@$(BIN)/python -m pip install --quiet --no-warn-script-location -e '.[docs]'
	@$(BIN)/python -m sphinx -q -W -n docs docs/_build && echo docs/_build/index.html

lint: $(VENV)/.installed-test
	@$(BIN)/python -m pip install --quiet -e '.[dev]'
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/pyright --pythonpath $(BIN)/python

$(VENV)/bin/python:
	@test -n "$(PYTHON)" || { echo "No Python 3.11 or 3.12 with venv found. Say which: make PYTHON=/path/to/python3.11 demo"; exit 1; }
	@$(PYTHON) -m venv $(VENV)

# Python compiles what it imports; compiling all that is installed takes longer than the tests of a module.
define install
	@echo "Installing into $(VENV): about a minute."
	@$(BIN)/python -m pip install --quiet --no-compile --no-warn-script-location -e '.$(1)'
	@echo "Installing SpliceAI's weights (package spliceai, CC BY-NC 4.0: not for commercial use)."
	@$(BIN)/python -m pip install --quiet --no-compile --no-deps 'spliceai==1.3.1'
	@touch $(VENV)/.installed $@
endef

$(VENV)/.installed: pyproject.toml | $(VENV)/bin/python
	$(call install,)

$(VENV)/.installed-test: pyproject.toml | $(VENV)/bin/python
	$(call install,[test])

$(VENV)/.installed-ui: pyproject.toml | $(VENV)/bin/python
	$(call install,[test$(comma)ui])

$(VENV)/.installed-servers: pyproject.toml | $(VENV)/bin/python
	$(call install,[test$(comma)ui$(comma)servers])

clean-venv:
	rm -rf $(VENV)
