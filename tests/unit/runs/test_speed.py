"""Output tokens per second: of what was seen being written, or absent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from streamtap._meter.response import ResponseMeter
from streamtap._records.distribution import Distribution
from streamtap._runs.speed import output_tokens_per_second
from streamtap._upstream.model_responses import Response, Usage

if TYPE_CHECKING:
    from collections.abc import Sequence

    from streamtap._meter.parts import Role

FIRST = 10.0
PACE = 0.02


def metered(*parts: tuple[Role, int], gaps: Sequence[float] = (), sizes: tuple[int, int] = (0, 0)) -> ResponseMeter:
    """A response whose parts have so many chunks, 20 ms apart unless other gaps are given.

    Args:
        parts: What each part is, and how many chunks it has.
        gaps: The times between the chunks, if they are not all the same.
        sizes: The characters of the first chunk, and of the first that is not thinking.
    """
    meter = ResponseMeter(0.0, stall_after=60.0)
    meter.first_size, meter.first_output_size = sizes
    now, left = FIRST, list(gaps)
    for index, (role, chunks) in enumerate(parts):
        meter.part_started(index, role, role, now=now)
        for _ in range(chunks):
            before = now
            if meter.first_chunk is not None:
                now += left.pop(0) if left else PACE
            meter.chunk(index, before, now)
    meter.stop(now)
    return meter


def said(tokens: int, *, reasoning: int = 0, answer: int = 0, thinking: int = 0) -> Response:
    """What a response with so many output tokens says of itself, and how many characters it has."""
    fields: dict[str, Any] = dict.fromkeys(('provider', 'model', 'model_id', 'finish_reason', 'cost'))
    return Response(
        **fields,
        usage=Usage(10, tokens, 0, 0, reasoning),
        attempts=(),
        is_complete=True,
        answer_size=answer,
        thinking_size=thinking,
    )


def speed(meter: ResponseMeter, facts: Response | None) -> float | None:
    found = output_tokens_per_second(meter, Distribution.of_counts(meter.inter_chunk_latencies), facts)
    return None if found is None else round(found, 3)


@pytest.mark.parametrize('tokens', [20, 21])
def test_a_chunk_is_a_token_where_there_are_as_many(tokens: int):
    """The token that ends an answer by itself is counted and not shown: it has no pace."""
    assert speed(metered(('answer', 20)), said(tokens)) == 50.0


def test_the_tokens_of_the_first_chunk_were_made_before_it():
    """Chunks of fifty tokens, 0.5 s apart: 100 a second."""
    meter = metered(('answer', 4), gaps=[0.5] * 3, sizes=(200, 200))
    assert speed(meter, said(200, answer=800)) == 100.0


def test_chunks_of_many_tokens_may_come_unevenly():
    """Each has as many tokens as there was time for."""
    meter = metered(('answer', 5), gaps=[0.2, 0.8, 0.4, 0.6], sizes=(200, 200))
    assert speed(meter, said(250, answer=1000)) == 100.0


def test_a_server_that_sends_the_first_token_alone_and_then_twenty_at_a_time():
    """The first chunk's share is small."""
    meter = metered(('answer', 6), gaps=[0.4] * 5, sizes=(4, 4))
    assert speed(meter, said(101, answer=404)) == 50.0


def test_hidden_reasoning_that_is_counted_is_taken_out():
    """It was over before the first chunk."""
    assert speed(metered(('answer', 20)), said(520, reasoning=500)) == 50.0


def test_beside_reasoning_that_is_shown_and_counted_the_answer_has_the_pace():
    """What is shown may be a summary of it."""
    assert speed(metered(('thinking', 10), ('answer', 20)), said(520, reasoning=500)) == 50.0
    assert speed(metered(('thinking', 10)), said(500, reasoning=500)) is None


def test_reasoning_that_is_shown_and_not_counted_is_part_of_the_answer():
    """Its chunks are tokens like the others."""
    assert speed(metered(('thinking', 10), ('answer', 20)), said(30)) == 50.0


def test_hidden_reasoning_of_unknown_length_hides_the_pace():
    """A part of it came, without content."""
    assert speed(metered(('thinking', 0), ('answer', 20)), said(20)) is None


def test_hidden_reasoning_beside_reasoning_that_is_shown_hides_the_pace():
    """One part came without content, and nobody counts it."""
    assert speed(metered(('thinking', 10), ('thinking', 0), ('answer', 20)), said(30)) is None


def test_counted_reasoning_inside_an_answer_hides_the_pace():
    """Nobody knows how much of the time it took, whether a summary of it is shown or not; before the answer it may be."""
    for summary in (0, 5):
        parts: tuple[tuple[Role, int], ...] = (('answer', 10), ('thinking', summary), ('answer', 10))
        assert speed(metered(*parts), said(80, reasoning=60)) is None
    assert speed(metered(('answer', 10), ('thinking', 5), ('answer', 10)), said(25)) == 50.0


def test_tokens_beyond_chunks_that_may_be_single_ones_were_hidden():
    """Of a server that reports no reasoning: chunks of five characters each do not hold three tokens."""
    assert speed(metered(('answer', 20), sizes=(5, 5)), said(60, answer=100)) is None


def test_the_end_token_hides_the_pace_of_a_short_answer_in_chunks_of_several():
    """Whether there is one nobody knows, and in few tokens it matters."""
    meter = metered(('answer', 4), gaps=[0.5] * 3, sizes=(25, 25))
    assert [speed(meter, said(tokens, answer=100)) for tokens in (31, 32)] == [None, 16.0]


@pytest.mark.parametrize('tokens', [22, 29])
def test_tokens_that_are_hidden_somewhere_hide_the_pace(tokens: int):
    """Too many for the chunks, too few for chunks of several."""
    assert speed(metered(('answer', 20), sizes=(4, 4)), said(tokens, answer=80)) is None


@pytest.mark.parametrize('role', ['call', 'output_call'])
def test_a_tool_call_has_the_pace_of_its_arguments(role: Role):
    """Around them there is markup, of which nobody knows when it was written: after its name a call may wait long."""
    assert speed(metered((role, 20), gaps=[0.0001, 0.3]), said(52, answer=80)) == 50.0


def test_a_call_in_chunks_of_several_tokens_hides_the_pace():
    """Some of its tokens are markup."""
    assert speed(metered(('call', 10)), said(22, answer=100)) is None


def test_white_space_that_a_parser_keeps_back_is_counted():
    """It comes with the number after it, when two tokens were written."""
    gaps = [0.0001, 0.09, *[PACE] * 7, 2 * PACE, *[PACE] * 9]
    assert speed(metered(('call', 20), gaps=gaps), said(53, answer=80)) == 50.0


def test_several_calls_have_the_pace_within_them():
    """Between them there is markup as well; a text before them has its own pace."""
    gaps = [*[PACE] * 9, 0.4, 0.08, *[PACE] * 10, 0.5, 0.08, *[PACE] * 10]
    parts: list[tuple[Role, int]] = [('answer', 10), ('call', 12), ('call', 12)]
    assert speed(metered(*parts, gaps=gaps), said(90, answer=130)) == 50.0


@pytest.mark.parametrize(
    ('chunks', 'facts'),
    [(7, said(20, answer=28)), (20, said(52, answer=200)), (20, said(52))],
)
def test_other_calls_hide_the_pace(chunks: int, facts: Response):
    """Too short a call, chunks that are larger than a token, and arguments of unknown size."""
    assert speed(metered(('call', chunks)), facts) is None


def test_reasoning_that_is_neither_shown_nor_counted_hides_the_pace():
    """The chunks are as small as tokens, and there are far fewer of them."""
    assert speed(metered(('answer', 20), sizes=(4, 4)), said(60, answer=80)) is None


def test_where_the_window_ends_must_be_certain():
    """A chunk that was taken late, for want of a processor, has a longer wait before it and a shorter one after it."""
    late = [0.04, 0.002] * 10
    assert speed(metered(('answer', 21), gaps=late), said(21)) is None
    assert speed(metered(('answer', 121), gaps=late * 6), said(121)) == 47.619


@pytest.mark.parametrize('gaps', [[0.0001] * 99, [*[0.0001] * 49, 1.0, *[0.0001] * 49], ([0.0001] * 3 + [0.08]) * 100])
def test_chunks_in_pieces_have_the_pace_of_a_buffer(gaps: list[float]):
    """A proxy that flushes at the end, 100 events in two packets, and four in each of a hundred."""
    assert speed(metered(('answer', len(gaps) + 1), gaps=gaps), said(len(gaps) + 1)) is None


def test_small_pieces_have_the_pace_of_the_model():
    """Some chunks come together on any network."""
    gaps = [0.0001, 0.0399] * 100
    assert speed(metered(('answer', 201), gaps=gaps), said(201)) == 50.0


@pytest.mark.parametrize(
    'gaps',
    [
        [*[0.0005] * 9, *[0.02] * 20],
        [*[0.0005] * 4, 0.002, *[0.0005] * 4, *[0.02] * 20],
        [*[0.02] * 20, 0.2, *[0.0005] * 8],
    ],
)
def test_a_client_that_stands_still_at_an_end_of_the_stream_hides_the_pace(gaps: list[float]):
    """What had come by then is read at once, so that the first chunk is seen late, or the last one."""
    assert speed(metered(('answer', 30), gaps=gaps), said(30)) is None


@pytest.mark.parametrize('silence', [0.5, 3.0, 60.0])
def test_a_model_that_is_silent_once_has_the_pace_of_all_its_time(silence: float):
    """However long it is, and wherever: the other chunks do not come at once beside it."""
    for place in range(59):
        gaps = [*[0.041] * place, silence, *[0.041] * (58 - place)]
        assert speed(metered(('answer', 60), gaps=gaps), said(60)) == round(59 / sum(gaps), 3)


def test_a_client_that_stands_still_in_mid_stream_catches_up():
    """First and last chunk are seen when they come; a silence of the model before its last chunk counts."""
    caught_up = [*[0.02] * 20, 0.2, *[0.0] * 9, *[0.02] * 20]
    assert speed(metered(('answer', 51), gaps=caught_up), said(51)) == 50.0
    assert speed(metered(('answer', 31), gaps=[*[0.02] * 29, 0.02 + 0.4]), said(31)) == 30.0


@pytest.mark.parametrize(
    ('meter', 'facts'),
    [
        (metered(('answer', 1)), said(1)),
        (metered(('answer', 3), gaps=[0.0001, 0.0001]), said(3)),
        (metered(), said(5)),
        (metered(('answer', 3)), None),
    ],
)
def test_nothing_is_no_speed(meter: ResponseMeter, facts: Response | None):
    """One chunk, no time between chunks, no chunk, no usage."""
    assert speed(meter, facts) is None
