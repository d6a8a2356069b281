"""Whether a response says all of its usage, and whether its server repeats what it says in each chunk."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import pytest

from streamtap._meter.response import ResponseMeter
from streamtap._runs.measured_usage import RepeatedUsageWarning, is_repeated, why_unmeasured
from streamtap._upstream.model_responses import Response, Usage
from support.made_records import response

if TYPE_CHECKING:
    from streamtap._records.records import RequestOutcome, UnmeasuredReason


def metered(chunks: int, kind: str = 'text') -> ResponseMeter:
    """A response of one part in so many chunks."""
    meter = ResponseMeter(0.0, stall_after=5.0)
    if chunks:
        meter.part_started(0, kind, 'answer', now=1.0)
    for number in range(chunks):
        meter.chunk(0, float(number), number + 1.0)
    return meter


def said(input_tokens: int | None, *, is_complete: bool = True) -> Response:
    """What a response with so many tokens in its prompt says of itself; `None` for one without usage."""
    fields: dict[str, Any] = dict.fromkeys(('provider', 'model', 'model_id', 'finish_reason', 'cost'))
    usage = None if input_tokens is None else Usage(input_tokens, 20, 0, 0, 0)
    return Response(**fields, usage=usage, attempts=(), is_complete=is_complete)


@pytest.mark.parametrize(
    ('outcome', 'facts', 'chunks', 'why'),
    [
        ('success', said(10), 3, None),
        ('success', said(None), 3, 'not_reported'),
        ('success', None, 3, 'not_reported'),
        ('cancelled', said(10, is_complete=False), 3, 'interrupted'),
        ('timeout', said(None, is_complete=False), 3, 'interrupted'),
        ('error', None, 3, 'interrupted'),
        ('error', said(10, is_complete=False), 0, 'interrupted'),
        ('error', None, 0, None),
        ('cancelled', None, 0, None),
        ('incomplete', said(10), 3, None),
        ('incomplete', said(None), 3, 'not_reported'),
        ('incomplete', said(10, is_complete=False), 3, 'interrupted'),
        ('incomplete', None, 3, 'interrupted'),
    ],
)
def test_a_response_that_began_and_did_not_end_was_interrupted(
    outcome: RequestOutcome, facts: Response | None, chunks: int, why: UnmeasuredReason | None
):
    """One that ended without usage did not report it, and a request that failed before anything came has none."""
    assert why_unmeasured(outcome, facts, metered(chunks), repeated=False) == why


def test_usage_that_is_a_wrong_sum_is_that_whatever_the_outcome():
    """A stream that broke has a sum, too."""
    for outcome in ('success', 'cancelled'):
        assert why_unmeasured(outcome, said(None), metered(3), repeated=True) == 'repeated'


@pytest.mark.parametrize('before', [1, 2, 3])
@pytest.mark.parametrize('chunks', [6, 8, 1000])
@pytest.mark.parametrize('after', [1, 2])
def test_a_prompt_that_is_counted_once_per_chunk_is_repeated(before: int, chunks: int, after: int):
    """Chunks with the role, with the finish reason and with the usage alone repeat it, too."""
    prompt = 1234
    assert is_repeated(before * prompt, said((before + chunks - 1 + after) * prompt), metered(chunks))


@pytest.mark.parametrize(
    ('first', 'last', 'chunks', 'kind'),
    [
        (None, 1000, 9, 'text'),  # usage at the end, as OpenAI sends it
        (0, 1000, 9, 'text'),
        (1000, 1000, 9, 'text'),  # usage so far that replaces itself: Anthropic, Google, the setting that cures it
        (1000, 1040, 9, 'text'),  # a prompt that grows, though by no multiple
        (1000, 11_000, 9, 'builtin-tool-call'),  # the model reads its prompt again after each native tool
        (1000, 11_000, 9, 'compaction'),
        (1000, 2000, 9, 'text'),  # twice, and not once for each chunk
        (1000, 100_000, 9, 'text'),
        (4, 40, 9, 'text'),  # no prompt is that short
        (50, 150, 4, 'text'),  # a turn of three segments, of which each reads the prompt
    ],
)
def test_no_other_usage_is_taken_for_repeated(first: int | None, last: int, chunks: int, kind: str):
    """A false alarm would hide true tokens."""
    assert not is_repeated(first, said(last), metered(chunks, kind))


def test_a_model_whose_usage_is_repeated_is_warned_of_once(caplog: pytest.LogCaptureFixture):
    """With what cures it; and no others, and no more than fit."""
    warn = RepeatedUsageWarning()
    with caplog.at_level(logging.WARNING, 'streamtap'):
        for record in (response(), response(unmeasured='repeated'), response(unmeasured='repeated')):
            warn(record)
    assert caplog.messages == [
        'streamtap: the server of p:m says its usage so far in each chunk, and Pydantic AI adds that up, so its tokens '
        'and cost are left out; set openai_continuous_usage_stats=True in the model settings'
    ]
    for number in range(200):
        warn(response(model=f'm{number}', unmeasured='repeated'))
    assert len(caplog.messages) == 100
