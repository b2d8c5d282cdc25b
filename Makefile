# Everything starts from nothing: Python 3.11, 3.12 or 3.13 (which Azure runs) and Node.js 18 or later are all
# you need. `make help` lists the commands.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

VENV := .venv
BIN := $(VENV)/bin
# The newest Python that Azure Functions runs and this machine has, on the PATH or in a version manager's folder.
# PYTHON=/path/to/python overrides.
PYTHON ?= $(shell tools/find-python)
NEW_ENOUGH := -c 'import sys; sys.exit(sys.version_info < (3, 11))'
# The lower bound of what is supported, and the tests that it has to pass: rules, protocol, settings and wiring, the
# command line's help, one contract of each adapter, and a booking's way through the whole chain.
OLDEST := 3.11
# What the Graph stand-in answers on deleted events matters to these, as far as they take no minutes.
GONE_TESTS := $(addprefix tests/,outlook/test_against_graph.py outlook/test_foreign_events.py outlook/test_listing.py \
	outlook/test_peoples_states.py peoples_events bulk field audit/test_auditor.py audit/test_guard_and_hints.py) \
	--deselect tests/outlook/test_against_graph.py::test_a_thousand_creations_are_never_throttled \
	--deselect tests/audit/test_auditor.py::test_costs
OLDEST_TESTS := $(addprefix tests/,domain settings sync plumbing wiring cli/test_help.py \
	outlook/test_calendar_contract.py dataverse/test_bookings_contract.py) --ignore=tests/settings/test_messages_wait.py \
	tests/e2e/test_changes_reach_outlook.py::test_a_new_booking_shows_in_the_technicians_calendar
# What `make test` runs: files, folders or tests, such as TESTS=tests/domain; nothing runs everything.
TESTS ?=
# Options for `make run`, such as ARGUMENTS="--bookings 30 --burst 0".
ARGUMENTS ?=

# Options for `make lock`, such as OPTIONS="--upgrade-package idna", for `make audit-package` and `make mutants`.
OPTIONS ?=

# Where the repository can be read, for the links of `make site`.
REPOSITORY ?= https://github.com/<owner>/booking_sync

# What `make soak` and `make replay` play.
SCHEDULES ?= 100000
FIRST ?= 0
SEED ?= 42
# AUDITS=1 ends each of them with two audits of the app's own.
AUDITS ?=
# What `make soak-answers` tries of each kind.
ANSWERS ?= 100000

PYTHON_READY := $(VENV)/.requirements-installed
# Azurite, which the local stack needs; and that with the parsers and checkers that only tests and checks need.
NODE_READY := local/node_modules/.packages-installed
NODE_TOOLS_READY := local/node_modules/.tools-installed

.PHONY: help
help: ## List the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: setup
setup: $(PYTHON_READY) $(NODE_TOOLS_READY) ## Install everything into this folder; the other commands do it when they need it

.PHONY: run
run: $(PYTHON_READY) $(NODE_READY) ## Play a technicians' day through the whole chain on this machine; say whether Outlook is in step
	@$(BIN)/python -m local run $(ARGUMENTS)

.PHONY: demo
demo: $(PYTHON_READY) $(NODE_READY) ## The same in some seconds: a small plan, four changes of it, and one picture
	@$(BIN)/python -m local demo

.PHONY: both-ways
both-ways: $(PYTHON_READY) $(NODE_READY) ## Play what technicians change in Outlook, and what becomes of it in Dynamics 365
	@$(BIN)/python -m local both-ways

.PHONY: start
start: $(PYTHON_READY) $(NODE_READY) ## Start the local stack and keep it up, to try things by hand (Ctrl-C stops it)
	@$(BIN)/python -m local start $(ARGUMENTS)

.PHONY: test
test: $(PYTHON_READY) $(NODE_TOOLS_READY) ## Run the tests
	@$(BIN)/python -m pytest -q -n 4 --dist loadfile --no-loadscope-reorder $(TESTS)

.PHONY: test-oldest
test-oldest: ## Run the tests of rules and protocol, and one booking through everything, on the oldest supported Python
	@python="$$(tools/find-python $(OLDEST))" || { echo "There is no Python $(OLDEST) on this machine."; exit 1; }; \
	$(MAKE) test VENV=.venv-$(OLDEST) PYTHON="$$python" TESTS="$(OLDEST_TESTS)"

.PHONY: test-gone
test-gone: $(PYTHON_READY) $(NODE_READY) ## Run what writes to calendars where deleted events are gone, not in Deleted Items
	@LOCAL_DELETED_ITEMS=gone $(BIN)/python -m pytest -q -n 4 --dist loadfile --no-loadscope-reorder $(GONE_TESTS)

.PHONY: soak
soak: $(PYTHON_READY) ## Play many simulated schedules on all cores (SCHEDULES=100000, FIRST=0, AUDITS=1)
	@$(BIN)/python -m tests.simulation soak $(SCHEDULES) --first $(FIRST) $(if $(AUDITS),--audits)

.PHONY: soak-answers
soak-answers: $(PYTHON_READY) $(NODE_READY) ## Try many spoiled answers of every service on each adapter (ANSWERS=100000 of each kind)
	@ANSWERS=$(ANSWERS) HYPOTHESIS_PROFILE=soak $(BIN)/python -m pytest -q -s --timeout 0 -k "answer or spoiled" \
		tests/hostile/services/test_graph_answers.py tests/hostile/services/test_dataverse_answers.py tests/hostile/services/test_azure_answers.py

.PHONY: mutants
mutants: $(PYTHON_READY) $(NODE_READY) ## Change the code that decides, one thing at a time, and list what no test notices (OPTIONS="--sample 20")
	@$(BIN)/python -m tools.mutants $(OPTIONS)

.PHONY: replay
replay: $(PYTHON_READY) ## Play one simulated schedule and print what happened (SEED=42, AUDITS=1)
	@$(BIN)/python -m tests.simulation replay $(SEED) $(if $(AUDITS),--audits)

.PHONY: bench
bench: $(PYTHON_READY) $(NODE_READY) ## Measure everything and write docs/benchmarks.md (leave the machine alone meanwhile)
	@$(BIN)/python -m benchmarks all
	@$(MAKE) bench-report

.PHONY: bench-quick
bench-quick: $(PYTHON_READY) $(NODE_READY) ## Run every benchmark once with small sizes, to see that it runs
	@$(BIN)/python -m benchmarks all --quick

.PHONY: bench-report
bench-report: $(PYTHON_READY) ## Write docs/benchmarks.md, docs/costs.md and the README's table from the stored results
	@$(BIN)/python -m benchmarks report
	@$(BIN)/python -m tools.costs

.PHONY: pictures
pictures: $(PYTHON_READY) $(NODE_READY) ## Make the pictures of the docs anew, from a local stack (needs Chromium)
	@$(BIN)/python -m tools.pictures

.PHONY: recording
recording: $(PYTHON_READY) $(NODE_READY) ## Record `make run` for the README (some minutes; leave the machine alone)
	@$(BIN)/python -m local run --calendars 0 --recording docs/images/run.svg

# The generator and what it needs, and nothing else: neither the app nor its tests know it.
SITE_READY := .venv-docs/.requirements-installed

.PHONY: site
site: $(SITE_READY) ## Build the documentation as a site in build/site; a link that leads nowhere fails
	@.venv-docs/bin/python -m tools.site --repository "$(REPOSITORY)"
	@.venv-docs/bin/zensical build --strict --clean

$(SITE_READY): requirements-docs.txt
	@"$(PYTHON)" -m venv .venv-docs
	@.venv-docs/bin/python -m pip install -qq --disable-pip-version-check --require-hashes -r requirements-docs.txt
	@touch $@

.PHONY: lint
lint: $(PYTHON_READY) ## Lint, formatting, types, who may import whom
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/mypy --no-error-summary
	@$(BIN)/lint-imports --no-cache > $(VENV)/lint-imports.log || { cat $(VENV)/lint-imports.log; exit 1; }

.PHONY: check
check: lint $(NODE_TOOLS_READY) ## The same, and texts in others' languages by their parsers
	@$(BIN)/python -m pytest -q tests/languages
	@echo "checks passed"

.PHONY: package
package: $(PYTHON_READY) ## Build what is deployed: dist/booking-sync.zip, and its bill of materials
	@$(BIN)/python -m tools.package

.PHONY: audit-package
audit-package: $(PYTHON_READY) ## Look up known vulnerabilities of the packages in dist/ (OPTIONS="--ignore-vuln ID")
	@$(BIN)/pip-audit --strict --progress-spinner off --path dist/package/.python_packages/lib/site-packages $(OPTIONS)

.PHONY: lock
lock: $(PYTHON_READY) ## Write the lock files requirements*.txt after a change of requirements*.in (OPTIONS=--upgrade)
	@UV=$(abspath $(BIN)/uv) tools/lock $(OPTIONS)

.PHONY: check-lock
check-lock: $(PYTHON_READY) ## See whether the lock files follow from requirements*.in (asks the package index)
	@UV=$(abspath $(BIN)/uv) tools/lock --check

.PHONY: clean
clean: ## Remove everything that was installed or made here
	rm -rf .venv .venv-* local/node_modules .local-stack .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/bin/python:
	@python="$(PYTHON)"; \
	if [ -z "$$python" ]; then echo "Python 3.11, 3.12 or 3.13 with the modules venv and ssl is needed, and this machine has none."; \
		echo "On Debian and Ubuntu: apt-get install python3-venv."; exit 1; fi; \
	if ! "$$python" $(NEW_ENOUGH); then \
		echo "Python 3.11 or later is needed; $$python is $$("$$python" -V 2>&1)."; exit 1; fi; \
	echo "Creating $(VENV) with $$("$$python" -V)" >&2; \
	"$$python" -m venv $(VENV) \
		|| { rm -rf $(VENV); echo "No virtual environment: on Debian and Ubuntu install python3-venv."; exit 1; }

# pip installs uv, by the lock's hashes, and uv the rest, in a fraction of the time; where uv reaches no index, pip does.
PIP_INSTALL = $(BIN)/python -m pip install -qq --disable-pip-version-check --require-hashes

$(PYTHON_READY): requirements.txt requirements-cli.txt requirements-dev.txt | $(VENV)/bin/python
	@echo "Installing the Python packages (a few minutes the first time)" >&2
	@awk '/^[a-z]/ { of_uv = /^uv==/ } of_uv' requirements-dev.txt > $(VENV)/requirements-uv.txt
	@$(PIP_INSTALL) -r $(VENV)/requirements-uv.txt
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements-dev.txt \
		|| $(PIP_INSTALL) -r requirements-dev.txt
	@touch $@

define npm_ci
	@command -v node > /dev/null && command -v npm > /dev/null \
		|| { echo "Node.js 18 or later with npm is needed for Azurite, and it is not on the PATH."; exit 1; }
	@node -e 'process.exit(parseInt(process.versions.node) < 18 ? 1 : 0)' \
		|| { echo "Node.js 18 or later is needed for Azurite; this is $$(node --version)."; exit 1; }
	@echo "Installing Azurite$(1)" >&2
	@npm ci --prefix local --ignore-scripts --silent --no-audit --no-fund $(2)
endef

$(NODE_READY): local/package.json local/package-lock.json
	$(call npm_ci,,--omit=dev)
	@touch $@

$(NODE_TOOLS_READY): local/package.json local/package-lock.json
	$(call npm_ci, and what checks need)
	@touch $@ $(NODE_READY)
