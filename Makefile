VENV ?= .venv
PYTHON ?= python3
BIN = $(VENV)/bin
READY = $(VENV)/.installed

help:  ## this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  \1\t/' | expand -t 22

$(READY): setup.cfg constraints.txt pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -q -c constraints.txt -e '.[dev,tensorboard]'
	touch $(READY)

install: $(READY)  ## a virtual environment with the tested versions

train: $(READY)  ## the main job: vaetext train (model=vrae data=grammar trainer=default)
	$(BIN)/vaetext train

test: $(READY)  ## the tests
	$(BIN)/python -m pytest

test-all: $(READY)  ## the tests, slow ones included
	$(BIN)/python -m pytest -m ''

lint: $(READY)  ## ruff and mypy
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

wheel-check: $(READY)  ## build the wheel, install it into a clean environment, use it from another folder
	sh tests/wheel_check.sh $(PYTHON)

bench: $(READY)  ## training throughput on PTB, and how soon PTB is ready
	$(BIN)/python benchmarks/data.py
	$(BIN)/python benchmarks/throughput.py

reproduce-tables: $(READY)  ## every published table, ours beside theirs (hours)
	for table in ptb yelp13 sine tweets; do $(BIN)/vaetext reproduce table=$$table || exit 1; done

clean:  ## remove what was built, runs excepted
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache

.PHONY: help install train test test-all lint wheel-check bench reproduce-tables clean
