# Everything a newcomer needs, on a machine with Python 3.11 or newer. `make` alone lists the targets.

BIN := .venv/bin
# Test processes: two pay, as both servers and two cores are shared by them.
WORKERS ?= 2
# Which Python makes .venv: found by scripts/venv unless named here.
PYTHON ?=
export PYTHON

.DEFAULT_GOAL := help
.PHONY: help demo test test-latest test-lowest coverage lock lint format torture bench docs native test-native clean venv venv-demo

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1	\2/p' Makefile | expand -t 18

demo: venv-demo ## real MongoDB into real PostgreSQL and back, with proofs, in under three minutes
	$(BIN)/python examples/demo.py

test: lint ## set up, check the style and the types, run the tests; with Rust there, the native reader's too
	@if scripts/has-rust; then $(MAKE) --no-print-directory native && cd native && cargo test --quiet --locked --workspace; fi
	$(BIN)/pytest -n $(WORKERS)

test-latest: ## run the tests with the newest releases of all dependencies
	@scripts/venv servers,dev latest
	.venv-latest/bin/pytest -n $(WORKERS)

test-lowest: ## run the tests with the oldest releases that pyproject.toml allows
	@scripts/venv servers,dev lowest
	.venv-lowest/bin/pytest -n $(WORKERS)

coverage: venv ## which lines the tests run: shown, not judged; writes .coverage/index.html
	$(BIN)/pytest -n $(WORKERS) --cov --cov-report=term --cov-report=html:.coverage

lock: ## resolve what demo and test install again: the newest releases, with hashes, into requirements/
	scripts/lock

lint: venv ## style, types, and which folder may import which
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	scripts/types
	$(BIN)/lint-imports

format: venv ## fix what the tools can fix
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

torture: venv ## the long runs: kills, cut connections, full disks; many examples of what Hypothesis tests
	$(BIN)/pytest -n $(WORKERS) -m "torture or hypothesis" --timeout 3600

bench: venv ## measure beside the limit and beside other tools; writes bench/RESULTS.md
	$(BIN)/python bench/run.py

docs: venv ## write the generated parts of docs/reference and of the README
	$(BIN)/python -m crossfade.cli.reference
	$(BIN)/python tests/conformance/support_page.py
	$(BIN)/python bench/readme.py

native: venv ## build the native reader and install it: reads much faster, needs Rust
	@scripts/has-rust --say
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation ./native

test-native: ## style, lints and tests of the native reader alone, needs Rust
	cd native && cargo fmt --check && cargo clippy --locked --workspace --all-targets -- -D warnings
	cd native && cargo test --locked --workspace

clean: ## remove what was installed, built and cached
	rm -rf .venv .venv-latest .venv-lowest .demo build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage
	find . -name __pycache__ -prune -exec rm -rf {} +

# .venv with the servers and the tools
venv:
	@scripts/venv servers,dev

# .venv with the servers only
venv-demo:
	@scripts/venv servers
