# byoa: every target does its own set-up; `make help` lists them.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

# The first Python between 3.10 and 3.13; name your own with `make setup PYTHON=/path/to/python`.
PYTHON ?= $(shell for python in python3.11 python3.12 python3.10 python3.13 python3 python; do \
	$$python -c 'import sys, venv, ensurepip; sys.exit(not (3, 10) <= sys.version_info < (3, 14))' \
	2>/dev/null && echo $$python && break; done)
# An index of CPU wheels makes a small environment and image: make setup TORCH_INDEX=...
TORCH_INDEX ?=
ALGORITHM ?= mask_r_cnn
# `serve` makes the small image without torch, which only serves: make image PACKAGES=serve
PACKAGES ?= image
IMAGE ?= mask-r-cnn:$(if $(filter serve,$(PACKAGES)),serve,latest)
BASE_IMAGE ?= debian:bookworm-slim
PRETRAINED ?= none
VENV := .venv
PYTEST := $(VENV)/bin/python -m pytest
STAMP := $(VENV)/.stamp

.PHONY: help setup demo test test-computing test-waiting test-alone check lint image image-test bench parity docker-test release-check lock clean

help:  ## what there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(STAMP)  ## make .venv with every dependency, pinned and checked by hash

$(STAMP): requirements/dev.txt requirements/install.sh
	@test -n "$(PYTHON)" || { echo "No Python 3.10 to 3.13 with venv found: install one (Debian: apt-get install python3-venv) or name it with PYTHON=..." >&2; exit 1; }
	@test -x $(VENV)/bin/python || $(PYTHON) -m venv $(VENV)
	@echo "installing the locked packages into $(VENV): minutes, and 7 GB with torch's CUDA libraries"
	@PIP_QUIET=1 requirements/install.sh $(VENV)/bin/python requirements/dev.txt "$(TORCH_INDEX)"
	@$(VENV)/bin/python -m pip install --quiet --no-deps --no-build-isolation --disable-pip-version-check --editable .
	@touch $(STAMP)

demo: $(STAMP)  ## make pictures, train on the CPU, serve, ask: five minutes, no docker, no data
	$(VENV)/bin/python local_test/demo.py

# Two test processes of one thread each beat two that fight for the cores. The driver's and the harness's
# tests wait for jobs and servers most of the time: more of them go side by side, a file in one process,
# which then starts its sandbox once.
WAITING := tests/docs tests/examples tests/infrastructure tests/byoa tests/container
HERE := not docker and not gpu and not parity and not alone
test test-computing test-waiting test-alone parity: export OMP_NUM_THREADS ?= 1
test: $(STAMP)  ## the tests that need no docker
	$(MAKE) --no-print-directory test-computing
	$(MAKE) --no-print-directory test-waiting
	$(MAKE) --no-print-directory test-alone

test-computing: $(STAMP)  ## of `make test`: doors and the tests that compute
	$(PYTEST) -n 2 -m "$(HERE)" --durations=8 $(addprefix --ignore ,$(WAITING)) tests

test-waiting: $(STAMP)  ## of `make test`: the tests that start jobs and servers
	$(PYTEST) -n 6 --dist loadfile --no-loadscope-reorder -m "$(HERE)" --durations=8 $(WAITING)

test-alone: $(STAMP)  ## of `make test`: the tests that assert times
	$(PYTEST) -m alone $$(grep --recursive --files-with-matches --include '*.py' pytest.mark.alone tests)

lint: $(STAMP)  ## format, lint and types
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/ruff check .
	$(VENV)/bin/mypy

check: lint test  ## what CI runs first: format, lint, types, doors, tests

image:  ## build the image, mask-r-cnn:latest; PACKAGES=serve: the small one that only serves
	./build_and_push.sh --no-push --algorithm $(ALGORITHM) --image $(IMAGE) --base $(BASE_IMAGE) \
		--torch-index "$(TORCH_INDEX)" --pretrained $(PRETRAINED) --packages $(PACKAGES)

image-test: $(STAMP)  ## the demo through docker; records the image's size and cold start
	$(VENV)/bin/python local_test/image_test.py --image $(IMAGE)

bench: $(STAMP)  ## list and run the benchmarks; some: make bench BENCH="train_step one_request"
	$(VENV)/bin/python benchmarks/bench.py --list
	$(VENV)/bin/python benchmarks/bench.py $(BENCH)

parity: $(STAMP)  ## our SM_* variables and arguments against AWS's sagemaker-training
	test -x .venv-parity/bin/python || $(VENV)/bin/python -m venv .venv-parity
	requirements/install.sh .venv-parity/bin/python requirements/parity.txt
	BYOA_PARITY_PYTHON=$(CURDIR)/.venv-parity/bin/python $(PYTEST) -m parity $$(grep --recursive --files-with-matches --include '*.py' pytest.mark.parity tests)

release-check: $(STAMP)  ## wheel, sdist, twine check, install in a clean environment, a first endpoint
	$(VENV)/bin/python local_test/release_check.py

lock:  ## write the lock files anew (needs uv)
	requirements/lock.sh

# They wait for containers, builds and downloads most of the time: four side by side fill two cores.
docker-test: $(STAMP)  ## the tests that need docker and the image
	$(PYTEST) -n 2 --dist loadfile --no-loadscope-reorder -m docker --timeout 600 --durations=10 tests/docker tests/docs

clean:  ## remove what the programs left; keeps .venv
	rm -rf build demo .mypy_cache .ruff_cache .hypothesis local_test/test_dir
