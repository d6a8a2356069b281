# The two that a newcomer needs: `make demo` and `make test`. Both set everything up by themselves.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/installed
PHOENIX ?= .phoenix
# Many tests wait for servers and clocks: one process for each core.
PYTEST ?= --numprocesses auto
DURABLE ?= .durable

.PHONY: demo test check bench truth compat soak durable fuzz dashboards docs servers phoenix phoenix-picture clean

$(STAMP): pyproject.toml src/streamtap/_version.py
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev]'
	touch $(STAMP)

demo: $(STAMP) ## Scripted agents on a real HTTP stream, tapped: a live table, and the live view on 127.0.0.1:9464
	$(BIN)/streamtap demo $(DEMO)

test: $(STAMP) servers ## Static checks, then every test
	$(MAKE) --no-print-directory check
	$(BIN)/python -m pytest $(PYTEST)

check: $(STAMP) ## Formatting, lint, types, and generated files that are out of date
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/pyright --pythonpath $(BIN)/python
	$(BIN)/python docs/generate.py --check
	$(BIN)/python dashboards/generate.py --check
	$(BIN)/python dashboards/generate_rules.py --check

bench: $(STAMP) ## What the tap costs
	$(BIN)/python bench/per_delta.py
	$(BIN)/python bench/per_run.py
	$(BIN)/python bench/live_view.py

truth: $(STAMP) ## Every number beside what really happened: prints the table and writes docs/accuracy.md
	PYTHONPATH=tests $(BIN)/python -m truth --write $(TRUTH)

compat: ## The core of the tests on the oldest and newest releases, and on two between; COMPAT=short for the first two
	$(PYTHON) tests/compat.py $(COMPAT)

soak: $(STAMP) ## 100,000 random runs, and as many with invented names: every counter beside what really happened
	PYTHONPATH=tests $(BIN)/python -m soak $(SOAK)
# The fuzzer has no wheel for every Python: where it has none, only the properties are checked.
fuzz: $(STAMP) ## Hostile input, very much of it: FUZZ='--examples 2000 --minutes 1' for less
	-$(BIN)/python -m pip install --quiet --disable-pip-version-check --only-binary=:all: -e '.[fuzz]'
	PYTHONPATH=tests $(BIN)/python -m hostile $(FUZZ)

docs: $(STAMP) ## Write the generated pages
	$(BIN)/python docs/generate.py

dashboards: $(STAMP) ## Write the Grafana boards, rules and alerts
	$(BIN)/python dashboards/generate.py
	$(BIN)/python dashboards/generate_rules.py

servers: ## The real servers that some tests use
	tests/install_servers.sh

# On demand only: Prefect is 150 packages, and takes half a minute to start.
durable: $(DURABLE)/installed ## Runs of durable engines, Prefect's among them
	$(DURABLE)/bin/python -m pytest tests/test_durable_dbos.py tests/test_durable_prefect.py tests/test_durable_temporal.py

$(DURABLE)/installed: pyproject.toml
	$(PYTHON) -m venv $(DURABLE)
	$(DURABLE)/bin/python -m pip install --quiet --disable-pip-version-check -e '.[dev]' 'pydantic-ai-slim[prefect]'
	touch $@

# On demand only: 850 MB and some minutes, the first time.
phoenix: $(STAMP) $(PHOENIX)/bin/phoenix ## What Arize Phoenix understands of the spans
	STREAMTAP_PHOENIX=$(PHOENIX) $(BIN)/python -m pytest tests/on_demand

phoenix-picture: $(STAMP) $(PHOENIX)/bin/phoenix ## Draw docs/images/phoenix.png
	PYTHONPATH=tests $(BIN)/python tests/on_demand/phoenix_picture.py $(PHOENIX)

$(PHOENIX)/bin/phoenix:
	$(PYTHON) -m venv $(PHOENIX)
	$(PHOENIX)/bin/python -m pip install --quiet --disable-pip-version-check arize-phoenix

clean:
	rm -rf $(VENV) .compat .servers .phoenix .durable dist build .pytest_cache .ruff_cache
