"""What works without any extra, and what says which extra it needs."""

from __future__ import annotations

import asyncio
import importlib.metadata
import importlib.util
import json
import re
import subprocess
import sys
import urllib.request
from pathlib import Path

from pydantic_ai import Agent
from pydantic_ai.models.test import TestModel

import streamtap
from streamtap.testing import MemorySink

FOLDER = Path.cwd()
JOURNAL = FOLDER / 'runs.jsonl'

# The rest says nothing unless the package is the installed one, and alone.
assert Path(streamtap.__file__).is_relative_to(sys.prefix), streamtap.__file__
assert not [name for name in ('rich', 'openai', 'logfire', 'pytest') if importlib.util.find_spec(name)]
assert importlib.util.find_spec('opentelemetry.sdk') is None
VERSION = importlib.metadata.version('streamtap')
assert streamtap.__version__ == VERSION


def command(*arguments: str, status: int = 0) -> subprocess.CompletedProcess[str]:
    """Run the installed command."""
    done = subprocess.run(['streamtap', *arguments], capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, 'Warning' in done.stderr) == (status, False), (arguments, done)
    return done


def get(url: str) -> str:
    """What a server on this machine answers, without a proxy."""
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(url, timeout=10) as answer:
        return answer.read().decode()


async def watched(tap: streamtap.Tap, agent: Agent) -> None:
    """A run whose events the user reads."""
    async with agent.run_stream_events('hello') as events:
        async for _ in tap.watch(events):
            pass


async def runs(tap: streamtap.Tap) -> None:
    """One by each door."""
    await Agent(TestModel(), name='by_handler').run('hello', event_stream_handler=tap)
    await Agent(TestModel(), name='by_capability', capabilities=[tap.capability(stream=True)]).run('hello')
    await watched(tap, Agent(TestModel(), name='by_watch'))


memory, progress = MemorySink(), streamtap.Progress()
sinks = (streamtap.OTelMetricSink(), streamtap.LogSink(), streamtap.JournalSink(JOURNAL), progress, memory)
tap = streamtap.Tap([*streamtap.default_sinks(), *sinks])
with streamtap.serve(tap, port=0) as server:
    assert server.live_url is not None
    asyncio.run(runs(tap))
    tap.close()
    metrics, page = get(server.url), get(server.live_url)
    parts = {name: get(server.live_url + name) for name in ('live.css', 'live.js', 'icon.svg')}
    unread = ['live.js']
    while unread:
        for name in re.findall(r" from '\./(.+)';", parts[unread.pop()]):
            if name not in parts:
                parts[name] = get(server.live_url + name)
                unread.append(name)

DOORS = {'by_handler': 'handler', 'by_capability': 'capability', 'by_watch': 'watch'}
assert {run.agent: run.door for run in memory.runs} == DOORS
assert {run.outcome for run in memory.runs} == {'success'}
assert memory.faults == []
# Nobody listens: spans and metrics of OpenTelemetry are no-ops.
assert {run.trace_id for run in memory.runs} == {None}
for agent, door in DOORS.items():
    assert f'pydantic_ai_runs_total{{agent="{agent}",door="{door}",nested="false",outcome="success"}} 1.0' in metrics, (
        metrics
    )
    assert agent in str(tap.usage.summary())
assert 'live.js' in page
assert all(parts.values())

assert command('--version').stdout == f'streamtap {VERSION}\n'
assert 'by_watch' in command('report', str(JOURNAL)).stdout
assert json.loads(command('report', '--format', 'json', str(JOURNAL)).stdout)
assert '<style>' in command('report', '--format', 'html', str(JOURNAL)).stdout
command('dashboards', 'export', str(FOLDER / 'boards'))
for name in ('runbooks.md', 'streamtap.toml', 'grafana/overview.json', 'prometheus/alerts.yaml'):
    assert (FOLDER / 'boards' / name).is_file(), name
assert ' is as streamtap ' in command('dashboards', 'check', str(FOLDER / 'boards')).stdout

assert 'streamtap[demo]' in command('demo', '--for', '1', status=2).stderr
refused = ''
try:
    progress.display()
except ImportError as error:
    refused = str(error)
assert 'streamtap[rich]' in refused
try:
    importlib.import_module('streamtap.evals')
except ImportError as error:
    refused = str(error)
assert 'streamtap[evals]' in refused
