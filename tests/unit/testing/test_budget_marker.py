"""The marker `streamtap_budget`, as the tests of a user's own agent have it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Sequence

CONFTEST = """
import asyncio
import pytest
from pydantic_ai import Agent
from pydantic_ai.models.function import FunctionModel
from pydantic_ai.models.test import TestModel
from streamtap.testing import capture

pytest_plugins = ['streamtap.testing']

def ask(seen, clock=None, wait=0.5, model_name='gpt-4.1-mini'):
    async def answer(messages, info):
        if clock is not None:
            clock.advance(wait)
        yield 'It is '
        if clock is not None:
            clock.advance(wait)
        yield 'sunny.'

    model = FunctionModel(stream_function=answer, model_name=model_name)
    agent = Agent(model, name='support', capabilities=[seen.tap.capability(stream=True)])
    asyncio.run(agent.run('How is the weather?'))

@pytest.fixture
def other(tap_clock):
    with capture(clock=tap_clock) as seen:
        yield seen
"""


def ran(pytester: pytest.Pytester, tests: str, *options: str) -> pytest.RunResult:
    """What pytest says of tests."""
    pytester.makeconftest(CONFTEST)
    pytester.makepyfile(f'import pytest\nfrom conftest import ask\nbudget = pytest.mark.streamtap_budget\n{tests}')
    return pytester.runpytest('-p', 'no:cacheprovider', '--strict-markers', *options)


def test_a_test_over_budget_fails_with_each_figure_that_is_too_high(pytester: pytest.Pytester):
    """And with what was measured; one within its budget passes."""
    result = ran(
        pytester,
        """
@budget(first_output=0.5, run=1.0, stall=0.5, cost=0.01, requests=1, tool_calls=0)
def test_within(captap, tap_clock):
    ask(captap, tap_clock)

@budget(first_output=0.4, run=1.0, stall=0.4)
def test_over(captap, tap_clock):
    ask(captap, tap_clock)
""",
    )
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(
        [
            'over budget, by captap: first output: 500 ms (support), at most 400 ms',
            'over budget, by captap: longest silence: 500 ms (support), at most 400 ms',
            '*- Measured by captap -*',
            'run support: success after 1.00 s, *',
        ]
    )
    result.stdout.no_fnmatch_line('*longest run*')


def test_what_was_not_measured_fails_the_test_and_says_what_helps(pytester: pytest.Pytester):
    """No capture, a capture that saw no run, and a run without the figure."""
    result = ran(
        pytester,
        """
@budget(run=1.0)
def test_no_capture(): pass

@budget(run=1.0)
def test_no_run(captap, other): pass

@budget(cost=1.0)
def test_no_price(captap):
    ask(captap, model_name='unheard-of')
""",
    )
    result.assert_outcomes(failed=3)
    result.stdout.fnmatch_lines(
        [
            'streamtap_budget has nothing to judge: take a capture as a fixture of the test, such as captap',
            'streamtap_budget has nothing to judge: no run used the tap of captap or other',
            'over budget, by captap: cost: not known, as no price is known for function:unheard-of: give Tap(price=...)',
        ]
    )


def test_the_nearest_marker_has_the_last_word_on_each_limit(pytester: pytest.Pytester):
    """Those of a class and of the module hold for the rest."""
    result = ran(
        pytester,
        """
pytestmark = budget(run=1.0, requests=1)

def test_of_the_module(captap, tap_clock):
    ask(captap, tap_clock, wait=1.0)

@budget(run=2.0)
class TestSlow:
    def test_of_the_class(self, captap, tap_clock):
        ask(captap, tap_clock, wait=1.0)

    @budget(first_output=0.4)
    def test_of_its_own(self, captap, tap_clock):
        ask(captap, tap_clock, wait=1.0)
        ask(captap, tap_clock, wait=1.0)
""",
    )
    result.assert_outcomes(passed=1, failed=2)
    result.stdout.fnmatch_lines(
        [
            '*test_of_the_module*',
            'over budget, by captap: longest run: 2.00 s (support), at most 1.00 s',
            '*test_of_its_own*',
            'over budget, by captap: first output: 1.00 s (support), at most 400 ms',
            'over budget, by captap: requests: 2, at most 1',
        ]
    )


def test_each_capture_has_the_whole_budget(pytester: pytest.Pytester):
    """Two taps on one run are two measurements of it; one that saw nothing is not asked."""
    result = ran(
        pytester,
        """
@budget(requests=1)
def test_both(captap, other):
    ask(captap)
    ask(other)

@budget(requests=1)
def test_one(captap, other):
    ask(other)
    ask(other)
""",
    )
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(['over budget, by other: requests: 2, at most 1'])


def test_a_test_that_fails_by_itself_says_so_and_nothing_of_its_budget(pytester: pytest.Pytester):
    """Its runs may be cut short."""
    result = ran(
        pytester,
        """
@budget(requests=0)
def test_it(captap):
    ask(captap)
    assert captap.run().outcome == 'error'
""",
    )
    result.assert_outcomes(failed=1)
    result.stdout.no_fnmatch_line('*over budget*')


@pytest.mark.parametrize(
    ('marker', 'error', 'options'),
    [
        ('budget(first_outptu=2)', "streamtap_budget has no 'first_outptu': use first_output, run, stall, *", ()),
        ('budget(run=0)', 'streamtap_budget: run must be above 0 seconds, not 0', ()),
        ("budget(cost='$1')", "streamtap_budget: cost must be a number of US dollars, not '$1'", ()),
        ('budget(2.0)', 'streamtap_budget takes keywords, such as *', ()),
        ('budget()', 'streamtap_budget takes keywords, such as *', ('-n1',)),
    ],
    ids=['unknown', 'out of range', 'no number', 'no keyword', 'empty, by a worker'],
)
def test_what_is_no_budget_is_an_error_when_tests_are_collected(
    pytester: pytest.Pytester, marker: str, error: str, options: Sequence[str]
):
    """Under the name of the test, and none is run."""
    result = ran(pytester, f'\n@{marker}\ndef test_it(captap): pass\n\ndef test_other(): pass\n', *options)
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines([f'*::test_it: {error}'])


def test_the_marker_is_listed(pytester: pytest.Pytester):
    """With its keywords."""
    pytester.makeconftest(CONFTEST)
    listed = pytester.runpytest('--markers').stdout
    listed.fnmatch_lines(['@pytest.mark.streamtap_budget(first_output=, run=, stall=, *'])
