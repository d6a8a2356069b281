"""The pytest plugin, as the tests of a user's own agent load it."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import TYPE_CHECKING

from support.paths import ROOT

if TYPE_CHECKING:
    import pytest

CONFTEST = """
from streamtap.testing import FakeClock

pytest_plugins = ['streamtap.testing']
"""

USERS_TESTS = """
import asyncio

from pydantic_ai import Agent
from pydantic_ai.models.function import DeltaToolCall, FunctionModel

def ask(captap, tap_clock, searches):
    left = list(range(searches))

    async def answer(messages, info):
        tap_clock.advance(0.5)
        if left:
            yield {0: DeltaToolCall('search', '{}', tool_call_id=f'call {left.pop()}')}
        else:
            yield 'It is sunny.'

    model = FunctionModel(stream_function=answer, model_name='slow')
    support = Agent(model, name='support', capabilities=[captap.tap.capability(stream=True)])

    @support.tool_plain
    async def search():
        tap_clock.advance(2.0)

    asyncio.run(support.run('How is the weather?'))

def test_searches_once(captap, tap_clock):
    ask(captap, tap_clock, searches=1)
    assert captap.run().time_to_first_output == 3.0
    assert [tool.tool for tool in captap.tools()] == ['search']

def test_is_too_slow(captap, tap_clock):
    ask(captap, tap_clock, searches=2)
    assert captap.run().time_to_first_output <= 3.0

def test_starts_anew(captap):
    assert captap.total().requests == 0
"""


def loaded(pytester: pytest.Pytester, tests: str) -> pytest.RunResult:
    """What pytest says to a user whose `conftest.py` loads the plugin."""
    pytester.makeconftest(CONFTEST)
    pytester.makepyfile(tests)
    return pytester.runpytest('-p', 'no:cacheprovider')


def test_a_test_that_fails_shows_what_was_measured(pytester: pytest.Pytester):
    """Every run with its requests and tools, under the name of the fixture; the tests that pass show nothing."""
    result = loaded(pytester, USERS_TESTS)
    result.assert_outcomes(passed=2, failed=1)
    result.stdout.fnmatch_lines(
        [
            '*assert 5.5 <= 3.0*',
            '*- Measured by captap -*',
            'run support: success after 5.50 s, first output 5.50 s, 150 tokens in, 6 out, cost -',
            '  request 1, function:slow: success after 500 ms, first token 500 ms, 50 tokens in, 1 out, cost -',
            '  tool search: success after 2.00 s',
            '  request 2, function:slow: success after 500 ms, first token 500 ms, 50 tokens in, * out, cost -',
            '  tool search: success after 2.00 s',
            '  request 3, function:slow: success after 500 ms, first token 500 ms, 50 tokens in, * out, cost -',
        ]
    )
    assert result.stdout.str().count('Measured by captap') == 1


def test_loading_it_warns_of_nothing(pytester: pytest.Pytester):
    """Not even where `conftest.py` imported the helpers first, which pytest cannot rewrite any more."""
    pytester.makeconftest(CONFTEST)
    pytester.makepyfile('def test_it(captap): assert captap.faults() == []')
    pytester.runpytest_subprocess('-W', 'error', '-p', 'no:cacheprovider').assert_outcomes(passed=1)


def test_a_fixture_of_ones_own_is_shown_too(pytester: pytest.Pytester):
    """A capture by any other name, with its own labels or price; once, whatever fixtures hand it on."""
    result = loaded(
        pytester,
        """
        import pytest
        from streamtap.testing import capture

        @pytest.fixture
        def priced(tap_clock):
            with capture(clock=tap_clock, price=lambda record, response: 0.5) as seen:
                yield seen

        @pytest.fixture
        def same(priced):
            return priced

        def test_fails(same):
            assert same.run().cost_usd <= 0.1
        """,
    )
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            '*LookupError: 0 runs ended, not one:*',
            '*- Measured by priced -*',
            'no run used this tap: pass it to the agent, or to the run',
        ]
    )
    assert result.stdout.str().count('Measured by') == 1


def test_nothing_is_loaded_by_itself(pytester: pytest.Pytester):
    """Without the line in `conftest.py` there is no such fixture."""
    pytester.makepyfile('def test_it(captap): pass')
    result = pytester.runpytest('-p', 'no:cacheprovider')
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*fixture 'captap' not found*"])


def test_only_the_plugin_needs_pytest():
    """Whoever imports the helpers for anything else need not have it."""
    code = "import sys; sys.modules['pytest'] = None; from streamtap.testing import capture; print(capture.__name__)"
    ran = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, check=False, timeout=50)
    assert (ran.stdout, ran.returncode) == ('capture\n', 0), ran.stderr


def test_a_process_whose_taps_are_off_is_measured(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch):
    """The fixture's tap is there to measure; the code under test still finds the switch as it was."""
    monkeypatch.setenv('STREAMTAP_DISABLED', '1')
    result = loaded(
        pytester,
        """
        import asyncio, os
        from pydantic_ai import Agent
        from pydantic_ai.models.test import TestModel

        def test_it(captap):
            asyncio.run(Agent(TestModel(), capabilities=[captap.tap.capability()]).run('hello'))
            assert captap.run().outcome == 'success'
            assert os.environ['STREAMTAP_DISABLED'] == '1'
        """,
    )
    result.assert_outcomes(passed=1)


def test_the_tests_of_the_documentation_pass(pytester: pytest.Pytester):
    """As they stand there; the failure shown below them is what they say of a slower tool."""
    page = (ROOT / 'docs' / 'testing.md').read_text(encoding='utf-8')
    conftest, tests = re.findall(r'^```python\n# \w+\.py\n(.*?)^```$', page, re.MULTILINE | re.DOTALL)[:2]
    pytester.makeconftest(conftest)
    pytester.makepyfile(tests)
    pytester.runpytest('-p', 'no:cacheprovider').assert_outcomes(passed=1)
    pytester.makepyfile(tests.replace('advance(1.2)', 'advance(1.8)'))
    shown = re.search(r'^```text\n(.*?)^```$', page, re.MULTILINE | re.DOTALL)
    assert shown is not None
    pytester.runpytest('-p', 'no:cacheprovider').stdout.fnmatch_lines(shown[1].splitlines())
