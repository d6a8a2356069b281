"""Why a run failed, and where."""

from __future__ import annotations

import pytest

from streamtap._base.names import MAX_LENGTH
from streamtap._records.records import FailureRecord, RunOutcome
from streamtap._runs.failures import MOST_REMEMBERED, FailuresOfRun


def test_a_run_that_did_not_fail_has_no_failure():
    """Whatever failed in it."""
    failures = FailuresOfRun()
    failures.add('tool', 'search', step=1, error_type='ValueError')
    outcomes: tuple[RunOutcome, ...] = ('success', 'cancelled', 'deferred', 'incomplete')
    assert [failures.of_run('a', outcome, None) for outcome in outcomes] == [None] * len(outcomes)


def test_what_failed_last_with_the_error_of_the_run_ended_it():
    """Not an error that the run survived, nor an earlier one of the same type."""
    failures = FailuresOfRun()
    failures.add('tool', 'search', step=1, error_type='ValueError')
    failures.add('tool', 'fetch', step=2, error_type='ValueError')
    failures.add('model', 'openai:gpt', step=3, error_type='ModelHTTPError_500')
    assert failures.of_run('a', 'error', 'ValueError') == FailureRecord(
        agent='a', error='ValueError', place='tool', name='fetch', step=2
    )


def test_an_error_that_nothing_raised_is_of_what_failed_in_the_last_step():
    """A tool that was sent back once too often ends a run with an error of pydantic-ai's own."""
    failures = FailuresOfRun()
    failures.step(2)
    failures.add('tool', 'search', step=2, error_type=None)
    assert failures.of_run('a', 'error', 'UnexpectedModelBehavior') == FailureRecord(
        agent='a', error='UnexpectedModelBehavior', place='tool', name='search', step=2
    )


def test_what_failed_in_an_earlier_step_does_not_explain_the_end():
    """The run went on after it; an instruction that raises, say, is no model's and no tool's failure."""
    failures = FailuresOfRun()
    failures.add('tool', 'search', step=1, error_type=None)
    failures.step(2)
    assert failures.of_run('a', 'error', 'KeyError') == FailureRecord(agent='a', error='KeyError')


@pytest.mark.parametrize('outcome', ['limit', 'timeout'])
def test_a_limit_or_a_timeout_of_the_run_is_nobodys_failure(outcome: RunOutcome):
    """Not even that of a tool that failed in its last step."""
    failures = FailuresOfRun()
    failures.add('tool', 'search', step=1, error_type='ValueError')
    failures.step(1)
    assert failures.of_run('a', outcome, 'UsageLimitExceeded') == FailureRecord(agent='a', error='UsageLimitExceeded')
    assert failures.of_run('a', outcome, None) == FailureRecord(agent='a', error=outcome)


def test_a_run_whose_time_was_up_during_a_request_failed_at_that_model():
    """Not in a tool that was interrupted in a step before it."""
    failures = FailuresOfRun()
    failures.interrupted('tool', 'search', step=1)
    failures.step(2)
    failures.interrupted('model', 'openai:gpt', step=2)
    assert failures.of_run('a', 'timeout', 'RunTimedOut') == FailureRecord(
        agent='a', error='RunTimedOut', place='model', name='openai:gpt', step=2
    )


def test_a_run_whose_time_was_up_failed_in_the_tool_that_was_interrupted():
    """In the last one of its last step; nobody who stopped a run failed."""
    failures = FailuresOfRun()
    failures.add('tool', 'ask', step=1, error_type='RunTimedOut', began=1.0, ended=2.0)
    for tool in ('one', 'two'):
        failures.step(2)
        failures.interrupted('tool', tool, step=2)
    failures.called_run(3.0, FailureRecord(agent='b', error='ValueError'))
    assert failures.of_run('a', 'timeout', 'RunTimedOut') == FailureRecord(
        agent='a', error='RunTimedOut', place='tool', name='two', step=2
    )
    assert failures.of_run('a', 'error', 'KeyError') == FailureRecord(agent='a', error='KeyError')
    assert failures.of_run('a', 'cancelled', None) is None


def test_a_tool_that_ended_the_run_by_a_timeout_of_its_own_is_the_cause():
    """Not one that it interrupted."""
    failures = FailuresOfRun()
    failures.step(1)
    failures.interrupted('tool', 'beside', step=1)
    failures.add('tool', 'ask', step=1, error_type='RunTimedOut', began=1.0, ended=2.0)
    assert failures.of_run('a', 'timeout', 'RunTimedOut') == FailureRecord(
        agent='a', error='RunTimedOut', place='tool', name='ask', step=1
    )


def test_a_tool_that_was_interrupted_in_an_earlier_step_is_not_where_the_time_was_up():
    """The run went on after it."""
    failures = FailuresOfRun()
    failures.interrupted('tool', 'search', step=1)
    failures.step(2)
    assert failures.of_run('a', 'timeout', 'RunTimedOut') == FailureRecord(agent='a', error='RunTimedOut')


def test_a_called_run_that_failed_while_the_tool_ran_is_the_cause():
    """That of another tool's time is not."""
    failures = FailuresOfRun()
    cause = FailureRecord(agent='b', error='ModelHTTPError_500', place='model', name='openai:gpt', step=1)
    failures.called_run(1.5, FailureRecord(agent='c', error='ValueError'))
    failures.called_run(5.5, cause)
    failures.add('tool', 'ask', step=2, error_type='ModelHTTPError_500', began=5.0, ended=7.0)
    assert failures.of_run('a', 'error', 'ModelHTTPError_500') == cause
    failures.add('tool', 'ask', step=3, error_type='ModelHTTPError_500', began=8.0, ended=9.0)
    assert failures.of_run('a', 'error', 'ModelHTTPError_500') == FailureRecord(
        agent='a', error='ModelHTTPError_500', place='tool', name='ask', step=3
    )


def test_the_latest_types_of_error_are_remembered():
    """At most 16, and so many called runs: what ended the run came last."""
    failures = FailuresOfRun()
    for number in range(MOST_REMEMBERED + 1):
        failures.add('tool', 'ask', step=number, error_type=f'Error{number}', began=number, ended=number)
        failures.called_run(number, FailureRecord(agent=f'called {number}', error=f'Error{number}'))
    last = MOST_REMEMBERED
    assert failures.of_run('a', 'error', f'Error{last}') == FailureRecord(agent=f'called {last}', error=f'Error{last}')
    assert failures.of_run('a', 'error', 'Error1') == FailureRecord(agent='called 1', error='Error1')
    assert failures.of_run('a', 'error', 'Error0') == FailureRecord(agent='a', error='Error0')


def test_a_long_model_behind_its_provider_is_no_longer_than_any_name():
    """Of 200 characters."""
    failures = FailuresOfRun()
    failures.add('model', f'openai:{"m" * MAX_LENGTH}', step=1, error_type='KeyError')
    failed = failures.of_run('a', 'error', 'KeyError')
    assert failed is not None
    assert failed.name == f'openai:{"m" * (MAX_LENGTH - 7)}'
