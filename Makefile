# Every command of this project. Each sets up what it needs first; running it again does no needless work.
# The same in plain pip lines stands in README.md.

PYTHON ?= python3
ARGS ?=
LESSON ?=
LOOP ?= 1
BIN = .venv/bin
export UV_PYTHON_DOWNLOADS = never

.PHONY: help lab test test-pure test-windows-loop lesson lessons check lock mutants versions bench test-browser clean

help:  ## say what there is
	@sed -n 's/^\([a-z-]*\):.*## /  make \1 : /p' Makefile

lab: .venv/.ready  ## open JupyterLab on your own copies of the lessons, in my-lessons/
	@$(BIN)/python -m labs lab $(ARGS)

# loadfile: the cells of a notebook belong to one kernel.
test: .venv/.ready  ## run the tests, and every notebook against its stored outputs
	$(BIN)/python -m pytest -n auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder $(ARGS)

test-pure: .venv/.ready  ## the same with aiohttp's parser in Python, as PyPy and browsers run it
	LAB_PARSER=python $(BIN)/python -m pytest -n auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder $(ARGS)

# The plain line: LAB_WINDOWS_LOOP=1 PYTHONPATH="$PWD/tests/proactor" .venv/bin/python -m pytest
test-windows-loop: .venv/.ready  ## the same on the loop of Windows, imitated (LOOP=ticks,refusals for its slow habits)
	LAB_WINDOWS_LOOP="$(LOOP)" PYTHONPATH="$(CURDIR)/tests/proactor" $(BIN)/python -m pytest -n auto --maxprocesses 4 \
		--dist loadfile --no-loadscope-reorder $(ARGS)

lesson: .venv/.ready  ## try one lesson on its own (LESSON=09): all that must be green, in half a minute
	@$(BIN)/python -m labs lesson "$(LESSON)"

lessons: .venv/.ready  ## build the notebooks whose source has changed, and the table in README.md
	$(BIN)/python -m labs build $(ARGS)
	$(BIN)/python -m labs list --write

check: .venv/.ready  ## lint, check spelling and types, check the course
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/codespell
	$(BIN)/mypy
	$(BIN)/python -m labs check

lock: .venv/.ready  ## turn requirements.in into requirements.txt (ARGS=--upgrade for newer versions)
	@test -x $(BIN)/uv || { echo "uv is not installed here: run $(BIN)/python -m pip install uv, then make lock."; exit 1; }
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
		$(ARGS) --output-file requirements.txt requirements.in

mutants: .venv/.ready  ## plant faults and see that the tests find each one
	$(BIN)/python -m labs mutants $(ARGS)

versions: .venv/.ready  ## run the claims over releases of aiohttp (ARGS=3.10.11 for one)
	$(BIN)/python -m labs versions $(ARGS)

bench: .venv/.ready  ## measure what the town and the tap cost
	$(BIN)/python -m labs bench $(ARGS)

test-browser: .venv/.ready  ## run every lesson in JupyterLab in headless Chromium
	$(BIN)/python -m pytest tests -m browser $(ARGS)

clean:  ## remove the virtual environment and all caches
	rm -rf .venv build .pytest_cache .mypy_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
	find . -name .ipynb_checkpoints -type d -prune -exec rm -rf {} +

# uv installs in seconds what takes pip half a minute; where it cannot be had or fails, pip does it.
.venv/.ready: requirements.txt
	@command -v "$(PYTHON)" >/dev/null 2>&1 || \
		{ echo "There is no $(PYTHON) here: install Python 3.11 or newer, or name it: make lab PYTHON=python3.12"; exit 1; }
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "$(PYTHON) is older than 3.11: install a newer Python, or name it: make lab PYTHON=python3.12"; exit 1; }
	@"$(PYTHON)" -c 'import venv, ensurepip' 2>/dev/null || \
		{ echo "$(PYTHON) has no venv module: on Debian and Ubuntu run: sudo apt install python3-venv"; exit 1; }
	@$(BIN)/python -c 'import sys, pip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || "$(PYTHON)" -m venv --clear .venv
	@echo "Installing what requirements.txt pins into .venv, some 600 MB: a minute or two, once."
	@test -x $(BIN)/uv || $(BIN)/python -m pip install --quiet --disable-pip-version-check uv || true
	@$(BIN)/uv pip install --python $(BIN)/python --require-hashes --compile-bytecode -r requirements.txt || \
		{ echo "uv could not install the packages; pip does it now, which takes a little longer."; \
		$(BIN)/python -m pip install --disable-pip-version-check --require-hashes -r requirements.txt; }
	@$(BIN)/python -m labs link
	@touch $@
