# One command for each thing one does here. `make` alone lists them.
SHELL := /bin/bash
BIN := .venv/bin
WORKERS ?= 4
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help setup test torture lint types contracts docs bench demo screenshots clean

help: ## list what can be made
	@sed -n 's/^\([a-z]*\):.*## /  make \1\t/p' $(MAKEFILE_LIST) | expand -t 20

setup: ## .venv with everything to develop and test, and Azurite; does nothing when all is there
	@scripts/setup

test: setup ## the tests (ARGS="-k name" for some of them)
	@echo "test: pytest, on up to $(WORKERS) processors"
	@$(BIN)/pytest -n auto --maxprocesses=$(WORKERS) --dist=worksteal $(ARGS)

torture: setup ## all tests, the slow ones too: every kill point, every fault, many seeds
	@echo "torture: pytest with the slow samples"
	@$(BIN)/pytest -n auto --maxprocesses=$(WORKERS) --dist=worksteal -m "" --timeout=1800 $(ARGS)

lint: setup ## ruff: rules and format
	@echo "lint: ruff check, ruff format"
	@$(BIN)/ruff check . && $(BIN)/ruff format --check .

types: setup ## mypy, strict
	@echo "types: mypy"
	@$(BIN)/mypy

contracts: setup ## import-linter: which package may know which
	@echo "contracts: import-linter"
	@$(BIN)/lint-imports

docs: setup ## the documentation, into docs/_build/html; a warning is an error
	@echo "docs: sphinx-build"
	@$(BIN)/sphinx-build -q -W --keep-going -b html docs docs/_build/html
	@echo "docs: docs/_build/html/index.html"

bench: setup ## measure against other tools (ARGS are the benchmark's own)
	@scripts/setup bench
	@$(BIN)/python -m bench $(ARGS)

demo: setup ## a small migration from one storage server to another, to watch
	@$(BIN)/python -m testbed.demo $(ARGS)

screenshots: setup ## the pictures of the web application in docs/images/web, with Chromium on the sandbox
	@$(BIN)/python -m testbed.screenshots

clean: ## remove what the other commands made
	rm -rf .venv .testbed docs/_build docs/reference/generated .mypy_cache .ruff_cache .hypothesis .import_linter_cache
