# Fresh machine: CPython 3.11 or later with venv, a C compiler, GNU make and PyPI.  Nothing else is needed,
# and nothing is installed outside .venv.  `make help` lists what there is.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
N ?= 1000000
SEED ?= 0
EXPLAINED_CASE ?= 28
SECONDS ?= 120

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory
export PIP_DISABLE_PIP_VERSION_CHECK := 1

INSTALLED := $(VENV)/.installed
BENCH_INSTALLED := $(VENV)/.installed-bench
QUIET := --quiet --quiet
KERNEL := $(VENV)/.kernel
COMPILED := $(wildcard tariffcore/*.pyx)
SHARED := $(wildcard tariffcore/*.pxd)

.PHONY: help
help:  ## what there is to make
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | while IFS=$$'\t' read -r name what; do \
	    printf '  make %-14s %s\n' "$$name" "$$what"; done

# -- the environment ---------------------------------------------------------------------------

# Runs on any Python, however old, to say what is wrong with the machine in words, all at once.
define CHECK_MACHINE
import os, sys, sysconfig
wrong = []
def found(program):
    folders = os.environ.get("PATH", "").split(os.pathsep)
    return any(os.access(os.path.join(folder, program), os.X_OK) for folder in folders)
named = "%s is Python %d.%d" % ((sys.executable,) + tuple(sys.version_info[:2]))
if sys.version_info < (3, 11):
    wrong.append(named + "; tariffcore needs CPython 3.11 or later. Name one: make PYTHON=/path/to/python3.11")
else:
    try:
        import ensurepip, venv
    except ImportError:
        wrong.append(named + ", which cannot make environments. On Debian: apt-get install python3-venv")
    compiler = (os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc").split()[0]
    if not found(compiler):
        wrong.append("There is no C compiler (%s). On Debian: apt-get install gcc libc6-dev; or name yours: make CC=..." % compiler)
    if not os.path.exists(os.path.join(sysconfig.get_path("include"), "Python.h")):
        wrong.append(named + ", which has no Python.h to build the kernel with. On Debian: apt-get install python3-dev")
sys.exit("\n".join(wrong) or None)
endef
export CHECK_MACHINE

define BUILD_REQUIREMENTS
import tomllib
with open("pyproject.toml", "rb") as file:
    print("\n".join(tomllib.load(file)["build-system"]["requires"]))
endef
export BUILD_REQUIREMENTS

# The build requirements go into the environment itself, so that the kernel can be rebuilt there in seconds.
$(INSTALLED): pyproject.toml setup.py
	@command -v $(PYTHON) >/dev/null || { echo "There is no $(PYTHON) here. Install CPython 3.11 or later, or name one: make PYTHON=/path/to/python3.11" >&2; exit 1; }
	@$(PYTHON) -c "$$CHECK_MACHINE"
	@if $(BIN)/python -c '' 2>/dev/null; then echo "Bringing $(VENV) up to date ..."; else echo "Making $(VENV) ..."; $(PYTHON) -m venv --clear $(VENV); fi
	@$(BIN)/python -c "$$BUILD_REQUIREMENTS" > $(VENV)/build-requirements.txt
	@$(BIN)/python -m pip install $(QUIET) -r $(VENV)/build-requirements.txt
	@echo "Installing what tariffcore needs, and building the kernel ..."
	@$(BIN)/python -m pip install $(QUIET) --no-build-isolation --editable '.[test]'
	@touch $@

$(BENCH_INSTALLED): $(INSTALLED)
	@echo "Installing what tariffcore is compared with ..."
	@$(BIN)/python -m pip install $(QUIET) --no-build-isolation --editable '.[test,bench]'
	@touch $@

# Every .pyx becomes a binary beside it. The installation builds them too, so look once more before building.
$(KERNEL): $(COMPILED) $(SHARED) setup.py $(if $(filter-out $(wildcard tariffcore/*.so),$(COMPILED:.pyx=.abi3.so)),FORCE) | $(INSTALLED)
	@for source in $(COMPILED) $(SHARED); do \
	    built=$${source%.p*}.abi3.so; \
	    if [[ $$source == *.pxd ]]; then built=tariffcore/_chunks.abi3.so; fi; \
	    if [[ $$source -nt $$built ]]; then \
	        echo "Building the kernel ..."; \
	        $(BIN)/python -W ignore setup.py --quiet build_ext --inplace --parallel 4; \
	        break; \
	    fi; \
	done
	@touch $@

.PHONY: environment FORCE
environment: $(INSTALLED) $(KERNEL)  ## .venv with everything installed and the kernel built

# -- what people do ------------------------------------------------------------------------------

.PHONY: demo
demo: environment  ## price 20,000 sample cases, explain one; hospitals' costs to tariffs; two months from claims to payment
	@mkdir -p demo
	$(BIN)/tariffcore sample -n 20000 -o demo/cases.csv
	$(BIN)/tariffcore price demo/cases.csv -s kz-demo -o demo/priced.parquet --rejects demo/rejects.csv
	$(BIN)/tariffcore explain demo/cases.csv --case-id $(EXPLAINED_CASE) -s kz-demo
	$(BIN)/tariffcore sample -n 500 --register -o demo/register.xlsx
	$(BIN)/tariffcore price demo/register.xlsx --mapping ersb -s kz-demo --explain -o demo/claimed-and-due.xlsx --rejects demo/register-rejects.xlsx
	$(BIN)/tariffcore group demo/register.xlsx --mapping ersb -s kz-demo -o demo/groups.csv
	$(BIN)/tariffcore group demo/register.xlsx --mapping ersb -s kz-demo --compare-with kz-demo-2026 -o demo/moves.csv
	$(BIN)/tariffcore sample --claims -n 2000 -o demo/claims.jsonl
	$(BIN)/tariffcore group demo/claims.jsonl --grouper msdrg -o demo/us-grouped.csv --rejects demo/us-ungrouped.csv
	$(BIN)/tariffcore price demo/us-grouped.csv -s us-demo -o demo/us-priced.csv --quiet
	@rm -rf demo/costs demo/costed demo/unit-costs
	$(BIN)/tariffcore cost example demo/costs
	$(BIN)/tariffcore cost run demo/costs -o demo/costed --report demo/report.html --tables demo/unit-costs
	$(BIN)/tariffcore schedule check demo/costed
	$(BIN)/tariffcore sample -n 20000 -s demo/costed -o demo/costed-cases.csv --quiet
	$(BIN)/tariffcore price demo/costed-cases.csv -s demo/costed -o demo/costed-priced.parquet --components --quiet
	$(BIN)/tariffcore cost payments demo/costed-cases.csv -s demo/costed -o demo/capital.csv --cases-out demo/with-and-without-capital.csv
	@rm -rf demo/settlement demo/book.db demo/book.db-lines
	$(BIN)/tariffcore settle example demo/settlement > demo/settlement.txt
	@sed -n 's|^  tariffcore |$(BIN)/tariffcore |p' demo/settlement.txt | sed 's|--book book.db|--book demo/book.db|' | bash -ex
	$(BIN)/tariffcore settle statement --month 2026-02 -o demo/statements.html --list-lines demo/settled-lines.csv --book demo/book.db --rules demo/settlement/rules
	$(BIN)/tariffcore settle report --month 2026-02 -o demo/fund.html --book demo/book.db --rules demo/settlement/rules
	@echo "the report of the costing run: demo/report.html; the statements of a month: demo/statements.html; the fund's view: demo/fund.html"

.PHONY: test lint types tests
test: lint types tests  ## lint, types and the whole test suite

lint: environment
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: environment
	$(BIN)/mypy

tests: environment
	$(BIN)/python -m pytest -n auto

# The contract is checked by buf, a program from npm: a machine without it prices and tests all the same.
BUF := proto/node_modules/.bin/buf

$(BUF): proto/package.json proto/package-lock.json
	@command -v npm >/dev/null || { echo "The contract is checked by buf, which comes from npm, and there is no npm here. On Debian: apt-get install npm" >&2; exit 1; }
	@cd proto && npm ci --silent --ignore-scripts
	@touch $@

.PHONY: contract contract-publish
contract: $(BUF)  ## lint the contract, and refuse what would break those who hold the published one
	cd proto && ../$(BUF) lint
	cd proto && ../$(BUF) format --diff --exit-code
	cd proto && ../$(BUF) breaking --against published/tariffcore-v1.binpb

contract-publish: contract  ## promise the contract as it is now: later ones may only add to it
	cd proto && ../$(BUF) build --exclude-source-info --output published/tariffcore-v1.binpb

.PHONY: stubs
stubs: environment  ## tariffcore/v1 from the contract in proto/
	$(BIN)/python -m tests.v1.stubs tariffcore/v1

NODE_PACKAGES := tests/node/node_modules/.package-lock.json

$(NODE_PACKAGES): tests/node/package.json tests/node/package-lock.json
	@command -v npm >/dev/null || { echo "The client in another language runs on Node, and there is no npm here. On Debian: apt-get install nodejs npm" >&2; exit 1; }
	@cd tests/node && npm ci --silent --ignore-scripts
	@touch $@

.PHONY: serve half-open
serve: environment  ## serve the shipped schedules over gRPC on 127.0.0.1:50051 (more: tariffcore serve --help)
	@$(BIN)/tariffcore serve

half-open: environment  ## ten thousand silent connections: what they cost, and that they are dropped in time
	$(BIN)/python -m tests.server.half_open

.PHONY: node-client soak
node-client: environment $(NODE_PACKAGES)  ## a client in another language prices over TLS with a token
	$(BIN)/python -m tests.node

soak: environment  ## SECONDS=120: callers, reloads, a restart and hostile messages at once; nothing may go wrong
	$(BIN)/python -m tests.soak --seconds $(SECONDS)

.PHONY: mutants
mutants: environment  ## plant known mistakes in a copy, one at a time: the tests must find each
	$(BIN)/python -m tests.mutants

.PHONY: compare
compare: environment  ## N=1000000 SEED=0: that many aimed random cases, kernel against twin
	$(BIN)/python -m tests.comparing -n $(N) --seed $(SEED)
	$(BIN)/python -m tests.grouping.comparing -n $(N) --seed $(SEED)

.PHONY: bench bench-quick bench-seeded
bench: $(BENCH_INSTALLED) $(KERNEL)  ## time the work beside its rivals; SECTIONS="kernel csv" SIZES=1e3,1e9 choose; writes tables and a page
	$(BIN)/python -m benchmarks $(SECTIONS) $(if $(SIZES),--sizes '$(SIZES)') $(if $(SHARE),--share $(SHARE))

bench-quick: environment  ## the gate: instruction counts, and times beside the baseline's kernel, built beside
	$(BIN)/python -m benchmarks.gate

bench-seeded: environment  ## plant slowdowns in copies of the kernel: the gate must refuse each
	$(BIN)/python -m benchmarks.gate.seeded

.PHONY: wheel
wheel: environment  ## dist/tariffcore-*.whl, one binary for CPython 3.11 and later
	@rm -rf build dist && mkdir -p build
	@$(BIN)/python -m build --wheel --outdir dist . > build/wheel.log 2>&1 || { cat build/wheel.log; exit 1; }
	@ls dist/*.whl

.PHONY: wheel-smoke
wheel-smoke: wheel  ## install the wheel far from the checkout, on every CPython there is, and try it
	$(BIN)/python -m tests.wheel dist/*.whl

.PHONY: clean
clean:  ## remove everything that make made, .venv too
	rm -rf $(VENV) build dist demo proto/node_modules tests/node/node_modules *.egg-info tariffcore/*.c tariffcore/*.so .pytest_cache .mypy_cache .ruff_cache .hypothesis .bench
	find $(wildcard tariffcore tests benchmarks server) -name __pycache__ -type d -prune -exec rm -rf {} +
