VENV ?= .venv
PYTHON ?= python3
BIN = $(VENV)/bin
READY = $(VENV)/.installed

help:  ## list the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  \1\t/' | expand -t 22

$(READY): setup.cfg constraints.txt pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -q -c constraints.txt -e '.[dev,tensorboard]'
	touch $(READY)

install: $(READY)  ## create .venv with the tested versions

train: $(READY)  ## run the main job: vaetext train (model=vrae data=grammar)
	$(BIN)/vaetext train

test: $(READY)  ## run the tests
	$(BIN)/python -m pytest -n auto

test-all: $(READY)  ## run the tests, slow ones included
	$(BIN)/python -m pytest -n auto -m ''

lint: $(READY)  ## run ruff and mypy
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

wheel-check: $(READY)  ## build the wheel, install it elsewhere and use it there
	sh tests/wheel_check.sh $(PYTHON)

bench: $(READY)  ## measure training throughput and loading on PTB, and models with a latent per step
	$(BIN)/python benchmarks/data.py
	$(BIN)/python benchmarks/steps.py
	$(BIN)/python benchmarks/throughput.py

results: $(READY)  ## write the tables of README.md and RESULTS.md from results/
	$(BIN)/python benchmarks/results.py

equivalence: $(READY)  ## compare the models of two commits bit for bit (OLD=... NEW=HEAD)
	$(BIN)/python benchmarks/equivalence.py $(OLD) $(or $(NEW),HEAD)

reproduce-tables: $(READY)  ## two rows of each published table, on a share of the steps (SCALE=full: days)
	$(BIN)/vaetext reproduce scale=$(or $(SCALE),small) jobs=$(or $(JOBS),2)

smoke: $(READY)  ## every row of every published table for seconds; needs their data
	$(BIN)/vaetext reproduce scale=smoke outputs=$(or $(OUTPUTS),outputs)

clean:  ## remove what was built; runs stay
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache

.PHONY: help install train test test-all lint wheel-check bench results equivalence reproduce-tables smoke clean
