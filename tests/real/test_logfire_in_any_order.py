"""Logfire, configured before or after the tap and the agent, and its instrumentation of Pydantic AI likewise."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from support.doors import HANDLER_AND_CAPABILITY
from support.paths import TESTS

pytest.importorskip('logfire', reason='logfire is not installed: the extra streamtap[logfire] gives it')

# Logfire configures the process, once: so each case has one of its own.
PROGRAM = """
import asyncio, sys
import logfire
from logfire.testing import TestExporter
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from support.scripted import Calls, agent
from streamtap import Tap

order, door = sys.argv[1].split(), sys.argv[2]
exporter = TestExporter()
tap = made = None

def configure():
    processors = [SimpleSpanProcessor(exporter)]
    logfire.configure(send_to_logfire=False, console=False, additional_span_processors=processors)

for step in order:
    if step == 'configure':
        configure()
    elif step == 'instrument':
        logfire.instrument_pydantic_ai()
    elif step == 'tap':
        tap = Tap()
    elif step == 'agent':
        capabilities = [tap.capability(stream=True)] if door == 'capability' else []
        made = agent(['so', Calls('nap')], ['done'], name='a', capabilities=capabilities)
    elif step == 'instrument-it':
        logfire.instrument_pydantic_ai(made)

asyncio.run(made.run('hello', event_stream_handler=None if door == 'capability' else tap))
tap.close()
spans = [span for span in exporter.exported_spans if span.attributes.get('logfire.span_type') != 'pending_span']
names = {span.context.span_id: span.name for span in spans}
for span in sorted(spans, key=lambda span: span.start_time):
    parent = names[span.parent.span_id] if span.parent else '-'
    usage = sum(name.startswith('gen_ai.usage.') and name.endswith('put_tokens') for name in span.attributes)
    print(span.name, '<', parent, '|', span.attributes['logfire.msg'], '|', min(usage, 2))
"""

TREE = """invoke_agent a < - | a run | 0
chat scripted < invoke_agent a | chat scripted | 2
text < chat scripted | text | 0
tool_call < chat scripted | tool_call nap | 0
execute_tool nap < invoke_agent a | {tool} | 0
chat scripted < invoke_agent a | chat scripted | 2
text < chat scripted | text | 0
"""


ORDERS = [
    'configure tap agent',
    'tap configure agent',
    'tap agent configure',
    'configure instrument tap agent',
    'configure tap instrument agent',
    'configure tap agent instrument',
    'configure tap agent instrument-it',
    'tap configure instrument agent',
    'tap agent configure instrument',
    'tap agent instrument configure',
    'instrument configure tap agent',
]


@pytest.mark.parametrize('door', HANDLER_AND_CAPABILITY)
@pytest.mark.parametrize('order', ORDERS)
def test_it_just_works(order: str, door: str):
    """One tree, each span once, tokens on the chat spans and nowhere else, and a line for people on each."""
    done = subprocess.run(
        [sys.executable, '-c', PROGRAM, order, door],
        env={
            **os.environ,
            'PYTHONPATH': os.pathsep.join([str(TESTS), *sys.path]),
            'LOGFIRE_IGNORE_NO_CONFIG': '1',
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=50,
    )
    tool = 'running tool: nap' if 'instrument' in order else 'execute_tool nap'
    assert done.stdout == TREE.format(tool=tool), done.stderr
    assert 'detach' not in done.stderr
