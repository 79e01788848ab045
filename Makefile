PY := .venv/bin/python
STACK := $(PY) -m deploy.local.stack
PYTEST := $(PY) -m pytest
# The machine's own, also where this checkout's .venv stands first on the PATH: that one has no pip.
MACHINE_PYTHON := $(shell PATH=$$(printf %s "$$PATH" | sed 's|[^:]*/\.venv/bin:*||g'); \
	command -v python3.11 || command -v python3)
# What mypy found out is kept where bootstrap.py installs, for every clone: one folder, for these settings and packages.
FOUND_OUT := $(or $(ENGINEDGE_CACHE),$(or $(XDG_CACHE_HOME),$(HOME)/.cache)/enginedge)/mypy
export MYPY_CACHE_DIR := $(FOUND_OUT)/$(firstword $(shell cat pyproject.toml requirements/local.lock | cksum))
.DEFAULT_GOAL := help
.PHONY: help bootstrap up down status logs night test test-unit soak bench bench-lake bench-backup bench-engines kopia lock lint

help: ## what can be made
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
bootstrap: ## install what the stack needs: into a cache outside the checkout, and into .venv
	@$(MACHINE_PYTHON) deploy/local/bootstrap.py
up: bootstrap ## bring up the whole lake, run a night through it, back up every store and prove each backup
	@$(STACK) up && .venv/bin/enginedge lake first-night && since=$$(.venv/bin/enginedge lake last-published) && \
		.venv/bin/enginedge backup prove --since "$$since" && \
		echo 'Everything is up, and every backup is proved. `make status` tells addresses, users and where the passwords are.'
down status logs night: | $(PY)
$(PY):
	@echo 'nothing is installed here yet: run `make bootstrap`, or `make up`' >&2; exit 2
down: ## stop everything that `make up` started; the data stays
	@$(STACK) down
status: ## every service: state, port, health, memory
	@$(STACK) status
logs: ## follow one service's log: make logs S=trino
	@$(STACK) logs $(S)
night: ## run last night, or NIGHT=2026-11-23, without Airflow
	@.venv/bin/enginedge lake run $(if $(NIGHT),--night $(NIGHT))
test: bootstrap ## the gate: style, types, import contracts, every test (they bring up a stack of their own)
	@$(PY) -m tests.gate
test-unit: bootstrap ## the fast tests, which need no stack
	@$(PYTEST) --ignore=tests/soak -m "not stores and not stack and not browser and not destructive"
soak: kopia ## run for a long time while things are killed
	@$(PYTEST) tests/soak
bench: bench-lake bench-backup bench-engines ## every benchmark; figures go to .bench/
bench-lake: bootstrap ## the lake's figures, printed and in .bench/lake.json
	@$(PY) -m tests.benchmarks.lake
bench-backup: bootstrap ## the backups' figures, printed and in .bench/backup.json
	@$(PY) -m tests.benchmarks.backup
bench-engines: kopia ## restic against kopia, printed and in .bench/engines.json
	@$(PY) -m tests.benchmarks.engines
kopia: bootstrap
	@$(MACHINE_PYTHON) deploy/local/bootstrap.py kopia
lock: ## compile requirements/*.lock anew after a change of local.in or pyproject.toml
	@$(MACHINE_PYTHON) deploy/local/bootstrap.py --lock
lint: bootstrap ## style, types and import contracts
	@[ -d "$$MYPY_CACHE_DIR" ] || rm -rf "$(FOUND_OUT)"
	@.venv/bin/ruff check . && .venv/bin/ruff format --check . && .venv/bin/mypy && .venv/bin/lint-imports
