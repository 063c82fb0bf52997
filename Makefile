# What you can do here; `make help` lists it. Every path is relative, so that a space in the project's path does no harm.
SHELL := /bin/sh
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
PYTHON ?= python3
BIN := .venv/bin/python
SI := $(BIN) -m si_analytics
BIOME := .venv/bin/biome
SCRIPTS := src/si_analytics/reports/dashboard/static
DEMO_AS_OF := 2026-06-01T00:00:00Z
INSTALLED := .venv/.installed
BENCH_BIN := .venv-bench/bin/python
BENCH_INSTALLED := .venv-bench/.installed

.PHONY: help install demo test lint format catalog docs ui lab bench clean lock

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "  make %-8s %s\n", $$1, $$2}' Makefile

install: $(INSTALLED) ## The locked dependencies into .venv; PYTHON=... for another interpreter

demo: $(INSTALLED) ## From nothing to published numbers and a dashboard, on a sample marketplace
	@$(SI) schema apply
	@$(SI) sample --scale 1 --seed 1
	@$(SI) refresh --as-of $(DEMO_AS_OF)
	@$(SI) export dashboard
	@echo
	@echo "Everything is under .si: the Postgres server, warehouse.duckdb, exports/. Next:"
	@echo "  make ui    Dagster's web UI: the graph of every number, and the job that refreshes them"
	@echo "  make lab   JupyterLab on the notebooks"
	@echo "  .venv/bin/si metric agent_leaderboard --since 2026-01-01"

# Each worker reads what was compiled once, also where the machine says that Python writes no such files.
test: $(INSTALLED) ## The whole test suite, on real databases and a real browser
	@sh .ci/setup
	@PYTHONDONTWRITEBYTECODE= $(BIN) -m pytest -n 3 --dist worksteal

lint: $(INSTALLED) ## Style, types, imports, SQL, the page's scripts and the links of the documents, as the pre-commit hook runs them
	@$(BIN) -m ruff format --check .
	@$(BIN) -m ruff check .
	@$(BIN) -m mypy
	@.venv/bin/lint-imports --no-logo > .venv/lint-imports.txt || { cat .venv/lint-imports.txt; exit 1; }
	@$(BIN) -m sqlfluff lint --disable-progress-bar --processes 2 sql
	@$(BIOME) ci $(SCRIPTS)
	@$(BIN) docs/building/links.py

format: $(INSTALLED) ## Let ruff lay the Python out, and Biome the page's scripts
	@$(BIN) -m ruff format .
	@$(BIN) -m ruff check --fix .
	@$(BIOME) check --write $(SCRIPTS)

docs: catalog ## The documentation as a site that opens from disk: site/index.html
	@$(BIN) docs/building/build.py site
	@echo "Wrote site/index.html"

catalog: $(INSTALLED) ## docs/metrics.md, docs/measure-catalog.md and the tables in docs/definitions.md anew, from the files in sql/
	@$(BIN) -m si_analytics.query.catalog > docs/metrics.md.new
	@mv docs/metrics.md.new docs/metrics.md
	@$(BIN) -m si_analytics.query.measure_catalog > docs/measure-catalog.md.new
	@mv docs/measure-catalog.md.new docs/measure-catalog.md
	@$(BIN) -m si_analytics.query.catalog docs/definitions.md > docs/definitions.md.new
	@mv docs/definitions.md.new docs/definitions.md

ui: $(INSTALLED) ## Dagster's web UI on http://127.0.0.1:3000
	@$(SI) ui

lab: $(INSTALLED) ## JupyterLab on the notebooks
	@$(SI) lab

bench: $(INSTALLED) $(BENCH_INSTALLED) ## Measure refreshes beside other tools; hours, and .venv-bench for the other tools
	@PYTHONPATH=src $(BENCH_BIN) -m benchmarks $(ARGS)

clean: ## Stop the embedded server, remove .venv, the site and caches; the data in .si stay
	@if [ -x $(BIN) ]; then $(SI) db stop || true; fi
	rm -rf .venv .venv-bench .pytest_cache .mypy_cache .ruff_cache .hypothesis dist build site

lock: ## Pin the dependencies anew (needs uv)
	uv pip compile pyproject.toml --universal --generate-hashes --no-emit-index-url --all-extras --group dev --group docs \
		--custom-compile-command "make lock" --quiet --output-file requirements.lock
	uv pip compile pyproject.toml --universal --generate-hashes --no-emit-index-url --group bench --constraint requirements.lock \
		--custom-compile-command "make lock" --quiet --output-file requirements-bench.lock

$(INSTALLED): requirements.lock pyproject.toml
	@test -x $(BIN) || $(PYTHON) -m venv .venv
	@echo "Installing the locked dependencies into .venv; this takes a minute or two"
	@$(BIN) -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements.lock
	@$(BIN) -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $(INSTALLED)

$(BENCH_INSTALLED): requirements-bench.lock
	@test -x $(BENCH_BIN) || $(PYTHON) -m venv .venv-bench
	@echo "Installing the locked dependencies and the tools to compare with into .venv-bench"
	@$(BENCH_BIN) -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements-bench.lock
	@touch $(BENCH_INSTALLED)
