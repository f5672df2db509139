# The project's commands. `make` alone lists them.
#
#   PYTHON=python3.12    interpreter for the virtual environment (3.11, 3.12 or 3.13)
#   VENV=/tmp/venv       where the virtual environment lives
#   CC=clang             C compiler that builds durable_rules

VENV ?= .venv
BIN := $(VENV)/bin
SUPPORTED := 3.11 3.12 3.13

# Prints "3.12" when the program named in $(1) is a Python that we support, else nothing.
version_of = $(filter $(SUPPORTED),$(shell $(1) -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null))

# Without PYTHON=…, an environment that already stands is kept; else the first fitting interpreter is taken.
ifdef PYTHON
CANDIDATES := $(PYTHON)
else
CANDIDATES := $(BIN)/python python3 python3.13 python3.12 python3.11
endif
first_fitting = $(firstword $(foreach name,$(CANDIDATES),$(if $(call version_of,$(name)),$(name))))

# One stamp per Python version: asking for another interpreter makes the environment anew.
ifneq ($(filter-out help clean,$(or $(MAKECMDGOALS),help)),)
INTERPRETER := $(first_fitting)
ifeq ($(INTERPRETER),)
$(error No suitable Python: tried $(CANDIDATES). Install Python 3.11, 3.12 or 3.13, or name one, for example `make PYTHON=/usr/bin/python3.12 $(MAKECMDGOALS)`)
endif
VERSION := $(call version_of,$(INTERPRETER))
endif
READY := $(VENV)/.ready-$(VERSION)

.DEFAULT_GOAL := help
.PHONY: help setup run test check bench lock clean

help: ## list these commands
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' Makefile

setup: $(READY) ## make the virtual environment with the pinned dependencies (quick when already done)

# The engine's setup.py overwrites CFLAGS, so the flag that Python 3.13 needs travels in CC: that Python has
# no PyEval_CallObject any more, and PyObject_CallObject is the same call on every version.
# pip keeps wheels that it has built, and a durable_rules built elsewhere without the flag would not
# import on 3.13; hence the `pip cache remove`, which may find nothing to remove.
$(READY): pyproject.toml hatch_build.py requirements.lock requirements-build.lock
	@if [ "$$($(BIN)/python -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null)" != "$(VERSION)" ]; then \
		echo "Making $(VENV) with $(INTERPRETER) ($(VERSION))"; \
		$(INTERPRETER) -m venv --clear $(VENV); \
	fi
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-build.lock
	@$(BIN)/python -c 'import durable_rules_engine' 2>/dev/null || $(BIN)/python -m pip cache remove durable_rules >/dev/null 2>&1 || true
	CC="$(CC) -DPyEval_CallObject=PyObject_CallObject" \
		$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-build-isolation --use-pep517 \
		--require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps --editable .
	@touch $@

run: setup ## start the service on http://127.0.0.1:8080
	$(BIN)/cds-service serve

test: setup check ## everything CI runs: check, then the whole test suite, on all cores
	$(BIN)/python -m pytest --numprocesses auto --dist loadfile --durations 15

check: setup ## format, lint, types, import layers, rules
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/cds-service rules lint
	$(BIN)/cds-service rules test
	$(BIN)/cds-service rules mutants
	$(BIN)/cds-service rules lock --check

bench: setup ## measure every promise about speed, a few minutes long; writes docs/performance.md
	$(BIN)/python -m benchmarks

lock: ## pin the newest fitting dependencies anew, for all supported Pythons at once
	$(INTERPRETER) -m venv $(VENV)-lock
	$(VENV)-lock/bin/python -m pip install --quiet --disable-pip-version-check uv
	$(PIN) --group build --output-file requirements-build.lock
	$(PIN) pyproject.toml --group dev --constraints requirements-build.lock --output-file requirements.lock

PIN = $(VENV)-lock/bin/uv pip compile --quiet --universal --python $(VENV)-lock/bin/python --python-version 3.11 \
	--generate-hashes --upgrade --custom-compile-command "make lock"

clean: ## remove the virtual environments and everything built
	rm -rf $(VENV) $(VENV)-lock build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	rm -rf tests/fhir_server/node_modules
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
