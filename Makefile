# The only door: every task of the project is a target here. `make help` lists them.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
LOWEST := .venv-lowest
COMPILED := .venv-compiled
PIP := --quiet --disable-pip-version-check

.DEFAULT_GOAL := help
.PHONY: help setup run test lint check compiled verify audit mutants bench bench-memory bench-daily lock format docs clean

help: ## List the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

setup: $(STAMP) ## Build .venv from the locks, once

$(STAMP): requirements/dev.txt pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install $(PIP) --require-hashes --requirement requirements/dev.txt
	@$(BIN)/python -m pip install $(PIP) --no-deps --no-build-isolation --editable .
	@touch $(STAMP)

run: setup ## Start the gateway of ./seawall.toml, or the demo where there is none
	@if [ -f seawall.toml ]; then $(BIN)/seawall serve; else $(BIN)/seawall demo; fi

test: setup ## Run the tests with coverage, under 5 minutes
	@rm -f .coverage .coverage.*
	$(BIN)/python -m pytest -n 2 --cov --cov-report= -m "not verify"
	@$(BIN)/coverage report --format=total | sed 's/^/coverage of lines and branches, %: /'
	@$(BIN)/coverage report > /dev/null || { $(BIN)/coverage report | tail -40; exit 1; }

lint: setup ## Format, lint, types, import contracts and what can be compiled, without the tests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/mypy bench tests/mutants/run.py hatch_build.py
	@set -e; for example in examples/*/; do echo "mypy $$example"; $(BIN)/mypy $$example; done
	$(BIN)/lint-imports
	$(BIN)/python hatch_build.py

check: lint test ## What CI runs: lint, then the tests

verify: setup $(LOWEST)/.installed compiled audit ## The slow or system-dependent rest, half an hour
	$(BIN)/python -m pytest -m verify -o faulthandler_timeout=600
	$(LOWEST)/bin/python -m pytest -n 2 -q -m "not verify" -W ignore::DeprecationWarning --ignore tests/project
	$(COMPILED)/bin/python -m pytest -n 2 -q -m "not verify" --ignore tests/project

# The tools of dev.txt, then what the server needs at the lowest versions pyproject.toml allows.
$(LOWEST)/.installed: requirements/dev.txt requirements/lowest.txt pyproject.toml
	@test -x $(LOWEST)/bin/python || $(PYTHON) -m venv $(LOWEST)
	@$(LOWEST)/bin/python -m pip install $(PIP) --require-hashes --requirement requirements/dev.txt
	@$(LOWEST)/bin/python -m pip install $(PIP) --require-hashes --no-deps --requirement requirements/lowest.txt
	@$(LOWEST)/bin/python -m pip install $(PIP) --no-deps --no-build-isolation --editable .
	@touch $@

compiled: build/wheel/.installed ## Build the compiled wheel into build/wheel, and .venv-compiled with it

# Beside the tools stands the wheel, and src is not on the path: what runs there is what people install.
build/wheel/.installed: $(COMPILED)/.tools pyproject.toml hatch_build.py $(shell find src -type f -not -name '*.pyc')
	@rm -rf build/wheel
	@HATCH_BUILD_HOOK_ENABLE_CUSTOM=1 $(COMPILED)/bin/python -m hatchling build --target wheel --directory build/wheel
	@$(COMPILED)/bin/python -m pip install $(PIP) --no-deps --force-reinstall build/wheel/*.whl
	@touch $@

$(COMPILED)/.tools: requirements/dev.txt
	@test -x $(COMPILED)/bin/python || $(PYTHON) -m venv $(COMPILED)
	@$(COMPILED)/bin/python -m pip install $(PIP) --require-hashes --requirement requirements/dev.txt
	@touch $@

# Locks that are installed from; core.txt and serve.txt are parts of the first.
LOCKS := requirements/dev.txt examples/embeddings/requirements.txt

# pip-audit ends with 1 both for a known hole and for an advisory service it cannot reach; only the first has a table.
audit: setup ## Look the locked versions up among known vulnerabilities
	@mkdir -p build; \
	if $(BIN)/pip-audit --disable-pip --require-hashes --progress-spinner off $(foreach lock,$(LOCKS),-r $(lock)) >build/audit.txt 2>build/audit.err; \
	then cat build/audit.err; echo "audit: not looked up: $$(grep -c 'could not be audited' build/audit.txt)"; \
	elif grep -q "^Name .*Fix Versions" build/audit.txt; then cat build/audit.txt; exit 1; \
	else tail -n 1 build/audit.err; echo "audit: the advisory service cannot be reached, nothing was looked up"; fi

mutants: setup ## Take each security measure out in turn; a test must notice (ONLY=text, JOBS=2)
	$(BIN)/python tests/mutants/run.py --jobs $(or $(JOBS),2) $(if $(ONLY),--only "$(ONLY)")

# What is measured is what people install, the compiled wheel; the source as it stands is measured beside it, or alone.
MEASURED := $(if $(PURE),setup,compiled)
MEASURING := $(if $(PURE),$(BIN),$(COMPILED)/bin)/python -m

bench: setup $(MEASURED) ## Measure beside nginx proxy_pass, print ratios (QUICK=1: rougher, PURE=1: not compiled)
	$(MEASURING) bench $(if $(QUICK),--quick) $(if $(PURE),,--beside pure=$(BIN)/python)

bench-memory: $(MEASURED) ## Measure memory idle, after /docs and over a million calls, and the time to start (PURE=1)
	$(MEASURING) bench.startup
	$(MEASURING) bench.memory

bench-daily: $(MEASURED) ## Measure what a hundred users' day adds to each call on half a core (PURE=1)
	$(MEASURING) bench.daily

format: setup ## Format the code and sort imports
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lock: setup ## Write requirements/*.txt anew, with hashes and without index addresses
	@sh requirements/lock.sh

docs: setup ## Write anew what is generated from the code
	$(BIN)/python -m seawall.config.document
	$(BIN)/python -m seawall.observers.document
	$(BIN)/python tests/semantics/page.py
	$(BIN)/python tests/policies/cache/cache_document.py

clean: ## Remove what was built and measured; keeps .venv
	@rm -rf build dist htmlcov bench/out .coverage .coverage.* .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	@find src tests bench -name __pycache__ -type d -prune -exec rm -rf {} +
