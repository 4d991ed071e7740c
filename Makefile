# `make` alone lists what can be made. Variables are given after the target: make run PORT=9000

PYTHON ?= python3
HOST = 127.0.0.1
PORT = 8000
MODELS =
RECIPE = digits
BUNDLE = digits
IMAGE = inkling
ARGS =

PY = .venv/bin/python
PIP = $(PY) -m pip --disable-pip-version-check install --quiet --constraint constraints.txt
SLIM = .venv/.slim
DEV = .venv/.dev

.DEFAULT_GOAL = help
.PHONY: help run test coverage lint format types train book evaluate transfer bench-transfer bench-training bench bench-peers \
	soak field check-tfserving fuzz audit image image-check wheel protos constraints clean

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-16s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

run: $(SLIM) ## serve the models and the drawing page (HOST= PORT= MODELS= ARGS=)
	@$(PY) -m serving --host $(HOST) --port $(PORT) $(if $(MODELS),--models '$(MODELS)') $(ARGS)

test: $(DEV) ## run all tests (ARGS="-m 'not slow'" for the quick ones)
	$(PY) -m pytest $(ARGS)

coverage: $(DEV) ## the same, and which branches no test ran: takes a third longer
	$(PY) -m pytest $(ARGS) --cov

lint: $(DEV) ## check style and layout of the code
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .

format: $(DEV) ## lay the code out, and mend what can be mended by machine
	$(PY) -m ruff check --fix .
	$(PY) -m ruff format .

types: $(DEV) ## check the types of the three packages
	$(PY) -m mypy

train: $(DEV) ## train a model and write its bundle (RECIPE=digits ARGS=)
	$(PY) -m training $(RECIPE) $(if $(MODELS),--models '$(MODELS)') $(ARGS)

book: $(DEV) ## train the recipes that have no result yet, and write the recipe book (ARGS="--seeds 3")
	$(PY) -m training.book $(ARGS)

evaluate: $(DEV) ## figures, plots and a page about a bundle (BUNDLE=digits ARGS=)
	$(PY) -m training.evaluate $(BUNDLE) $(ARGS)

bench: $(DEV) ## measure how fast the server answers, beside the usual Flask script (ARGS=)
	$(PY) -m tests.bench $(ARGS)

transfer: $(DEV) ## learn new symbols from pictures: one folder a class, .npz, .csv (DATA= ARGS="--name ...")
	$(PY) -m transfer $(if $(DATA),'$(DATA)') $(if $(MODELS),--models '$(MODELS)') $(ARGS)

bench-peers: $(DEV) ## measure other servers with the same network beside ours; installs them first (ARGS=)
	$(PY) -m tests.bench.peers $(ARGS)

soak: $(DEV) ## too much load for ten minutes, or a fault under load (ARGS=worker-killed)
	$(PY) -m tests.soak $(ARGS)

bench-transfer: $(DEV) ## measure what transfer reads from a few pictures, and what its cache saves (ARGS=)
	$(PY) -m tests.transfer.bench $(ARGS)

bench-training: $(DEV) ## measure seconds an epoch of training beside plain Keras's (ARGS=--rounds 1)
	$(PY) -m tests.bench.training $(ARGS)

field: $(DEV) ## read what people draw and photograph: tables, and a page of the misread (ARGS=--quick)
	$(PY) -m tests.field $(ARGS)

check-tfserving: $(DEV) ## run the tests of its engine against a real TensorFlow Serving, from Docker or the path
	INKLING_TFSERVING=real $(PY) -m pytest tests/serving/test_tfserving.py $(ARGS)

fuzz: $(DEV) ## send 10,000 faulty requests to a server, and see that none breaks it (ARGS="--seed 2")
	$(PY) -m tests.fuzz $(ARGS)

audit: ## ask PyPI for known faults in the versions of constraints.txt
	@$(PYTHON) -m venv build/audit
	@build/audit/bin/python -m pip --disable-pip-version-check install --quiet pip-audit
	@build/audit/bin/python tests/audit.py

image: ## build the container image with docker, podman or buildah (IMAGE=inkling)
	$(BUILD_IMAGE) --tag $(IMAGE) .

image-check: ## build the image, start it as it is meant to run, ask it for a prediction
	@bash tests/check_image.sh

wheel: $(SLIM) ## build the wheel and the source archive into dist/
	$(PIP) build
	$(PY) -m build --outdir dist

protos: ## generate the messages of gRPC anew from serving/protos/*.proto
	$(PYTHON) -m venv --clear build/protos
	build/protos/bin/python -m pip install --quiet $$(sed -n 's/^grpcio==/grpcio-tools==/p' constraints.txt)
	build/protos/bin/python -m grpc_tools.protoc --proto_path=. --python_out=. --pyi_out=. serving/protos/*.proto

constraints: ## take the newest versions that fit into constraints.txt
	$(PYTHON) -m venv --clear build/constraints
	build/constraints/bin/python -m pip install --quiet --editable '.[train,dev]'
	{ grep '^#' constraints.txt; build/constraints/bin/python -m pip list --format freeze \
		--exclude pip --exclude inkling | tr 'A-Z_' 'a-z-' | sort; } > build/constraints.txt
	mv build/constraints.txt constraints.txt

clean: ## remove what can be made again (keeps models/ and runs/)
	rm -rf .venv build dist htmlcov .coverage .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The environment: made once, and again only when what it is made from has changed.

$(PY):
	@command -v $(PYTHON) > /dev/null || { echo \
		"There is no $(PYTHON) here: install Python 3.11 or newer, or say make PYTHON=/path/to/python3"; \
		exit 1; } >&2
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo \
		"$$($(PYTHON) --version) is too old: Inkling needs 3.11 or newer, as in make PYTHON=python3.12"; \
		exit 1; } >&2
	@$(PYTHON) -c 'import ensurepip, venv' 2> /dev/null || { echo \
		"$(PYTHON) cannot make virtual environments: on Debian and Ubuntu, apt install python3-venv"; \
		exit 1; } >&2
	@$(PYTHON) -m venv .venv

$(SLIM): pyproject.toml constraints.txt | $(PY)
	@echo "Installing the server into .venv (some 140 MB to fetch, the first time only) ..."
	@$(PIP) --editable .
	@touch $@

$(DEV): pyproject.toml constraints.txt | $(PY)
	@$(PY) -c 'import sys; sys.exit(sys.version_info >= (3, 14))' || { echo \
		"TensorFlow, which training and the tests need, has no build for $$($(PY) --version):" \
		"make clean, then again with PYTHON=python3.13 or older"; exit 1; } >&2
	@echo "Installing the server, TensorFlow and the tools into .venv (some 840 MB to fetch) ..."
	@$(PIP) --editable '.[train,dev]'
	@touch $(SLIM) $@

# The first engine that answers; a docker client without its daemon does not.
BUILD_IMAGE = $(or $(shell \
	if docker version > /dev/null 2>&1; then echo docker build; \
	elif podman version > /dev/null 2>&1; then echo podman build --format docker; \
	elif command -v buildah > /dev/null; then echo buildah build --format docker; \
	fi),$(error None of docker, podman and buildah works here: install one of them, or start it))
