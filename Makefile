# make demo    own virtual environment, install, de-identify examples/ into out/
# make test    install with everything the tests need, check style and types, run the tests
# make docs    write the command reference again from the commands' own help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: help demo test lint docs clean
help:
	@sed -n 's/^# //p' Makefile

$(BIN)/epd: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --upgrade pip
	$(BIN)/pip install --quiet -e .
	@touch $@

demo: $(BIN)/epd
	$(BIN)/epd deidentify --overwrite examples/pictures out
	@echo "Look at the pictures in out/ beside those in examples/pictures/."

# PyTorch's CPU build first: another package's wish for torch would bring gigabytes of CUDA.
$(VENV)/test-ready: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --upgrade pip
	$(BIN)/pip install --quiet "torch==2.13.0"
	$(BIN)/pip install --quiet -e ".[all,test]"
	@touch $@

test: $(VENV)/test-ready lint
	$(BIN)/pytest -q

lint: $(VENV)/test-ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

docs: $(VENV)/test-ready
	$(BIN)/python docs/write_commands.py > docs/commands.md

clean:
	rm -rf $(VENV) out out.manifest.json build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache
