"""The rows of what is open: what a request or a tool call has done so far, and what it is doing now."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamtap._display.cut_off import silence_until_now
from streamtap._display.text import model_name
from streamtap._records.live import LiveTool
from streamtap._web.plain_data import short

if TYPE_CHECKING:
    from collections.abc import Iterator

    from streamtap._records.live import LiveResponse
    from streamtap._web.plain_data import Document, Json


def open_row(one: LiveResponse | LiveTool, age: float) -> Document:
    """The row of an open request or tool call.

    Args:
        one: The request or the call.
        age: For how many seconds its run is open.
    """
    seconds = 0.0 if one.age is None else one.age
    start = max(0.0, age - seconds)
    row: Document = {
        'start': short(start),
        'duration': short(seconds),
        'outcome': 'running',
        'failed': False,
        'error': None,
        'marks': [],
    }
    if isinstance(one, LiveTool):
        bar = ('tool', row['start'], row['duration'])
        return row | {'sort': 'tool', 'name': one.tool, 'kind': one.kind, 'bars': [bar]}
    silent = 0.0 if one.stalled else silence_until_now(one)
    bars: list[Json] = [
        (kind, short(began), short(took)) for kind, began, took in _open_bars(one, start, seconds, seconds - silent)
    ]
    if one.stalled == 'mid_stream' and one.wait is not None:
        bars.append(('stall', short(age - one.wait), short(one.wait)))
    return row | {
        'sort': 'request',
        'name': model_name(one.provider, one.model),
        'streamed': one.streamed,
        'chunks': one.chunks,
        'thinks': bool(one.chunks) and one.since_first_output is None,
        'silent': bool(silent),
        'stalled': one.stalled,
        'bars': bars,
    }


def _open_bars(one: LiveResponse, start: float, seconds: float, until: float) -> Iterator[tuple[str, float, float]]:
    """What happened so far, when it began and how long it took; the parts of what is written are not known yet.

    Args:
        one: The open request.
        start: When it began.
        seconds: For how long it is open.
        until: After how many of them a model fell silent that is silent now.
    """
    if not one.streamed:
        yield 'model', start, seconds
    elif one.since_first_chunk is None:
        yield 'waiting', start, seconds
    else:
        waited = max(0.0, seconds - one.since_first_chunk)
        yield 'waiting', start, waited
        # Both were read at the same moment: where the first chunk was output, nothing is left of the difference.
        thought = one.since_first_chunk - (one.since_first_output or seconds - until)
        if thought > 0:
            yield 'thinking', start + waited, thought
        if one.since_first_output is not None:
            yield 'streaming', start + waited + thought, max(0.0, until - waited - thought)
