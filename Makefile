# Everything starts from nothing: Python 3.11 or later (3.13 is what Azure runs) and Node.js 18 or later are all
# you need. `make help` lists the commands.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

VENV := .venv
BIN := $(VENV)/bin
# The newest Python that Azure Functions runs, or whatever `python3` is. PYTHON=/path/to/python overrides.
PYTHON ?= $(shell command -v python3.13 || command -v python3.12 || command -v python3.11 || command -v python3)
# Options for `make run`, such as ARGUMENTS="--bookings 30 --burst 0".
ARGUMENTS ?=

PYTHON_READY := $(VENV)/.requirements-installed
NODE_READY := local/node_modules/.packages-installed

.PHONY: help
help: ## List the commands
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: run
run: $(PYTHON_READY) $(NODE_READY) ## Play a technicians' day through the whole chain on this machine; say whether Outlook is in step
	@$(BIN)/python -m local run $(ARGUMENTS)

.PHONY: start
start: $(PYTHON_READY) $(NODE_READY) ## Start the local stack and keep it up, to try things by hand (Ctrl-C stops it)
	@$(BIN)/python -m local start $(ARGUMENTS)

.PHONY: test
test: $(PYTHON_READY) $(NODE_READY) ## Run the tests
	@$(BIN)/python -m pytest -q

.PHONY: check
check: $(PYTHON_READY) ## Lint, formatting, types and the rules of who may import whom
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/mypy --no-error-summary
	@$(BIN)/lint-imports --no-cache > $(VENV)/lint-imports.log || { cat $(VENV)/lint-imports.log; exit 1; }
	@echo "checks passed"

.PHONY: clean
clean: ## Remove everything that was installed or made here
	rm -rf $(VENV) local/node_modules .local-stack .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/bin/python:
	@[ -n "$(PYTHON)" ] || { echo "Python 3.11 or later is needed, and there is no python3 on the PATH."; exit 1; }
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Python 3.11 or later is needed; $(PYTHON) is $$("$(PYTHON)" -V 2>&1). Set PYTHON=/path/to/python."; exit 1; }
	@echo "Creating $(VENV) with $$("$(PYTHON)" -V)"
	@"$(PYTHON)" -m venv $(VENV) || { rm -rf $(VENV); echo "On Debian and Ubuntu install python3-venv first."; exit 1; }

$(PYTHON_READY): requirements.txt requirements-dev.txt | $(VENV)/bin/python
	@echo "Installing the Python packages (a few minutes the first time)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@

$(NODE_READY): local/package.json local/package-lock.json
	@command -v node > /dev/null && command -v npm > /dev/null \
		|| { echo "Node.js 18 or later with npm is needed for Azurite, and it is not on the PATH."; exit 1; }
	@node -e 'process.exit(parseInt(process.versions.node) < 18)' \
		|| { echo "Node.js 18 or later is needed for Azurite; this is $$(node --version)."; exit 1; }
	@echo "Installing Azurite"
	@npm ci --prefix local --silent --no-audit --no-fund
	@touch $@
