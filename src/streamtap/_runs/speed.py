"""Output tokens per second: how fast the model wrote what was seen being written; nothing where that cannot be known.

Only tokens whose chunks were seen have a pace: neither hidden reasoning, nor what the first chunk holds, nor the markup
of a tool call, nor the token that ends an answer. Where there are as many chunks as tokens, each chunk is one. In a tool
call some tokens are hidden, but where its chunks are as small as tokens they are tokens, with markup before and after.
Where chunks are far larger, the tokens of the first are its share of the whole. In between there is no speed.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING

from streamtap._meter.response import SHORTEST_WAIT
from streamtap._records.distribution import BOUNDS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from streamtap._meter.parts import Part
    from streamtap._meter.response import ResponseMeter
    from streamtap._records.distribution import Distribution
    from streamtap._upstream.model_responses import Response

SHORTEST_WINDOW = 0.001
"""Seconds between first and last chunk below which a speed is meaningless."""

_SHORTEST = bisect_left(BOUNDS, SHORTEST_WAIT)

CERTAIN = 0.03
"""The share of the window within which its ends must be certain."""

FAR_FEWER = 1.5
"""Tokens per chunk from which on a chunk may hold several."""

LONGEST_TOKEN = 6.0
"""Bytes; chunks that have no more on average may be single tokens, whose average is about four in any language."""

FEWEST_IN_CHUNKS = 32
"""How many tokens chunks of several must have together, so that an end token among them is 3 % at most."""

TWO_TOKENS = (1.6, 2.5)
"""Between so many typical waits, a wait in a call was for two tokens: a parser keeps white space back."""

MOST_KEPT_BACK = 0.1
"""The share of the tokens that may be kept back; where more waits are double, they are not for that."""

FEWEST_OF_CALL = 5
"""How many chunks with a pace the tool calls of a response must have."""


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
    tokens, chunks, parts = usage.output_tokens - usage.reasoning_tokens, meter.chunks, meter.parts
    if thought and usage.reasoning_tokens:
        # What is seen of it may be a summary: the answer alone has a pace.
        if meter.first_output is None:
            return None
        began, size, first_size = meter.first_output, facts.answer_size, meter.first_output_size
        chunks -= thought
        parts = [part for part in parts if part.role != 'thinking']
    window = meter.last_chunk - began - meter.native_at_last
    if window < SHORTEST_WINDOW or _came_in_pieces(waits):
        return None
    if tokens <= chunks + 1:
        is_certain = _is_certain(waits, window) and not _has_no_clear_end(meter, waits, window)
        return _positive((min(tokens, chunks) - 1.0) / window) if is_certain else None
    may_be_single = size <= LONGEST_TOKEN * chunks
    if any(part.chunks and part.role in ('call', 'output_call') for part in parts):
        return _pace(parts, waits) if may_be_single and size else None
    if may_be_single or not first_size or tokens < max(FEWEST_IN_CHUNKS, FAR_FEWER * chunks):
        return None
    return _positive(tokens * (1 - first_size / size) / window)


def _positive(speed: float) -> float | None:
    return speed if speed > 0 else None


def _pace(parts: Sequence[Part], waits: Distribution) -> float | None:
    """The pace within the parts, whose chunks are tokens; between them there may be any number of hidden ones."""
    paced = [(part, part.paced_from) for part in parts if part.chunks > part.unpaced and part.paced_from is not None]
    written = sum(part.chunks - part.unpaced for part, _ in paced)
    seconds = sum(part.last_chunk - began for part, began in paced)
    if written < FEWEST_OF_CALL or seconds < SHORTEST_WINDOW or not _is_certain(waits, seconds):
        return None
    kept_back = _kept_back(waits, calls=len(paced))
    return (written + kept_back) / seconds if kept_back <= MOST_KEPT_BACK * written else None


def _kept_back(waits: Distribution, *, calls: int) -> int:
    """How many tokens came with another one; where a chunk was taken late, a short wait makes up for a long one."""
    typical = waits.quantile(0.5) or 0.0
    double = short = 0
    for number, count in waits.buckets:
        size = BOUNDS[min(number, len(BOUNDS) - 1)] / typical
        double += count if TWO_TOKENS[0] < size < TWO_TOKENS[1] else 0
        short += count if size < TWO_TOKENS[0] - 1 else 0
    # The name of a tool and the first of its arguments may come together.
    return max(0, double - max(0, short - calls))


def _is_inside(thinking: Part, meter: ResponseMeter) -> bool:
    """Whether it came after the answer had begun, and before its end."""
    return meter.first_output is not None and meter.first_output < thinking.started < meter.last_chunk


def _came_in_pieces(waits: Distribution) -> bool:
    """Whether the chunks came in pieces out of a buffer, a proxy's or the network's, whose pace is not the model's."""
    short = sum(count for number, count in waits.buckets if number <= _SHORTEST)
    return short > waits.total / 2


def _has_no_clear_end(meter: ResponseMeter, waits: Distribution, window: float) -> bool:
    """Whether the first chunks or the last came at once, because the client stood still or the network did."""
    longest = meter.longest_waits
    if not longest:
        return False
    # Not by the mean alone: after a long silence of the model all others would be short.
    usual = min(window / meter.chunks, waits.quantile(0.75) or 0.0)
    few, shortest = CERTAIN * meter.chunks, max(SHORTEST_WAIT, usual / 2)
    at_first = next((wait.chunks_before - 1 for wait in longest if wait.seconds >= shortest), 0)
    at_last = meter.chunks - longest[-1].chunks_before - 1
    ended_at_once = meter.last_chunk - longest[-1].ended < at_last * shortest
    return at_first > few or (ended_at_once and at_last > few)


def _is_certain(waits: Distribution, window: float) -> bool:
    """Whether it is certain when the first and the last of many chunks came that are tokens.

    A chunk that its reader took late, for want of a processor, has a short wait after it; if many waits differ, the last
    chunk may have been taken late too. The longest ones say nothing: the model stalled, or wrote what is hidden.
    """
    spread = (waits.quantile(0.75) or 0.0) - (waits.quantile(0.1) or 0.0)
    return spread <= CERTAIN * window
