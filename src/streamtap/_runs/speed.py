"""Output tokens per second: how fast the model wrote what was seen being written; nothing where that cannot be known.

Only tokens whose chunks were seen have a pace: neither hidden reasoning, nor what the first chunk holds, nor the markup
of a tool call, nor the token that ends an answer. Where there are as many chunks as tokens, each chunk is one. Where there
are far fewer, the tokens of the first are its share of all characters. In between some tokens were hidden, nobody knows
where, and there is no speed.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING

from streamtap._records.distribution import BOUNDS

if TYPE_CHECKING:
    from streamtap._meter.response import ResponseMeter
    from streamtap._records.distribution import Distribution
    from streamtap._upstream.model_responses import Response

SHORTEST_WINDOW = 0.001
"""Seconds between first and last chunk below which a speed is meaningless."""

SHORTEST_WAIT = 0.001
"""Seconds; chunks that come closer together come in one piece, out of a buffer: nobody waited for the model."""

_SHORTEST = bisect_left(BOUNDS, SHORTEST_WAIT)

MANY_WAITS = 30
"""With so many waits, chunks that come in pieces change the speed by 3 % at most."""

FAR_FEWER = 1.5
"""Tokens per chunk from which on a chunk is taken to hold several."""

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
    if thinking and not thought and not usage.reasoning_tokens:
        # It was hidden, and nobody says how much there was.
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
    if window < SHORTEST_WINDOW or _came_in_pieces(waits):
        return None
    written = _written(tokens, chunks, first_size / size if size else 0.0, calls=_calls_only(meter))
    return written / window if written is not None and written > 0 else None


def _written(tokens: int, chunks: int, first_share: float, *, calls: int | None) -> float | None:
    """How many tokens were written after the first chunk.

    Args:
        tokens: Those that are not hidden reasoning.
        chunks: How many chunks they came in.
        first_share: The first chunk's share of all characters.
        calls: How many tool calls there are, if the answer has nothing else.
    """
    if tokens <= chunks + 1:
        return min(tokens, chunks) - 1.0
    if calls is not None:
        is_one_by_one = chunks >= FEWEST_OF_CALL and tokens <= 1.25 * chunks + MOST_MARKUP
        return chunks - 1.0 if calls == 1 and is_one_by_one else None
    return tokens * (1 - first_share) if tokens >= FAR_FEWER * chunks and first_share else None


def _calls_only(meter: ResponseMeter) -> int | None:
    roles = [part.role for part in meter.parts if part.chunks and part.role != 'thinking']
    return None if 'answer' in roles else len(roles)


def _came_in_pieces(waits: Distribution) -> bool:
    """Whether the chunks came in pieces out of a buffer, a proxy's or the network's, whose pace is not the model's."""
    real = sum(count for number, count in waits.buckets if number > _SHORTEST)
    return real < min(MANY_WAITS, waits.total / 2)
