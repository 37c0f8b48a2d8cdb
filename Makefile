# Everything a newcomer needs: make run, make test, make serve, and make gpu where there is a CUDA device. Only Python 3.11+,
# make and a C compiler are assumed.

PYTHON ?= $(firstword $(foreach version,3.11 3.12,$(shell command -v python$(version) 2>/dev/null)) python3)
VENV := .venv
BIN := $(VENV)/bin
STORE ?= leangnn.duckdb
MINUTES ?= 25
READY := $(VENV)/ready
EXTRAS ?= test,postgres
# one worker more than there are cores, because many tests wait for a browser or a cluster; in the order of the folders,
# because xdist would leave the files with few tests, which are the longest, to the end
WORKERS := $(shell $(PYTHON) -c "import os; print(min(4, os.cpu_count() + 1))")
PYTEST := $(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder

# A CUDA machine gets torch's default build, which brings CUDA; any other one gets the CPU build where one is at hand.
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
TORCH := torch==2.13.0
CUDA := $(shell command -v nvidia-smi >/dev/null 2>&1 && nvidia-smi -L 2>/dev/null | grep -c GPU)

.PHONY: run test test-fast serve gpu lint clean

run: $(READY)
	$(BIN)/leangnn run quick --db $(STORE)
	$(BIN)/leangnn board --db $(STORE)

test: $(READY) lint
	$(PYTEST)

# what is left without the tests that take more than about 10 s each
test-fast: $(READY) lint
	$(PYTEST) -m "not slow"

serve: $(READY)
	$(BIN)/leangnn serve --db $(STORE)

# the tests that need a CUDA device, then as much of the papers as the budget allows; the next call goes on
gpu: $(READY)
	$(BIN)/python -m pytest tests/methods/kernels tests/bench/meters tests/bench/test_trial.py tests/bench/test_trial_on_cuda.py
	$(BIN)/leangnn run papers-full --device cuda --minutes $(MINUTES) --db $(STORE)

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "LeanGNN needs Python 3.11 or newer; call: make PYTHON=/path/to/python3.11"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(if $(filter-out 0,$(CUDA)),,$(PIP) $(TORCH)+cpu 2>/dev/null ||) $(PIP) $(TORCH)
	$(PIP) --constraint constraints.txt --editable '.[$(EXTRAS)]'
	touch $(READY)

clean:
	rm -rf $(VENV) build *.egg-info
