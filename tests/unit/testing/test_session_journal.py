"""`--streamtap-journal`: one journal of a whole test session, whatever processes ran it."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest

from streamtap import RunRecord, read_journal

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

CONFTEST = """
import asyncio
import pytest
from pydantic_ai import Agent
from pydantic_ai.models.test import TestModel
from streamtap.testing import capture

pytest_plugins = ['streamtap.testing']

def ask(seen, name):
    agent = Agent(TestModel(), name=name, capabilities=[seen.tap.capability()])
    agent.tool_plain(lambda: 'sunny', name='weather')
    asyncio.run(agent.run('How is the weather?'))

@pytest.fixture(scope='session')
def shared():
    with capture() as seen:
        yield seen
"""

TESTS = """
import asyncio
import pytest
from pydantic_ai import Agent
from pydantic_ai.models.test import TestModel
from conftest import ask

def test_one(captap):
    ask(captap, 'one')

def test_fails(captap):
    ask(captap, 'fails')
    assert False

def test_first(shared):
    ask(shared, 'first')

def test_second(shared, captap):
    ask(shared, 'second')
    ask(captap, 'third')

def test_leaves_one_open(captap):
    async def leave():
        agent = Agent(TestModel(), name='open', capabilities=[captap.tap.capability()])
        async with agent.iter('hello') as run:
            await anext(run)
            left.append(run)
            captap.tap.close()
    left = []
    asyncio.run(leave())

def test_without_a_tap(): pass
"""


def ran(pytester: pytest.Pytester, *options: str) -> pytest.RunResult:
    """What pytest says of the tests."""
    pytester.makeconftest(CONFTEST)
    pytester.makepyfile(test_agents=TESTS)
    return pytester.runpytest('-p', 'no:cacheprovider', *options)


def records(path: Path) -> Counter[tuple[str, str]]:
    """How many records of each kind each agent has in a journal, every line of which can be read."""
    return Counter((record.agent, type(record).__name__) for record in read_journal(path))


@pytest.mark.parametrize('options', [(), ('-n2',)], ids=['alone', 'with workers'])
def test_every_record_of_every_capture_is_in_it_once(pytester: pytest.Pytester, options: Sequence[str]):
    """Also of tests that fail, and of a capture that many tests share; no file of a worker is left.

    Nobody else may read it.
    """
    result = ran(pytester, '--streamtap-journal', 'after.jsonl', *options)
    result.assert_outcomes(passed=5, failed=1)
    path = pytester.path / 'after.jsonl'
    result.stdout.fnmatch_lines([f'streamtap: the journal of this session is {path}'])
    found = records(path)
    agents = ('one', 'fails', 'first', 'second', 'third')
    each = {(agent, kind): count for agent in agents for kind, count in (('RunRecord', 1), ('ResponseRecord', 2))}
    assert {key: count for key, count in found.items() if key[0] != 'open'} == {
        **each,
        **{(agent, 'ToolRecord'): 1 for agent in agents},
    }
    assert found['open', 'RunRecord'] == 1
    assert path.stat().st_mode & 0o777 == 0o600
    assert [file.name for file in pytester.path.iterdir() if file.name.startswith('after')] == ['after.jsonl']


def test_a_session_without_a_run_says_that_there_is_no_journal(pytester: pytest.Pytester):
    """So that nobody looks for it."""
    result = ran(pytester, '--streamtap-journal', 'after.jsonl', '-k', 'without')
    path = pytester.path / 'after.jsonl'
    result.stdout.fnmatch_lines([f'streamtap: no capture recorded anything, so there is no {path}'])
    assert not path.exists()


def test_without_the_option_nothing_is_written(pytester: pytest.Pytester):
    """And nothing is said."""
    result = ran(pytester)
    result.stdout.no_fnmatch_line('streamtap: *')
    assert list(pytester.path.glob('*.jsonl*')) == []


@pytest.mark.parametrize('older', ['after.jsonl', 'after.jsonl.1', 'after.jsonl.gw0'])
def test_a_journal_that_is_there_is_neither_replaced_nor_continued(pytester: pytest.Pytester, older: str):
    """It may be worth keeping, and two sessions in one would be compared as one."""
    (pytester.path / older).write_text('kept', encoding='utf-8')
    result = ran(pytester, '--streamtap-journal', 'after.jsonl')
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    path = pytester.path / older
    why = f'ERROR: --streamtap-journal: {path} is there already: remove it, or give another path'
    result.stderr.fnmatch_lines([why])
    assert path.read_text(encoding='utf-8') == 'kept'


def test_a_folder_that_is_not_there_is_refused(pytester: pytest.Pytester):
    """Before any test runs."""
    result = ran(pytester, '--streamtap-journal', 'nowhere/after.jsonl')
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f'ERROR: --streamtap-journal: there is no folder {pytester.path / "nowhere"}'])


def test_a_journal_that_cannot_be_written_fails_the_tests_that_it_lacks(pytester: pytest.Pytester):
    """It would be compared as if it were whole."""
    pytester.makeconftest(CONFTEST)
    pytester.makepyfile(
        """
        from conftest import ask

        def test_one(captap, request):
            (request.config.rootpath / 'after.jsonl').mkdir()
            ask(captap, 'one')
        """
    )
    result = pytester.runpytest('-p', 'no:cacheprovider', '--streamtap-journal', 'after.jsonl')
    result.assert_outcomes(passed=1, errors=1)


def test_a_test_without_a_capture_writes_nothing_of_another(pytester: pytest.Pytester):
    """What a shared capture holds is written with the tests that have it."""
    result = ran(pytester, '--streamtap-journal', 'after.jsonl', '-k', 'first or without')
    result.assert_outcomes(passed=2, deselected=4)
    runs = [record.agent for record in read_journal(pytester.path / 'after.jsonl') if isinstance(record, RunRecord)]
    assert runs == ['first']
