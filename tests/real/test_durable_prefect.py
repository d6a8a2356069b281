"""Under Prefect, on a server of the test's own: a flow that is tried again gets back what was recorded, told once."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import pytest

from support.durable_agents import IN_UNIT, PLACES, WITHOUT_RUN, Place, expected
from support.paths import ROOT, TESTS

if TYPE_CHECKING:
    from collections.abc import Mapping

if find_spec('prefect') is None:
    pytest.skip('Prefect is not installed: `make durable` makes an environment that has it', allow_module_level=True)

pytestmark = pytest.mark.timeout(300)


USES_BLOCK = """
import asyncio
asyncio.run(answer('hello'))
usage = tap.usage.summary()
print({each.agent: each.runs for each in usage.agents}, usage.total.requests)
"""
PAGE = ROOT / 'docs' / 'durable.md'


@pytest.fixture(scope='module')
def settings(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment of a process with a Prefect server of its own, which reads its settings when it is imported."""
    return {
        **os.environ,
        'DO_NOT_TRACK': '1',
        'PREFECT_SERVER_ANALYTICS_ENABLED': 'false',
        'PREFECT_LOGGING_LEVEL': 'CRITICAL',
        'PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS': '120',
        'PREFECT_HOME': str(tmp_path_factory.mktemp('prefect')),
    }


@pytest.fixture(scope='module')
def found(settings: dict[str, str]) -> dict[str, dict[str, Any]]:
    """What the tap at each place told, in two flows: one that fails behind its agent, one whose second request does."""
    return json.loads(output_of(['-m', 'support.prefect_flows'], settings).splitlines()[-1])


def output_of(program: list[str], settings: dict[str, str]) -> str:
    """What a program prints; it warns of what Prefect itself does."""
    command = [sys.executable, *program]
    ran = subprocess.run(command, cwd=TESTS, env=settings, capture_output=True, text=True, check=False, timeout=280)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def counted(told: Mapping[str, Any]) -> dict[str, list[tuple[Any, ...]]]:
    """What is counted of what was told; parallel tools end in any order."""
    return {
        'runs': [tuple(run) for run in told['runs']],
        'responses': [tuple(response) for response in told['responses']],
        'tools': sorted(tuple(tool) for tool in told['tools']),
    }


@pytest.mark.parametrize('place', [*PLACES, 'installed'])
def test_a_flow_and_its_replay_are_counted_as_one_run(place: Place, found: dict[str, dict[str, Any]]):
    """The flow fails behind its agent's run and is tried again: all that comes from records then is told once."""
    told = found[place]['replayed']
    assert counted(told) == expected(place)
    assert told['faults'] == []
    assert told['chunks'] == ([2, 3] if place in IN_UNIT else [0, 0])
    assert told['knows_start'] == [place == 'unit and capability'] * 2


@pytest.mark.parametrize('place', [*PLACES, 'installed'])
def test_a_run_that_is_tried_again_is_reported_as_two(place: Place, found: dict[str, dict[str, Any]]):
    """One that failed at its second request and one that made it again; each response and tool call is told once."""
    told = found[place]['tried again']
    whole = expected(place)
    assert counted(told)['tools'] == whole['tools']
    assert [response for response in counted(told)['responses'] if response[1] == 'success'] == whole['responses']
    assert [fact[:2] for fact in told['runs']] == ([] if place in WITHOUT_RUN else [['error', 2], ['success', 1]])
    assert told['faults'] == []


def test_the_block_of_the_page_runs(settings: dict[str, str]):
    """Its flow answers, on a model that needs no key, and its tap counts the run once."""
    (block,) = re.findall(r'^```py\n(.*?)^```$', PAGE.read_text(encoding='utf-8'), re.MULTILINE | re.DOTALL)
    printed = output_of(['-c', block.replace('openai:gpt-5.2', 'test') + USES_BLOCK], settings)
    assert printed.splitlines()[-1] == "{'support': 1} 1"
