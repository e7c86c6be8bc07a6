# Everything a person does with a checkout. `make help` lists it.
SHELL := /bin/sh
PORT ?= 8000
T ?= tests
# One file of tests at a time on each core, and the journeys as one; what they share is made once for them.
PYTEST ?= -n auto --dist loadfile
PYTHON ?= python3
export PYTHON

packages := crypto audit housing vault

.DEFAULT_GOAL := help
.PHONY: help run test check format bench mutants picture soak lock clean

help: ## say what there is
	@echo 'make run      set up once, then serve the demonstration on http://localhost:$(PORT) (PORT=8000)'
	@echo 'make test     every test: rules, properties, both databases, browser journeys (T=tests/crypto for a part)'
	@echo 'make check    ruff, mypy --strict, import contracts, bandit'
	@echo 'make format   put every file into the one format that check asks for'
	@echo 'make bench    measure against peers, one JSON line for each number'
	@echo 'make picture  draw vault/desk/desk.png anew from a demonstration'
	@echo 'make soak     the tests that run longer than a person waits'
	@echo 'make mutants  change crypto/ in every small way and say which changes no test notices (M="crypto.fields*")'
	@echo 'make lock     resolve the dependencies anew into deploy/locks/'
	@echo 'make clean    remove what make made, except the demonstration in .demo/'

run: ## the demonstration, kept in .demo/ between runs
	@deploy/setup/prepare.sh runtime
	@exec .venv/bin/python -m vault demo --data .demo --port $(PORT)

test:
	@deploy/setup/prepare.sh dev
	@deploy/setup/test-machine.sh
	.venv/bin/python -m pytest $(PYTEST) $(T)

check:
	@deploy/setup/prepare.sh dev
	.venv/bin/ruff check --no-cache .
	.venv/bin/ruff format --no-cache --check .
	.venv/bin/mypy --cache-dir build/mypy
	.venv/bin/lint-imports --no-cache
	.venv/bin/bandit --quiet --configfile pyproject.toml --recursive $(packages) deploy

format:
	@deploy/setup/prepare.sh dev
	.venv/bin/ruff check --no-cache --fix --select I .
	.venv/bin/ruff format --no-cache .

bench:
	@deploy/setup/prepare.sh bench
	.venv/bin/python -m tests.benchmarks

# Works on a copy in build/mutation, so that the checkout is never changed; a second run goes on from the first.
mutants:
	@deploy/setup/prepare.sh dev
	mkdir -p build/mutation
	git ls-files --cached --others --exclude-standard -z | xargs -0 cp --parents --target-directory=build/mutation
	cd build/mutation && ../../.venv/bin/mutmut run $(M)
	cd build/mutation && ../../.venv/bin/mutmut results

picture:
	@deploy/setup/prepare.sh dev
	@deploy/setup/test-machine.sh
	.venv/bin/python -m tests.journeys.picture vault/desk/desk.png

soak:
	@deploy/setup/prepare.sh dev
	@deploy/setup/test-machine.sh
	.venv/bin/python -m pytest -m 'soak or not soak' --hypothesis-profile=soak $(PYTEST) $(T)

lock:
	@deploy/setup/prepare.sh dev
	@deploy/setup/locks.sh

clean:
	rm -rf .venv build vault/static/uswds vault/static/uswds.new
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
