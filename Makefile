# The only door: every task of the project is a target here. `make help` lists them.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.DEFAULT_GOAL := help
.PHONY: help setup run test check verify mutants bench lock format docs clean

help: ## List the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

setup: $(STAMP) ## Build .venv from the locks, once

$(STAMP): requirements/dev.txt pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements/dev.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $(STAMP)

run: setup ## Start the gateway of ./seawall.toml, or the demo where there is none
	@if [ -f seawall.toml ]; then $(BIN)/seawall serve; else $(BIN)/seawall demo; fi

test: setup ## Run the tests with coverage, under 5 minutes
	@rm -f .coverage .coverage.*
	$(BIN)/python -m pytest -n 2 --cov --cov-report= -m "not verify"
	@$(BIN)/coverage report --format=total | sed 's/^/coverage of lines and branches, %: /'
	@$(BIN)/coverage report > /dev/null || { $(BIN)/coverage report | tail -40; exit 1; }

check: setup ## What CI runs: format, lint, types, import contracts, tests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(MAKE) --no-print-directory test

format: setup ## Format the code and sort imports
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lock: setup ## Write requirements/*.txt anew, with hashes and without index addresses
	@sh requirements/lock.sh
