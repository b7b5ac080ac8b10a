# initserve: `make run` serves, `make test` checks everything. Needs Python >= 3.11 and make, nothing else.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
FRAMEWORKS := .venv-frameworks
SUPPLY := .venv-supply
CONTRACT := .venv-contract
CLUSTERS := .venv-clusters
# A process a processor; one that is done takes tests from another.
SIDE_BY_SIDE := --numprocesses auto --dist worksteal
# The frameworks warn of much that is not ours to mend. A file stays in one process: it loads its framework once.
COMPARE := $(FRAMEWORKS)/bin/pytest --override-ini filterwarnings=default --numprocesses auto --dist loadfile
ifndef SEED
SEED := $(shell date +%s)
endif
CASES ?= 500
# What builds the clients: a command, and Debian's package that has it.
TOOLCHAINS := node:nodejs npm:npm cc:gcc go:golang-go rustc:rustc javac:default-jdk-headless ruby:ruby \
  Rscript:r-base-core,r-cran-curl,r-cran-jsonlite,r-cran-openssl
MINUTES ?= 20
.DEFAULT_GOAL := help
.PHONY: help run test unit test-long test-alone test-pages test-clients clusters test-clusters test-containers test-sameness sameness-tools languages lint format frameworks test-frameworks test-random test-contract mutate openapi golden browser node bench bench-materialize bench-tools promtool lock clean

help: ## Show these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(VENV)/created:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "initserve needs Python 3.11 or newer; name one: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	touch $@

# The locked packages, then the project itself (editable; nothing else is fetched for its build).
$(VENV)/run: $(VENV)/created requirements/run.txt pyproject.toml
	@echo "Installing the locked packages into $(VENV), for half a minute or so, once"
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/run.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	touch $@

$(VENV)/test: $(VENV)/run requirements/test.txt
	@echo "Installing what tests need into $(VENV), for half a minute or so, once"
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/test.txt
	touch $@

run: $(VENV)/run ## Serve on INITSERVE_HOST:INITSERVE_PORT (127.0.0.1:8000)
	@$(BIN)/initserve serve

test: $(VENV)/test lint unit ## Check everything that a commit must pass

unit: $(VENV)/test ## Run the tests alone
	$(BIN)/pytest -m "not browser and not long and not languages and not containers and not clusters and not sameness" $(SIDE_BY_SIDE)

test-long: $(VENV)/test ## Run the tests that take seconds each: memory, long trainings, files beyond 4 GiB
	$(BIN)/pytest -m "long and not alone and not containers and not clusters and not sameness" --ignore tests/clients/languages $(SIDE_BY_SIDE)

# In one process, since each has the machine to itself.
test-alone: $(VENV)/test ## Run the tests that hold figures of time, which others beside them would change (some minutes)
	$(BIN)/pytest -m "long and alone" -rP

test-pages: $(VENV)/test ## Drive the pages in Chromium (make browser installs it); screenshots go to artefacts
	$(BIN)/pytest -m browser $(SIDE_BY_SIDE)

# Each language is built once, so that its tests are in one process.
test-clients: $(VENV)/test ## Run the clients of all languages (make languages installs what builds them; REQUIRE=1: all)
	REQUIRE=$(REQUIRE) $(BIN)/pytest tests/clients/languages $(SIDE_BY_SIDE)

# What the extras ray and dask bring is for clusters alone: neither the service nor its tests have it.
$(CLUSTERS)/ready: requirements/test.txt requirements/clusters.txt pyproject.toml
	$(PYTHON) -m venv $(CLUSTERS)
	$(CLUSTERS)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/test.txt
	$(CLUSTERS)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/clusters.txt
	$(CLUSTERS)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	touch $@

clusters: $(CLUSTERS)/ready ## Install what test-clusters needs

# One cluster at a time: each has processes enough.
test-clusters: $(CLUSTERS)/ready ## Write checkpoints by real Ray and Dask clusters, whose workers are killed (an environment of 1.3 GB)
	$(CLUSTERS)/bin/pytest tests/materialize/clusters

# torch has builds of one version with different hashes, so it alone is locked by version.
$(FRAMEWORKS)/ready: requirements/test.txt requirements/frameworks.txt requirements/torch.txt pyproject.toml
	$(PYTHON) -m venv $(FRAMEWORKS)
	$(FRAMEWORKS)/bin/python -m pip install --quiet --disable-pip-version-check -r requirements/torch.txt
	$(FRAMEWORKS)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/test.txt
	$(FRAMEWORKS)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/frameworks.txt
	$(FRAMEWORKS)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	touch $@

# transformers 4 stands beside, in a folder that a test puts before the rest, and shares torch and all else.
$(FRAMEWORKS)/transformers-4/ready: $(FRAMEWORKS)/ready requirements/transformers-4.txt
	rm -rf $(@D)
	$(FRAMEWORKS)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps \
	  --target $(@D) -r requirements/transformers-4.txt
	touch $@

# So do torchvision, timm, diffusers, tf_keras and others: most are imported in processes of their own.
$(FRAMEWORKS)/models/ready: $(FRAMEWORKS)/ready requirements/models.txt
	rm -rf $(@D)
	$(FRAMEWORKS)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps \
	  --target $(@D) -r requirements/models.txt
	touch $@

# huggingface.js, where there is Node (make node installs it); without, its tests are skipped.
$(FRAMEWORKS)/javascript/ready: $(FRAMEWORKS)/ready tests/frameworks/hub/package-lock.json
	mkdir -p $(@D) && cp tests/frameworks/hub/package.json tests/frameworks/hub/package-lock.json $(@D)
	if command -v npm >/dev/null; then cd $(@D) && npm ci --omit=optional --no-audit --no-fund --loglevel=error; fi
	touch $@

frameworks: $(FRAMEWORKS)/ready $(FRAMEWORKS)/transformers-4/ready $(FRAMEWORKS)/models/ready $(FRAMEWORKS)/javascript/ready ## Install what test-frameworks compares with

test-frameworks: frameworks ## Compare with the real Keras, PyTorch and JAX (an environment of 2 GB, some minutes)
	$(COMPARE) tests/frameworks

# Which of them a run takes goes by the seed, so that runs take turns; the same seed makes the same cases again.
test-random: $(FRAMEWORKS)/ready ## Compare one framework's streams with the real one at random (SEED says which; CASES)
	@set -- torch jax flax keras numpy; shift $$(( $(SEED) % 5 )); \
	  echo "test-random: $$1, make test-random SEED=$(SEED) CASES=$(CASES) repeats it"; \
	  REPLAY_CASES=$(CASES) $(COMPARE) tests/frameworks/replay/test_$$1.py --hypothesis-seed=$(SEED)

# Schemathesis has an environment of its own: it wants other versions of what tests need.
$(CONTRACT)/ready: requirements/contract.txt
	$(PYTHON) -m venv $(CONTRACT)
	$(CONTRACT)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/contract.txt
	touch $@

test-contract: $(VENV)/test $(CONTRACT)/ready ## Hold the service to its OpenAPI document: Schemathesis, all checks, three seeds
	$(BIN)/pytest tests/faults/test_contract.py $(SIDE_BY_SIDE)

mutate: $(VENV)/test ## Change the code in small wrong ways, say which changes no test notices (MINUTES, SEED says which)
	$(BIN)/python -m mutations --minutes $(MINUTES) --seed $(SEED)

lint: $(VENV)/test ## Check format, style, types and the direction of imports
	$(BIN)/ruff format --check service clients/python examples tests benchmarks mutations supply
	$(BIN)/ruff check service clients/python examples tests benchmarks mutations supply
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/test ## Mend format and style
	$(BIN)/ruff format service clients/python examples tests benchmarks mutations supply
	$(BIN)/ruff check --fix service clients/python examples tests benchmarks mutations supply

openapi: $(VENV)/test ## Write openapi/ and docs/settings.md anew
	$(BIN)/python -m tests.answered.record
	$(BIN)/initserve openapi > openapi/openapi.json
	$(BIN)/initserve openapi 3.1 > openapi/openapi-3.1.json
	$(BIN)/initserve settings > docs/settings.md

golden: $(VENV)/test ## Add digests of new schemes to tests/golden (what is there never changes)
	$(BIN)/python -m tests.golden.write
	$(BIN)/python -m tests.golden.addresses

browser: ## Install Chromium for the browser tests (Debian or Ubuntu, as root)
	command -v chromium >/dev/null || { apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium; }

node: ## Install Node for the tests of the Hub in JavaScript (Debian or Ubuntu, as root)
	command -v npm >/dev/null || { apt-get update -qq && apt-get install -y -qq --no-install-recommends nodejs npm; }

languages: ## Install what builds the clients of other languages (Debian or Ubuntu, as root)
	for tool in $(TOOLCHAINS); do command -v $${tool%%:*} >/dev/null || missing="$$missing $$(echo $${tool#*:} | tr , " ")"; done; [ -z "$$missing" ] || \
	  { apt-get update -qq && apt-get install -y -qq --no-install-recommends $$missing; }

bench: $(FRAMEWORKS)/ready ## Measure against the frameworks; writes artefacts/benchmarks (some minutes)
	$(FRAMEWORKS)/bin/python -m benchmarks

bench-materialize: $(VENV)/test ## Write a whole checkpoint to disk beside dd and to a store beside its client (20 GB of disk; MODEL says which)
	$(BIN)/python -m benchmarks.materialize $(MODEL)

bench-tools: ## Install curl, nginx and wrk for the benchmarks (Debian or Ubuntu, as root)
	for tool in curl nginx wrk; do command -v $$tool >/dev/null || missing=1; done; [ -z "$$missing" ] || \
	  { apt-get update -qq && apt-get install -y -qq --no-install-recommends curl nginx-light wrk; }

test-containers: $(VENV)/test ## Build, run, load and restart docker-compose.yml (needs Docker; skipped without)
	$(BIN)/pytest -rP tests/containers

# Emulated, arm64's kernels take an hour of a processor to compile, the first time.
test-sameness: $(VENV)/test .sameness/tools/ready ## Compare bytes under Python 3.11 to 3.14, lowest to newest packages, and arm64
	$(BIN)/pytest -rP tests/sameness

.sameness/tools/ready:
	$(PYTHON) -m venv $(@D)
	$(@D)/bin/python -m pip install --quiet --disable-pip-version-check uv
	touch $@

sameness-tools: ## Install the emulator of arm64 (Debian or Ubuntu, as root)
	command -v qemu-aarch64-static >/dev/null || { apt-get update -qq && apt-get install -y -qq --no-install-recommends qemu-user-static; }

promtool: ## Install promtool for the tests of alerts and metrics (Debian or Ubuntu, as root)
	command -v promtool >/dev/null || { apt-get update -qq && apt-get install -y -qq --no-install-recommends prometheus; }

$(SUPPLY)/ready: requirements/supply.txt
	$(PYTHON) -m venv $(SUPPLY)
	$(SUPPLY)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/supply.txt
	touch $@

audit: $(SUPPLY)/ready ## Ask which locked packages have known vulnerabilities (REQUIRE=1: where none can be asked, fail)
	REQUIRE=$(REQUIRE) $(SUPPLY)/bin/python -m supply.audit requirements/run.txt requirements/test.txt

sbom: $(SUPPLY)/ready ## List what the service is made of, as CycloneDX, in artefacts/sbom.cdx.json
	mkdir -p artefacts
	$(SUPPLY)/bin/python -m supply.sbom requirements/run.txt artefacts/sbom.cdx.json

lock: $(VENV)/test ## Resolve the requirement files anew (needs uv)
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
	  pyproject.toml --group build -o requirements/run.txt
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
	  pyproject.toml --extra otel --group build --group test -c requirements/run.txt -o requirements/test.txt
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
	  pyproject.toml --extra ray --extra dask -c requirements/test.txt -o requirements/clusters.txt
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
	  requirements/frameworks.in -c requirements/test.txt -o requirements/frameworks.txt
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --no-deps \
	  requirements/transformers-4.in -o requirements/transformers-4.txt
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --no-deps \
	  requirements/models.in -o requirements/models.txt
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
	  requirements/generators.in -o requirements/generators.txt
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
	  requirements/supply.in -o requirements/supply.txt
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
	  requirements/contract.in -o requirements/contract.txt

clean: ## Remove the virtual environment and every cache
	rm -rf $(VENV) $(FRAMEWORKS) $(SUPPLY) $(CONTRACT) $(CLUSTERS) .sameness .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache build *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
