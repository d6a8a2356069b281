"""Output tokens per second: how fast the model wrote what was seen being written; nothing where that cannot be known.

Only tokens whose chunks were seen have a pace: neither hidden reasoning, nor what the first chunk holds, nor the markup
of a tool call, nor the token that ends an answer. Where there are as many chunks as tokens, each chunk is one. Where there
are far fewer, and longer than a token can be, the tokens of the first are its share of all characters. In between some
tokens were hidden, nobody knows where, and there is no speed.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING

from streamtap._meter.response import SHORTEST_WAIT
from streamtap._records.distribution import BOUNDS

if TYPE_CHECKING:
    from streamtap._meter.response import Part, ResponseMeter
    from streamtap._records.distribution import Distribution
    from streamtap._upstream.model_responses import Response

SHORTEST_WINDOW = 0.001
"""Seconds between first and last chunk below which a speed is meaningless."""

_SHORTEST = bisect_left(BOUNDS, SHORTEST_WAIT)

MANY_WAITS = 30
"""With so many waits, chunks that come in pieces change the speed by 3 % at most."""

FAR_FEWER = 1.5
"""Tokens per chunk from which on a chunk may hold several."""

LONGEST_TOKEN = 6
"""Characters; chunks that are no longer on average may be single tokens in any language, and hidden what there are more."""

FEWEST_IN_CHUNKS = 32
"""How many tokens chunks of several must have together, so that an end token among them is 3 % at most."""

MOST_MARKUP = 12
"""How many tokens of markup a tool call may have, besides a quarter of what is seen of it."""

FEWEST_OF_CALL = 8
"""How many chunks a tool call must have to be compared with its tokens."""


def output_tokens_per_second(meter: ResponseMeter, waits: Distribution | None, facts: Response | None) -> float | None:
    """The speed of a complete response, in tokens per second.

    Args:
        meter: Its measurements.
        waits: The waits between its chunks; `None` if they are not known.
        facts: What it says of itself.
    """
    usage = None if facts is None else facts.usage
    if facts is None or usage is None or waits is None or meter.first_chunk is None:
        return None
    thinking = [part for part in meter.parts if part.role == 'thinking']
    thought = sum(part.chunks for part in thinking)
    if not usage.reasoning_tokens and not all(part.chunks for part in thinking):
        # Some was hidden, and nobody says how much.
        return None
    if usage.reasoning_tokens and any(_is_inside(part, meter) for part in thinking):
        # Nobody says how much of the time it took.
        return None
    began, size, first_size = meter.first_chunk, facts.answer_size + facts.thinking_size, meter.first_size
    tokens, chunks = usage.output_tokens - usage.reasoning_tokens, meter.chunks
    if thought and usage.reasoning_tokens:
        # What is seen of it may be a summary: the answer alone has a pace.
        if meter.first_output is None:
            return None
        began, size, first_size = meter.first_output, facts.answer_size, meter.first_output_size
        chunks -= thought
    window = meter.last_chunk - began - meter.native_at_last
    if window < SHORTEST_WINDOW or _came_in_pieces(waits) or _has_no_clear_end(meter, window):
        return None
    written = _written(tokens, chunks, size, first_size, calls=_calls_only(meter))
    return written / window if written is not None and written > 0 else None


def _written(tokens: int, chunks: int, size: int, first_size: int, *, calls: int | None) -> float | None:
    """How many tokens were written after the first chunk.

    Args:
        tokens: Those that are not hidden reasoning.
        chunks: How many chunks they came in.
        size: How many characters they have.
        first_size: How many of those the first chunk has.
        calls: How many tool calls there are, if the answer has nothing else.
    """
    if tokens <= chunks + 1:
        return min(tokens, chunks) - 1.0
    may_be_single = size <= LONGEST_TOKEN * chunks
    if calls is not None:
        is_one_by_one = may_be_single and chunks >= FEWEST_OF_CALL and tokens <= 1.25 * chunks + MOST_MARKUP
        return chunks - 1.0 if calls == 1 and is_one_by_one else None
    if may_be_single or not first_size or tokens < max(FEWEST_IN_CHUNKS, FAR_FEWER * chunks):
        return None
    return tokens * (1 - first_size / size)


def _calls_only(meter: ResponseMeter) -> int | None:
    roles = [part.role for part in meter.parts if part.chunks and part.role != 'thinking']
    return None if 'answer' in roles else len(roles)


def _is_inside(thinking: Part, meter: ResponseMeter) -> bool:
    """Whether it came after the answer had begun, and before its end."""
    return meter.first_output is not None and meter.first_output < thinking.started < meter.last_chunk


def _came_in_pieces(waits: Distribution) -> bool:
    """Whether the chunks came in pieces out of a buffer, a proxy's or the network's, whose pace is not the model's."""
    real = sum(count for number, count in waits.buckets if number > _SHORTEST)
    return real < min(MANY_WAITS, waits.total / 2)


def _has_no_clear_end(meter: ResponseMeter, window: float) -> bool:
    """Whether the first chunks or the last came at once, because the client stood still or the network did."""
    few, shortest, waits = meter.chunks / MANY_WAITS, max(SHORTEST_WAIT, window / meter.chunks / 2), meter.longest_waits
    if not waits:
        return False
    at_first = next((wait.chunks_before - 1 for wait in waits if wait.seconds >= shortest), 0)
    at_last = meter.chunks - waits[-1].chunks_before - 1
    ended_at_once = meter.last_chunk - waits[-1].ended < at_last * shortest
    return at_first > few or (ended_at_once and at_last > few)
