"""What several runs took together: sums of what is used up, the worst of what somebody waits for."""

from __future__ import annotations

from typing import Any

import pytest

from streamtap import ResponseRecord, RunRecord, ToolRecord
from streamtap._budgets.measured import Figure, Measured
from support.made_records import full_response, response, run, run_start, tool

UNSTREAMED = 'a response to a was not streamed: use tap.capability(stream=True)'


def measured(*records: RunRecord | ResponseRecord | ToolRecord) -> Measured:
    """What was measured of some records, the runs of which have ended."""
    seen = Measured()
    for record in records:
        if isinstance(record, ResponseRecord):
            seen.response_ended(record)
        elif isinstance(record, ToolRecord):
            seen.tool_ended(record)
        else:
            seen.run_ended(record)
    return seen


def test_of_several_runs_the_longest_time_counts_and_what_they_used_is_summed():
    """And the agent whose time it is is told."""
    used = {'requests': 2, 'tool_calls': 3, 'input_tokens': 100, 'output_tokens': 10, 'cost_usd': 0.25}
    seen = measured(
        run(agent='fast', duration=1.0, time_to_first_output=0.5, **used),
        run(agent='slow', duration=4.0, time_to_first_output=0.4, **used),
    )
    assert seen == Measured(
        runs=2,
        run=Figure(4.0, 'slow'),
        first_output=Figure(0.5, 'fast'),
        requests=Figure(4),
        tool_calls=Figure(6),
        repeated_tool_calls=Figure(0),
        objective_missed=Figure(missing='a run of fast could not be judged: does its tap have Tap(objective=...)?'),
        input_tokens=Figure(200),
        output_tokens=Figure(20),
        cost=Figure(0.5),
    )


def test_runs_that_missed_their_objective_are_counted():
    """Those that nobody called, and of the others only who had missed something before they were stopped."""
    seen = measured(
        run(objective_met=True),
        run(agent='slow', objective_met=False, objective_missed=('first_output', 'cost')),
        run(outcome='cancelled'),
        run(parent_run_id='r'),
    )
    assert seen.objective_missed == Figure(1, 'slow: first output, cost')
    assert measured(run()).objective_missed.missing is not None


def test_the_fullest_context_counts():
    """And a model whose window is not known may have been fuller."""
    used = {'usage_reported': True, 'context_window': 100}
    seen = measured(
        response(agent='full', context_tokens=90, **used),
        response(context_tokens=40, **used),
        response(outcome='error'),
    )
    assert seen.context_used == Figure(0.9, 'full')
    seen.response_ended(response(usage_reported=True))
    assert seen.context_used == Figure(0.9, 'full', missing='the context window of p:m is not known')


def test_tokens_that_were_bought_again_are_summed():
    """A first request of a conversation could not have any, and what was not reported may have more."""
    seen = measured(response(), response(cache_missed_tokens=0), response(agent='b', cache_missed_tokens=300))
    assert seen.cache_missed_tokens == Figure(300, 'b')
    seen.response_ended(response(unmeasured='interrupted'))
    assert seen.cache_missed_tokens.missing == 'a response to a did not report all of its tokens (interrupted)'
    assert measured(response()).cache_missed_tokens == Figure()


def test_a_run_that_another_called_is_in_the_sums_only():
    """Nobody waits for it: its time is in its caller's."""
    seen = measured(
        run(agent='helper', parent_run_id='r', duration=9.0, requests=1, cost_usd=0.5),
        run(agent='boss', duration=4.0, time_to_first_output=1.0, requests=2, cost_usd=0.25),
    )
    assert (seen.runs, seen.run, seen.first_output) == (1, Figure(4.0, 'boss'), Figure(1.0, 'boss'))
    assert (seen.requests, seen.cost) == (Figure(3), Figure(0.75))


def test_a_loop_is_told_with_its_tool():
    """Each call that repeats at least two before it counts."""
    seen = measured(tool(), tool(agent='lost', tool='search', repeated=True), run(tool_calls=2))
    assert seen.repeated_tool_calls == Figure(1, 'lost/search')


def test_a_run_without_a_first_output_is_told():
    """Whatever the others have: the one that lost its stream is the one to find."""
    seen = measured(run(time_to_first_output=1.0), run(agent='mute'))
    why = 'a run of mute streamed no output that the tap could see: use tap.capability(stream=True)'
    assert seen.first_output == Figure(1.0, 'a', missing=why)
    ended = measured(run(outcome='cancelled'))
    assert ended.first_output == Figure(missing='a run of a ended before its first output (cancelled)')


def test_a_run_whose_end_nobody_saw_has_no_time():
    """Its duration is not known."""
    assert measured(run(duration=None)).run == Figure(missing='nobody saw the end of a run of a')


def test_until_a_run_ends_nothing_is_whole():
    """What it will have used is not known."""
    seen = Measured()
    seen.run_started(run_start('r', 'slow'))
    seen.run_ended(run(run_id='other', requests=1))
    assert (seen.whole('requests'), seen.still_open()) == (None, 'a run of slow has not ended')
    seen.run_ended(run(run_id='r', requests=1))
    assert (seen.whole('requests'), seen.still_open()) == (2, None)


def test_the_lowest_speed_is_that_of_the_responses_that_have_one():
    """A short one has none, and says nothing of the model."""
    seen = measured(*(full_response(output_tokens_per_second=speed) for speed in (50.0, None, 20.0)))
    assert seen.tokens_per_second == Figure(20.0, 'a')


@pytest.mark.parametrize(
    ('changes', 'longest'),
    [
        ({'max_inter_chunk_latency': 0.3, 'stalls': 0, 'stall_seconds': 0.0}, 0.3),
        ({'max_inter_chunk_latency': 7.0, 'stalls': 2, 'stall_seconds': 13.0}, 7.0),
        # The last of two stalls broke off: it is no wait for a chunk.
        ({'max_inter_chunk_latency': 6.0, 'stalls': 2, 'stall_seconds': 36.0, 'outcome': 'timeout'}, 30.0),
        ({'max_inter_chunk_latency': None, 'chunks': 1, 'stalls': 1, 'stall_seconds': 30.0, 'outcome': 'error'}, 30.0),
        ({'max_inter_chunk_latency': None, 'chunks': 1, 'stalls': 0, 'stall_seconds': 0.0}, 0.0),
    ],
    ids=['no stall', 'stalls', 'the last broke off', 'the only one broke off', 'a single chunk'],
)
def test_the_longest_silence_is_found(changes: dict[str, Any], longest: float):
    """Whether or not it was long enough for the tap to call it a stall."""
    assert measured(full_response(**changes)).stall == Figure(longest, 'a')


def test_a_response_that_failed_before_its_first_chunk_was_not_silent_after_it():
    """Streamed or not."""
    failed: dict[str, Any] = {'outcome': 'error', 'error_type': 'ModelHTTPError_503'}
    assert measured(response(**failed), response(streamed=False, **failed)).stall == Figure()


@pytest.mark.parametrize(
    ('changes', 'why'),
    [
        ({'streamed': False}, UNSTREAMED),
        ({'chunks': 0}, 'a response to a was not seen to its end: use tap.capability()'),
        ({'outcome': 'incomplete', 'chunks': 3}, 'a response to a was not seen to its end: use tap.capability()'),
        (
            {'chunks': 3},
            'whoever read a response to a held its stream up, which hides the silences of the model',
        ),
    ],
    ids=['unstreamed', 'unseen', 'cut', 'held up'],
)
def test_silences_that_nobody_could_see_are_told(changes: dict[str, Any], why: str):
    """With what helps."""
    assert measured(response(**changes)).stall == Figure(missing=why)


def test_of_a_response_that_was_held_up_its_stalls_are_known():
    """Each was at least as long as they were on average."""
    held = response(chunks=3, stalls=2, stall_seconds=14.0)
    assert measured(held).stall.value == 7.0


def test_tokens_that_were_not_reported_are_told_and_with_them_the_cost():
    """Both would be too low."""
    why = 'a response to a did not report all of its tokens (interrupted)'
    seen = measured(response(unmeasured='interrupted'), run(input_tokens=10, output_tokens=1, cost_usd=0.1))
    assert (seen.input_tokens, seen.output_tokens) == (Figure(10, missing=why), Figure(1, missing=why))
    assert seen.cost == Figure(0.1, missing=why)
    assert seen.whole('cost') is None


def test_a_model_without_a_price_is_told():
    """With what helps."""
    seen = measured(response(usage_reported=True), run())
    assert seen.cost == Figure(missing='no price is known for p:m: give Tap(price=...)')
