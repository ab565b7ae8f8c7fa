# Two commands: `make drill` and `make test`. Each sets up what is missing.
# RERUNS=1 gives a test that fails one more try, and names it at the end: for a machine with other work to do.

PYTHON ?= python3
RERUNS ?= 0
MARKED ?= long or not long
VENV := .venv
BIN := $(VENV)/bin
HERE := tests/surroundings tests/e2e tests/integration tests/recorded tests/sabotage tests/unit # the longest first
TOGETHER := --numprocesses 3 --dist loadfile --no-loadscope-reorder # a drill waits for most of its time

.DEFAULT_GOAL := help
.PHONY: help setup setup-tests drill test test-long test-unit test-docker test-kubernetes test-targets test-gpu lint format reference images stack stack-down clean bench leak-benchmark newcomer package-pairs sabotage mutants kill-matrix surroundings sabotage-live fuzz

help: ## list every target
	@awk -F':.*## ' '/^[a-z0-9-]+:.*## / {printf "  make %-15s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(VENV)/.ready ## install what the drill needs: Debian packages and a virtual environment

$(VENV)/.ready: pyproject.toml constraints.txt .ci/system-packages
	@bash .ci/system-packages
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	@touch $@

setup-tests: $(VENV)/.ready-tests ## the same, and what only tests and linters need: torch, which is large

$(VENV)/.ready-tests: $(VENV)/.ready
	@bash .ci/system-packages tests
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev,torch]'
	@touch $@

drill: setup ## the main job: the gateway leaks, the alert fires, a runbook step cures it, memory comes back
	@$(BIN)/leakdrill run gateway/unbounded-cache

test: setup-tests ## every test that needs no container engine, without the long ones: some minutes
	@$(BIN)/python -m pytest --reruns $(RERUNS) -m "not long and not thorough" $(TOGETHER) $(HERE)

test-long: setup-tests ## the tests that are marked `long`: whole drills, and the subset of the catalogue
	@$(BIN)/python -m pytest --reruns $(RERUNS) -m "long and not thorough" $(TOGETHER) $(HERE)
	@$(BIN)/python -m pytest -m long tests/catalogue/test_subset.py # it runs its drills side by side itself

.PHONY: test-thorough
test-thorough: setup-tests ## the tests that CI leaves out, each beside a long one of its kind: every leak's growth, whole rehearsals
	@$(BIN)/python -m pytest --reruns $(RERUNS) -m thorough $(TOGETHER) $(HERE)

sabotage: setup ## spoilt records of drills, and how many of each kind do not pass: it must be all
	@$(BIN)/python tests/sabotage/suite.py

test-unit: setup-tests ## the tests that start no process
	@$(BIN)/python -m pytest tests/unit

fuzz: setup-tests ## 24,000 spoilt files and 4,000 changed numbers: none may end in a traceback, a wait or a PASS
	@PYTHONPATH=tests/spoilt_files:tests/unit $(BIN)/python tests/spoilt_files/spoilt_files.py 24000
	@PYTHONPATH=tests/spoilt_files:tests/unit $(BIN)/python tests/spoilt_files/spoilt_numbers.py 4000

test-docker: setup-tests ## the tests that need a Docker Engine; they skip with the reason where none answers
	@$(BIN)/python -m pytest --reruns $(RERUNS) -m "$(MARKED)" tests/docker

test-kubernetes: setup-tests ## the tests that need a cluster; they skip with the reason where none answers
	@$(BIN)/python -m pytest --reruns $(RERUNS) -m "$(MARKED)" tests/kubernetes

test-targets: setup-tests ## the same files on a process, on Docker and in a cluster, with the same verdicts
	@$(BIN)/python -m pytest --reruns $(RERUNS) -m "$(MARKED)" tests/targets

.PHONY: test-runbooks
test-runbooks: setup-tests ## rehearse every runbook of the catalogue, and its wrong twin: six minutes
	@$(BIN)/python -m pytest --reruns $(RERUNS) -m long --numprocesses 2 tests/catalogue/test_rehearsed_runbooks.py

# One after another, in one recipe: CI runs it beside the tests in a cluster.
.PHONY: test-without-cluster
test-without-cluster: ## what CI runs beside the tests in a cluster: Docker, the runbooks, the newcomer's day
	@$(MAKE) test-docker && $(MAKE) test-runbooks && $(MAKE) newcomer

test-gpu: setup-tests ## the tests that need an NVIDIA GPU; they skip with the reason where there is none
	@$(BIN)/python -m pytest --reruns $(RERUNS) tests/gpu

.PHONY: test-cgroup-v2
test-cgroup-v2: setup-tests ## control groups of version 2 on a Debian kernel, in an emulated machine: some minutes
	@$(BIN)/python tests/cgroup_v2/virtual_machine.py

lint: setup-tests ## ruff and mypy
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

format: setup ## format the code with ruff
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

reference: setup ## rewrite the generated pages of docs/reference
	@$(BIN)/python docs/generate.py

.PHONY: envelopes
envelopes: setup ## rewrite docs/reference/envelopes.md, what each rule of the catalogue can see: half a minute on free cores
	@$(BIN)/python docs/envelopes.py

newcomer: setup ## the first day of somebody with a service of their own, from the wheel: `init` to PASS in one attempt; some minutes
	@$(BIN)/python tests/newcomer/newcomer.py

bench: setup ## measure the costs that the pages claim: meters, load, the drill's own time
	@$(BIN)/python benchmarks/meter_cost.py
	@$(BIN)/python benchmarks/locust_overhead.py
	@$(BIN)/python benchmarks/start_up.py
	@$(BIN)/python benchmarks/drill_overhead.py
	@$(BIN)/python benchmarks/agent_cost.py
	@$(BIN)/python benchmarks/gpu_meter_cost.py
	@$(BIN)/python benchmarks/page.py
	@$(BIN)/python benchmarks/envelope.py

.PHONY: soak
soak: setup ## record five million samples; the gate's own statistics say whether the harness leaks: about ten minutes
	@$(BIN)/python benchmarks/soak.py --samples 5000000 --budget 1

leak-benchmark: setup ## the gate's verdict beside naive rules, on generated and recorded traces
	@$(BIN)/python benchmarks/leak_benchmark.py tests/recorded

kill-matrix: setup-tests ## SIGKILL, SIGTERM and SIGINT in each phase of each kind of drill, and what is left; hours. ONLY="process scale" chooses
	@$(BIN)/python tests/kill_matrix/kill_matrix.py $(foreach word,$(ONLY),--only $(word)) $(if $(JOBS),--jobs $(JOBS)) --page docs/background/kill-matrix.md

package-pairs: setup ## leaking releases of real packages against the releases that fixed them
	@$(BIN)/python benchmarks/package_pairs.py

mutants: setup-tests ## change the judging code a little, thousands of times: does a test notice? Hours the first time; SAMPLE=1500 tries that many
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[mutants]'
	@$(BIN)/python tests/mutants/run.py $(if $(SAMPLE),--sample $(SAMPLE)) $(if $(JOBS),--jobs $(JOBS))

surroundings: setup ## whole drills in surroundings that fail: what each must come to, and caught / total; a quarter of an hour
	@$(BIN)/python tests/surroundings/run_spoilt_drills.py $(ONLY)

sabotage-live: setup ## whole drills that are spoilt in what they are about, likewise; ONLY="--ci" runs those of CI
	@$(BIN)/python tests/surroundings/run_spoilt_drills.py --live $(ONLY)

images: setup ## what a drill in a cluster needs: `leakdrill` (for deploy/leakdrill-job.yaml) and `leakdrill-samples`
	@PYTHONPATH=deploy $(BIN)/python -m staging build docker-compose.yml configure gateway

stack: setup ## the staging stack of docker-compose.yml, up and healthy; STACK=gateway brings up a part of it
	@PYTHONPATH=deploy $(BIN)/python -m staging up docker-compose.yml $(STACK)

stack-down: setup ## take the staging stack down, with its networks and volumes
	@PYTHONPATH=deploy $(BIN)/python -m staging down docker-compose.yml

clean: ## undo what interrupted drills left behind, and remove the virtual environment
	@test ! -x $(BIN)/leakdrill || $(BIN)/leakdrill clean
	@rm -rf $(VENV)
