# make demo    own virtual environment, install, de-identify examples/ into out/, before and after in demo.jpg
# make quick   the fast unit tests, in half a minute; QUICK=tests/unit/test_files.py runs one file
# make lint    check style, types and spelling
# make test    install with everything the tests need, check style and types, run the tests: both halves at once
# make test-commands the half of the tests that runs the command line
# make test-parts the other half: units, contracts, hostile files
# make test-lowest the unit and contract tests with the lowest versions that pyproject.toml allows
# make hostile the battery of hostile files as a table, then runs killed 150 times (about 25 minutes)
# make fuzz    coverage-guided fuzzing of the readers for FUZZ_SECONDS, 600 unless told, or FUZZ_RUNS inputs
# make dist    a wheel and an sdist in dist/, checked with twine and check-wheel-contents
# make site    the docs as a site in build/site, which needs no network to be read
# make docs    write the command reference again from the commands' own help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
FUZZ_SECONDS ?= 600
# Inputs to each reader; -1 is as many as the time allows.
FUZZ_RUNS ?= -1
# The fuzzer's; 0 draws one.
FUZZ_SEED ?= 0

# What `make quick` leaves out of the unit tests: by `pytest tests/unit --durations=0` evaluation takes 60 of 90 s;
# the others open networks, or need a runtime or onnx.
NOT_QUICK := evaluation benchmarking/test_cost.py exporting/test_onnx_files.py methods/test_generate.py \
	methods/test_ksame.py test_library.py test_onnx_graph.py test_runtimes.py
QUICK ?= tests/unit $(NOT_QUICK:%=--ignore=tests/unit/%)
SPELLED := README.md CHANGELOG.md SECURITY.md CONTRIBUTING.md docs examples epdcli backends weights/*.md weights/*/*.md tests

# setuptools warns of folders in the working directory that are named as the package, with every such install.
EDITABLE := PYTHONWARNINGS=ignore $(BIN)/pip install --quiet -e

LOWEST := .venv-lowest
DIST := .venv-dist

.PHONY: help demo quick test test-commands test-parts lint test-lowest hostile fuzz dist site docs clean
help:
	@sed -n 's/^# \(make .*\)/\1/p' Makefile

$(BIN)/epd: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --upgrade pip
	$(EDITABLE) .
	@touch $@

demo: $(BIN)/epd
	$(BIN)/epd deidentify --seed 2 --overwrite examples/pictures out
	$(BIN)/python examples/side_by_side.py examples/pictures out demo.jpg
	@echo "Before and after: $(abspath demo.jpg)"
	@echo "To go on in this shell: . $(BIN)/activate"

# The plain install and pytest are enough; the tests' full environment does as well, where it is.
$(VENV)/quick-ready: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --upgrade pip
	$(EDITABLE) ".[test]"
	@touch $@

quick: $(if $(wildcard $(VENV)/test-ready),$(VENV)/test-ready,$(VENV)/quick-ready)
	$(BIN)/pytest -q $(QUICK)

# PyTorch's CPU build first: another package's wish for torch would bring gigabytes of CUDA.
$(VENV)/test-ready: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --upgrade pip
	$(BIN)/pip install --quiet "torch==2.13.0"
	$(EDITABLE) ".[all,test,docs]"
	@touch $@

test: $(VENV)/test-ready lint
	$(MAKE) --jobs=2 test-commands test-parts

# Two halves that take about as long, beside each other.
test-commands: $(VENV)/test-ready
	$(BIN)/pytest -q tests/end_to_end
test-parts: $(VENV)/test-ready
	$(BIN)/pytest -q --ignore=tests/end_to_end

lint: $(VENV)/test-ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/codespell $(SPELLED)

# What the requirements name in their lowest versions, what those need in the newest. PyTorch's CPU build comes
# first, as above: its lowest version is the one that is tested.
$(LOWEST)/ready: pyproject.toml
	rm -rf $(LOWEST)
	$(PYTHON) -m venv $(LOWEST)
	$(LOWEST)/bin/pip install --quiet --upgrade pip uv
	$(LOWEST)/bin/pip install --quiet "torch==2.13.0"
	$(LOWEST)/bin/uv pip install --quiet --python $(LOWEST)/bin/python --resolution lowest-direct -e ".[all,test]"
	@touch $@

test-lowest: $(LOWEST)/ready
	$(LOWEST)/bin/python -m pytest -q tests/unit tests/contract

hostile: $(VENV)/test-ready
	$(BIN)/python -m tests.hostile $(if $(or $(wildcard $(BIN)/deface),$(shell command -v deface)),--deface)
	EPD_KILLS=50 $(BIN)/pytest -q tests/hostile/test_shown.py tests/hostile/test_process.py

# atheris has wheels for some Pythons only, and needs a Clang to be built: without a wheel it is left out.
$(VENV)/fuzz-ready: $(VENV)/test-ready
	@if $(BIN)/pip install --quiet --only-binary :all: atheris; then touch $@; fi

fuzz: $(VENV)/fuzz-ready
	@test -e $< || echo "No fuzzing: atheris can't be installed here, see above."
	@test ! -e $< || for part in records pictures; do \
		TMPDIR=$(abspath $(VENV)) $(BIN)/python -m tests.hostile.fuzz_$$part -max_total_time=$$(($(FUZZ_SECONDS) / 2)) \
			-runs=$(FUZZ_RUNS) -seed=$(FUZZ_SEED) -timeout=60 -verbosity=0 -print_final_stats=1 -artifact_prefix=$(VENV)/fuzz- || exit 1; \
	done

$(DIST)/ready: Makefile
	$(PYTHON) -m venv $(DIST)
	$(DIST)/bin/pip install --quiet --upgrade pip
	$(DIST)/bin/pip install --quiet build twine check-wheel-contents
	@touch $@

dist: $(DIST)/ready
	rm -rf dist
	$(DIST)/bin/python -m build --quiet
	$(DIST)/bin/twine check --strict dist/*
	$(DIST)/bin/check-wheel-contents dist/*.whl

# MkDocs announces its successor in every build. With --quiet it would count no warnings, and --strict do nothing.
site: $(VENV)/test-ready
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

docs: $(VENV)/test-ready
	$(BIN)/python docs/write_commands.py > docs/commands.md

clean:
	rm -rf $(VENV) $(LOWEST) $(DIST) out out.manifest.json demo.jpg build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache
