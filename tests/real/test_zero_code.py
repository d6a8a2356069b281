"""An application of someone else's: ten agents in five files, and one line of ours or none."""

from __future__ import annotations

import importlib.metadata
import json
import os
import re
import subprocess
import sys
import urllib.request
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from support.real_servers import free_port, running, wait_for
from support.required import missing

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

AGENTS = """
from pydantic_ai import Agent
from pydantic_ai.models.test import TestModel

clerk = Agent(TestModel(), name='{name} clerk')
chief = Agent(TestModel(), name='{name} chief')


@chief.tool_plain
async def delegate() -> str:
    return (await clerk.run('Do it')).output
"""

MAIN = """
import asyncio
import sys

from departments import billing, design, sales, shipping, support


async def main() -> None:
    await billing.chief.run('Bill')
    async with design.chief.run_stream('Draw') as result:
        await result.get_output()
    async with sales.chief.run_stream_events('Sell') as events:
        async for _ in events:
            pass
    async with shipping.chief.iter('Ship') as run:
        async for _ in run:
            pass
    await asyncio.to_thread(support.chief.run_sync, 'Help')


asyncio.run(main())
print('done', flush=True)
sys.stdin.readline()
"""

ONE_LINE = 'import streamtap; streamtap.serve(streamtap.install(), {port})'

DEPARTMENTS = ('billing', 'design', 'sales', 'shipping', 'support')
EACH_ONCE = {f'{department} {who}': 1 for department in DEPARTMENTS for who in ('clerk', 'chief')}


@pytest.fixture
def application(tmp_path: Path) -> Path:
    """Its folder."""
    (tmp_path / 'departments').mkdir()
    for name in DEPARTMENTS:
        (tmp_path / 'departments' / f'{name}.py').write_text(AGENTS.format(name=name), encoding='utf-8')
    (tmp_path / 'main.py').write_text(MAIN, encoding='utf-8')
    return tmp_path


@pytest.fixture
def instrument() -> list[str]:
    """The command `opentelemetry-instrument`, which finds ours by what is installed."""
    if not importlib.metadata.entry_points(group='opentelemetry_instrumentor', name='streamtap'):
        missing('the entry point of streamtap', '`pip install -e .` writes it')
    program = 'from opentelemetry.instrumentation.auto_instrumentation import run; run()'
    return [sys.executable, '-c', program, sys.executable]


@pytest.fixture
def collector(oteltap: str, tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """The address of an OTLP collector, and the file with what it got."""
    port, output = free_port(), tmp_path / 'collected'
    with running([sys.executable, '-m', oteltap, '--port', str(port)], port, output):
        yield f'http://127.0.0.1:{port}', output


def fetch(url: str) -> str:
    # Not through a proxy of the environment.
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(url, timeout=5) as answer:
        return answer.read().decode()


def runs_of(metrics: str) -> dict[str, int]:
    """How many runs of each agent there were."""
    found: Counter[str] = Counter()
    for agent, value in re.findall(r'^pydantic_ai_runs_total{agent="([^"]+)".*} (\S+)$', metrics, re.MULTILINE):
        found[agent] += int(float(value))
    return dict(found)


@pytest.mark.timeout(120)  # a process that imports everything, and one that collects
@pytest.mark.parametrize(
    ('ours', 'variable'),
    [
        ('', 'STREAMTAP_SERVE_PORT={port}'),
        (ONE_LINE, 'STREAMTAP_STREAM=0'),
        (ONE_LINE, 'OTEL_PYTHON_DISABLED_INSTRUMENTATIONS=streamtap'),
    ],
    ids=['no line', 'one line', 'one line alone'],
)
def test_the_page_the_metrics_and_the_spans_are_there(
    ours: str, variable: str, application: Path, instrument: list[str], collector: tuple[str, Path]
):
    """By a line, by a variable, or by both; the metrics by OTLP too, unless ours is left out of what is instrumented."""
    (endpoint, collected), port = collector, free_port()
    main = application / 'main.py'
    main.write_text(ours.format(port=port) + main.read_text(encoding='utf-8'), encoding='utf-8')
    name, _, value = variable.format(port=port).partition('=')
    env = {
        **os.environ,
        name: value,
        'OTEL_EXPORTER_OTLP_ENDPOINT': endpoint,
        'OTEL_EXPORTER_OTLP_PROTOCOL': 'http/protobuf',
        'NO_PROXY': '127.0.0.1',
    }
    with subprocess.Popen(
        [*instrument, str(main)], cwd=application, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == 'done\n'
            assert '<title>' in fetch(f'http://127.0.0.1:{port}/')
            assert runs_of(fetch(f'http://127.0.0.1:{port}/metrics')) == EACH_ONCE
        finally:
            process.communicate('\n', timeout=60)
    assert process.returncode == 0
    # It ended only after what it had to send.
    spans = wait_for(lambda: spans_of(collected) or None, 'spans')
    assert {agent: spans[f'invoke_agent {agent}'] for agent in EACH_ONCE} == EACH_ONCE
    is_pushed = '"name":"pydantic_ai.runs"' in collected.read_text(encoding='utf-8')
    assert is_pushed == (value != 'streamtap')


def spans_of(collected: Path) -> Counter[str]:
    """How many spans of each name the collector got."""
    lines = collected.read_text(encoding='utf-8').splitlines()
    found = [json.loads(line) for line in lines if line.startswith('{')]
    return Counter(each['name'] for each in found if 'traceId' in each and 'spanId' in each)


@pytest.mark.timeout(120)
def test_nothing_that_is_wrong_keeps_the_application_from_starting(application: Path, instrument: list[str]):
    """It is logged, and the application runs as it does without."""
    env = {
        **os.environ,
        'OTEL_TRACES_EXPORTER': 'none',
        'OTEL_METRICS_EXPORTER': 'none',
        'OTEL_LOGS_EXPORTER': 'none',
        'STREAMTAP_SERVE_PORT': 'here',
        'STREAMTAP_LABELS': 'agent',
        'STREAMTAP_JOURNAL': '/there/is/no/such/folder/runs.jsonl',
    }
    command = [*instrument, str(application / 'main.py')]
    done = subprocess.run(command, cwd=application, env=env, input='\n', capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, 'done\n'), done.stderr
    logged = [line for line in done.stderr.splitlines() if line.startswith('streamtap: ')]
    assert [line.split(':')[1].split()[0] for line in logged] == ['STREAMTAP_SERVE_PORT', 'STREAMTAP_LABELS', 'there']


@pytest.mark.timeout(120)
def test_a_process_without_agents_is_left_alone(tmp_path: Path, instrument: list[str]):
    """It neither imports Pydantic AI nor listens."""
    program = 'import sys; print(sorted({"pydantic_ai", "streamtap", "streamtap_instrumentor"} & set(sys.modules)))'
    none = {f'OTEL_{signal}_EXPORTER': 'none' for signal in ('TRACES', 'METRICS', 'LOGS')}
    env = {**os.environ, **none, 'STREAMTAP_SERVE_PORT': str(free_port())}
    done = subprocess.run(
        [*instrument, '-c', program], cwd=tmp_path, env=env, capture_output=True, text=True, check=True
    )
    assert done.stdout == "['streamtap_instrumentor']\n"
