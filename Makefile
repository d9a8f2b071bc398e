# Penfold: every chore in one place, the same at home and in CI. `make help` lists them.
.DEFAULT_GOAL := help
SHELL := /bin/bash

# The first Python that runs and is new enough: 3.11 is the oldest supported.
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11 python; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && command -v $$p && break; done)
VENV := .venv
BIN := $(VENV)/bin
# Compiled files are kept: without, every server a test starts compiles all of Penfold anew.
unexport PYTHONDONTWRITEBYTECODE
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

$(VENV)/.made:
	@test -n "$(PYTHON)" || { echo "Penfold needs Python 3.11 or newer and found none. Install one, or name it: make PYTHON=/path/to/python3.12 $(MAKECMDGOALS)" >&2; exit 2; }
	@echo "Making $(VENV) with $(PYTHON) …" >&2
	@$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/.run: $(VENV)/.made requirements/run.txt pyproject.toml
	@echo "Installing what penfold needs …" >&2
	@$(PIP) install --require-hashes --only-binary :all: -r requirements/run.txt
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.test: $(VENV)/.run requirements/test.txt
	@echo "Installing what the tests need …" >&2
	@$(PIP) install --require-hashes --only-binary :all: -r requirements/test.txt
	@touch $@

# Node's Gmail client, where there is npm; without it the tests that drive it skip.
NODE := tests/conformance/node
$(NODE)/node_modules/.package-lock.json: $(NODE)/package-lock.json
	@if command -v npm >/dev/null; then echo "Installing Node's Gmail client …" >&2; \
	npm ci --prefix $(NODE) --no-audit --no-fund --loglevel=error >/dev/null && touch $@; fi

# The whole suite on two processes; each file stays in one, so that its server is started once.
SPREAD := --numprocesses 2 --dist loadfile

.PHONY: help serve test check lint fmt fuzz bench gen audit sbom lock clean

help:  ## list the chores
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

serve: $(VENV)/.run  ## set up if needed and serve; ARGS="--http 127.0.0.1:9000" passes arguments on
	@exec $(BIN)/penfold serve $(ARGS)

test: $(VENV)/.test $(NODE)/node_modules/.package-lock.json  ## set up if needed and run the tests; ARGS picks some
	@$(BIN)/python -m pytest $(or $(ARGS),$(SPREAD))

lint: $(VENV)/.test  ## formatting, lint, types
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy

check: lint  ## the same, floors and what the documents promise
	@$(BIN)/python -m pytest tests/meta

fmt: $(VENV)/.test  ## format the code and mend what the linter can
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix-only .

fuzz: $(VENV)/.test  ## run every fuzzer for SECONDS_EACH (default 30) seconds
	@for target in tests/fuzz/fuzz_*.py; do echo "$$target"; $(BIN)/python $$target --seconds $${SECONDS_EACH:-30} || exit 1; done

bench: $(VENV)/.test  ## measure, side by side with the peers that are installed
	@$(BIN)/python -m benchmarks $(ARGS)

gen: $(VENV)/.run  ## make what is derived: docs/compatibility.md, docs/metrics.md, docs/log.md
	@$(BIN)/python docs/make_compatibility.py
	@$(BIN)/python docs/make_watching.py

# Tools that look at the lock have an environment of their own: they bring fifty packages.
$(VENV)/audit/.made: $(VENV)/.made requirements/audit.txt
	@echo "Installing what looks at the lock …" >&2
	@$(BIN)/python -m venv $(VENV)/audit
	@$(VENV)/audit/bin/python -m pip --disable-pip-version-check --quiet install --no-deps --require-hashes --only-binary :all: -r requirements/audit.txt
	@touch $@

audit: $(VENV)/audit/.made  ## compare what penfold needs with the published advisories (asks the internet)
	@$(VENV)/audit/bin/pip-audit --strict --require-hashes --disable-pip -r requirements/run.txt

sbom: $(VENV)/audit/.made  ## write sbom.json: what a release of penfold is made of (CycloneDX)
	@PYTHONWARNINGS=ignore $(VENV)/audit/bin/cyclonedx-py requirements --pyproject pyproject.toml --output-reproducible --output-file sbom.json requirements/run.txt

lock: $(VENV)/.made  ## choose versions anew and pin them by hash
	@$(PIP) install uv
	@$(BIN)/uv pip compile --upgrade --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate --quiet pyproject.toml requirements/tools.in -o requirements/run.txt
	@$(BIN)/uv pip compile --upgrade --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate --quiet -c requirements/run.txt pyproject.toml requirements/tools.in requirements/test.in -o requirements/test.txt
	@$(BIN)/uv pip compile --upgrade --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate --quiet requirements/audit.in -o requirements/audit.txt

clean:  ## remove what the chores made (never a data directory)
	@rm -rf $(VENV) sbom.json $(NODE)/node_modules build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis src/*.egg-info
