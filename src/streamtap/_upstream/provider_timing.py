"""What a provider says about its own time, where pydantic-ai lets it through.

That is response data that it does not map, which `openai_include_unmapped_response_data` keeps; headers of responses it
does not hand on.
"""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING, cast

from streamtap._upstream.reading import read

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

LAST_CHUNKS = 8
"""How many chunks at the end of a stream are looked at: what sums it up comes last."""

MAX_SECONDS = 10**6
"""A time above this is invalid."""

_PLACES = (('timings',), ('time_info',), ('x_groq', 'usage'))
"""Where servers put them: llama.cpp, Cerebras, Groq."""

_NAMES = {
    'queue_time': ('queue', 1.0),
    'prompt_time': ('prompt', 1.0),
    'completion_time': ('completion', 1.0),
    'prompt_ms': ('prompt', 1e-3),
    'predicted_ms': ('completion', 1e-3),
}
"""What the servers call them, and how many seconds one is."""


def timing_of(details: object) -> dict[str, float]:
    """The seconds that a provider says it took, by what for: `queue`, `prompt` and `completion`.

    Args:
        details: What pydantic-ai keeps of the provider's own about a response.
    """
    # Nearly every response has none.
    if 'unmapped' not in _of(details):
        return {}
    for said in _unmapped(details):
        for place in _PLACES:
            found: object = said
            for name in place:
                found = _of(found).get(name)
            timing = {
                kind: seconds
                for name, (kind, unit) in _NAMES.items()
                if (seconds := _seconds(_of(found).get(name), unit)) is not None
            }
            if timing:
                return timing
    return {}


def retry_after(error: BaseException) -> float | None:
    """In how many seconds the provider that refused a request wants to be asked again; `None` if it did not say."""
    return _seconds(read(error, 'retry_after'), 1.0)


def _unmapped(details: object) -> Iterator[object]:
    """The unmapped fields of a response, of a stream those of its last chunks, from the end."""
    unmapped = _of(_of(details).get('unmapped'))
    yield unmapped.get('response')
    chunks = unmapped.get('chunks')
    if isinstance(chunks, list):
        for chunk in itertools.islice(reversed(cast('list[object]', chunks)), LAST_CHUNKS):
            yield _of(chunk).get('response')


def _of(value: object) -> Mapping[str, object]:
    return cast('dict[str, object]', value) if isinstance(value, dict) else {}


def _seconds(value: object, unit: float) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        return None
    return value * unit if 0 <= value <= MAX_SECONDS else None
