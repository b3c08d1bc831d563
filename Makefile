# Each target is a few lines a person could type. After `source .venv/bin/activate` none of them is needed.
PYTHON ?= python3
BIN := .venv/bin
STUDY ?= svhn_part/partial demo

.PHONY: demo test test-slow test-cluster lint bench docs readme lock

demo: .venv ## Everything of study demo: tables, figures, report items
	$(BIN)/snakemake --cores all

test: .venv ## What to run before a commit: all tests but the slow ones
	$(BIN)/python -m pytest --numprocesses 2 --dist loadfile -m "not slow"

test-slow: .venv ## Thousands of generated inputs, and whole studies once more: kills, archives, the pages of docs
	$(BIN)/python -m pytest --numprocesses 2 --dist load -m slow

test-cluster: .venv ## Study ci and every fault on a real Slurm on this machine (tests/cluster)
	$(BIN)/python -m pytest tests/cluster

lint: .venv ## Style of Python, of the workflow, and Snakemake's own linter
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/snakefmt --check Snakefile workflow
	$(BIN)/snakemake --lint

bench: .venv ## Every comparison with a peer, into benchmarks/results.md
	$(BIN)/python benchmarks/run_all.py

docs: .venv ## The library's reference from its docstrings, into docs/api
	$(BIN)/python docs/make_api.py docs/api

readme: .venv ## The tables of results in README and docs/reproduction.md: make readme STUDY="svhn_part/partial demo"
	$(BIN)/python -m rate_distortion.claims.recorded $(addprefix results/,$(STUDY))

lock: .venv ## Resolve pyproject.toml again into hash-locked requirements
	$(BIN)/uv pip compile --universal --generate-hashes --no-emit-index-url --no-emit-find-links --upgrade --quiet \
	  --custom-compile-command "make lock" --python-version 3.11 --all-extras \
	  pyproject.toml -o envs/requirements.txt

.venv: .venv/installed
.PHONY: .venv

# Byte code is compiled once here: importing seaborn, pandas or scikit-learn is 2-4 times slower without it.
.venv/installed: envs/requirements.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Python 3.11 or newer is needed; this is " + sys.version.split()[0] + ". Name another one with make PYTHON=python3.12")'
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	sed -n "/^uv==/,/[^\\\\]$$/p" envs/requirements.txt > .venv/uv.txt
	test -x $(BIN)/uv || $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r .venv/uv.txt
	$(BIN)/uv pip sync --quiet --python $(BIN)/python --require-hashes --compile-bytecode envs/requirements.txt
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	touch $@
