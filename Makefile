# nascope. `make` lists what there is; every target sets up what it needs.

SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help setup run test fast lint format type imports bench screenshots docs clean

VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.set-up

# A Python of 3.11 or newer; without one named here, tools/find-python.sh looks for it.
PYTHON ?=
# Processes that run the tests. Each test computes with one thread, so that they do not fight for the cores.
JOBS ?= 2
TEST_ENVIRONMENT := QT_QPA_PLATFORM=offscreen OMP_NUM_THREADS=1

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(STAMP) ## Make the virtual environment and install everything into it

$(STAMP): pyproject.toml constraints.txt
	@set -euo pipefail; \
	python=$$(tools/find-python.sh "$(PYTHON)"); \
	tools/system-packages.sh "$$python"; \
	$(BIN)/python -c '' 2>/dev/null || rm -rf $(VENV); \
	[ -x $(BIN)/python ] || "$$python" -m venv $(VENV); \
	echo "Installing nascope into $(VENV) (PyTorch is large: the first time takes some minutes)."; \
	$(BIN)/python -m pip install --disable-pip-version-check --constraint constraints.txt --editable '.[gui,dev]'; \
	touch $(STAMP); \
	echo "Set up. make run opens the window; $(BIN)/nascope --help lists the commands."

run: setup ## Open the window; without a display do the whole job in the terminal
	@if [ "$$(uname)" = Darwin ] || [ -n "$${DISPLAY:-}$${WAYLAND_DISPLAY:-}$${QT_QPA_PLATFORM:-}" ]; then \
		exec $(BIN)/nascope; \
	else \
		echo "There is no display here, so the same job runs in the terminal: search, retrain, test, report on the digits."; \
		exec $(BIN)/nascope demo; \
	fi

test: setup lint type imports ## Everything that CI checks: lint, types, imports, tests
	$(TEST_ENVIRONMENT) $(BIN)/python -m pytest -n $(JOBS) --dist loadfile

fast: setup lint ## Lint, and the tests of what changed since the last commit
	$(TEST_ENVIRONMENT) $(BIN)/python tools/changed_tests.py

lint: setup ## ruff: faults and form
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: setup ## Write the code the way ruff formats it
	$(BIN)/ruff format .

type: setup ## mypy, strict for engine
	$(BIN)/mypy

imports: setup ## The import rule: engine knows no Qt, the window no torch
	$(BIN)/lint-imports

bench: setup ## Speed and memory, as ratios measured in one process
	@set -euo pipefail; shopt -s nullglob; \
	for file in benchmarks/*.py; do echo "$$file"; $(BIN)/python "$$file"; done

screenshots: setup ## Take README's pictures from a real session under Xvfb
	tools/system-packages.sh $(BIN)/python xvfb
	$(BIN)/python tools/screenshots.py

docs: setup ## Write the table of settings from the configuration classes, draw the pictures of the docs
	$(BIN)/python tools/write_settings_page.py
	$(BIN)/python tools/write_protocols_page.py
	$(BIN)/python tools/draw_fast_supernet.py

clean: ## Remove the virtual environment, caches and build files; runs stay
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
