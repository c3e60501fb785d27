# Plain GNU make and Python 3.11 or newer are all that is needed; `make help` lists the targets.
#
# TORCH_INDEX is an extra package index to take torch from, such as one with CPU builds, which are a
# tenth of the size of the default one on Linux.

PYTHON      ?= python3
TORCH_INDEX ?=
VENV        := .venv
BIN         := $(VENV)/bin
PIP         := $(BIN)/python -m pip install --quiet --disable-pip-version-check \
               $(if $(TORCH_INDEX),--extra-index-url $(TORCH_INDEX)) -c constraints.txt
DATA        ?= digits
ONLY        ?=
N           ?= 1000
SEED        ?= 0

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:  # a virtual environment that was half made is not taken for a whole one
.PHONY: help demo test lint format bench fuzz clean

help:  ## list the targets
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## */\t/' | expand -t 10

demo: $(VENV)/demo.stamp  ## learn a program and a digit classifier from images (DATA=mnist for MNIST)
	@$(BIN)/neuralc demo --data $(DATA)

test: $(VENV)/dev.stamp  ## run the whole test suite
	@$(BIN)/python -m pytest -q -n 2

lint: $(VENV)/dev.stamp  ## formatting, style and types
	@$(BIN)/ruff format --check
	@$(BIN)/ruff check
	@$(BIN)/mypy

format: $(VENV)/dev.stamp  ## put the code into shape
	@$(BIN)/ruff format
	@$(BIN)/ruff check --fix

bench: $(VENV)/dev.stamp  ## measure; prints tables, writes benchmarks/results/*.json (ONLY="soft exact")
	@$(BIN)/python -m benchmarks $(ONLY)

fuzz: $(VENV)/dev.stamp  ## random programs, run by every execution (N=10000 SEED=0 ONLY=soft,sat)
	@$(BIN)/python -m fuzz $(N) --seed $(SEED) $(if $(ONLY),--only $(ONLY))

clean:  ## forget the virtual environment and all caches
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis

# Stamps: a second call installs nothing. The package is installed in place, so edits need no stamp.
$(VENV)/pyvenv.cfg:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	    || { echo "neuralc needs Python 3.11 or newer: make PYTHON=python3.11 ..." >&2; exit 1; }
	@echo "making $(VENV)"
	@$(PYTHON) -m venv $(VENV)

$(VENV)/demo.stamp: pyproject.toml constraints.txt | $(VENV)/pyvenv.cfg
	@echo "installing neuralc and what it needs into $(VENV) (once; torch is large)"
	@$(PIP) -e '.[demo]'
	@touch $@

$(VENV)/dev.stamp: pyproject.toml constraints.txt | $(VENV)/pyvenv.cfg
	@echo "installing neuralc and its test tools into $(VENV) (once; torch is large)"
	@$(PIP) -e '.[demo,dev,solvers,transformers]'
	@touch $@ $(VENV)/demo.stamp
