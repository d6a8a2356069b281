"""Why a figure is missing, as summary, page and report say it."""

from __future__ import annotations

import pytest

from streamtap import ResponseRecord, UsageSink
from streamtap._display.hints import NO_PRICE, NO_SPEED_WITHOUT_USAGE, NO_USAGE, NOT_STREAMED, NOT_TIMED, Hint
from support.made_records import response, run

KNOWN = {'usage_reported': True, 'usage_complete': True, 'output_tokens': 5}


def notes(*responses: ResponseRecord) -> list[str]:
    """What a summary says of one run with these responses."""
    sink = UsageSink()
    for each in responses:
        sink.response_ended(each)
    costs = [each.cost_usd for each in responses if each.cost_usd is not None]
    shown = 0.3 if any(each.streamed for each in responses) else None
    sink.run_ended(run(time_to_first_output=shown, cost_usd=sum(costs) if costs else None))
    return sink.summary().notes()


@pytest.mark.parametrize(
    ('responses', 'hints'),
    [
        ([response(streamed=False, **KNOWN, cost_usd=0.1)], [NOT_STREAMED]),
        ([response(streamed=False, **KNOWN)], [NOT_STREAMED, NO_PRICE]),
        ([response(time_to_first_token=0.2, unmeasured='not_reported')], [NO_USAGE]),
        ([response(time_to_first_token=0.2, cost_usd=0.1, **KNOWN)], [NOT_TIMED]),
        ([response(time_to_first_token=0.2, output_tokens_per_second=50.0, **KNOWN)], [NO_PRICE]),
        ([response(time_to_first_token=0.2, output_tokens_per_second=50.0, cost_usd=0.1, **KNOWN)], []),
    ],
)
def test_a_missing_figure_says_why_and_what_to_do(responses: list[ResponseRecord], hints: list[Hint]):
    """Each reason once, and nothing of what is known."""
    assert notes(*responses) == [hint.sentence for hint in hints]


def test_a_figure_that_only_some_responses_lack_is_not_missing():
    """The summary then says how many are not in it."""
    whole = response(time_to_first_token=0.2, output_tokens_per_second=50.0, cost_usd=0.1, **KNOWN)
    assert notes(whole, response(streamed=False, **KNOWN), response(unmeasured='not_reported')) == [
        'Responses whose usage is not known: 1 (not in tokens and cost)',
        'Responses without a known price: 1 (not in cost)',
    ]


def test_what_was_interrupted_may_have_a_cost():
    """Which is then not said to be missing."""
    assert notes(response(time_to_first_token=0.2, usage_reported=True, cost_usd=0.1, unmeasured='interrupted')) == [
        NO_SPEED_WITHOUT_USAGE.sentence,
        'Responses that were interrupted: 1 (in tokens and cost only as far as reported)',
    ]


def test_nothing_is_said_before_there_was_a_request():
    """A summary of nothing lacks nothing."""
    assert UsageSink().summary().notes() == []


@pytest.mark.parametrize('known', [0, 1])
def test_how_many_blank_screens_are_known_is_said_also_where_none_is(known: int):
    """Of runs that streamed, and failed before showing anything."""
    sink = UsageSink()
    for number in range(2):
        sink.response_ended(response(run_id=str(number), outcome='error', error_type='ModelHTTPError_503'))
        sink.run_ended(run(run_id=str(number), time_to_first_output=0.3 if number < known else None))
    others = 'the other' if known else 'they'
    assert (
        f'The blank screen is known for {known} of 2 runs: {others} did not stream, or ended before showing anything'
        in (sink.summary().notes())
    )
