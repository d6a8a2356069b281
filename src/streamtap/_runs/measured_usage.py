"""Whether the tokens of a response are its provider's last word on them, and what is missing if they are not."""

from __future__ import annotations

import contextlib
import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from streamtap._meter.response import ResponseMeter
    from streamtap._records.records import RequestOutcome, ResponseRecord, UnmeasuredReason
    from streamtap._upstream.model_responses import Response

logger = logging.getLogger('streamtap')

MOST_BEFORE = 3
"""How many chunks with usage may precede the first event: one with the role, one with the content, one without."""

SHORTEST_PROMPT = 8
"""Tokens; any number is a multiple of a shorter prompt."""

FEWEST_TIMES = 5
"""How often a prompt must be counted after the first event: a turn that its provider pauses counts it again a few times."""

MAX_WARNED = 100
"""About how many models it is said that they repeat their usage."""

_OF_CHAT = frozenset({'text', 'thinking', 'tool-call'})
"""The parts of a response for which the model reads its prompt once."""


def why_unmeasured(
    outcome: RequestOutcome, facts: Response | None, meter: ResponseMeter, *, repeated: bool
) -> UnmeasuredReason | None:
    """Why the tokens of a response are absent or too few; `None` if they are not, or if there was no response.

    Args:
        outcome: How its request ended.
        facts: What the response says of itself.
        meter: Its measurements.
        repeated: Whether what it says of its usage is wrong, as `is_repeated` tells.
    """
    if repeated:
        return 'repeated'
    has_usage = facts is not None and facts.usage is not None
    # A door may not see the end of a response that pydantic-ai reads to its end all the same.
    if outcome == 'success' or (outcome == 'incomplete' and facts is not None and facts.is_complete):
        if facts is None or facts.usage is None:
            return 'not_reported'
        return None if facts.is_usage_final else 'interrupted'
    return 'interrupted' if has_usage or meter.first_event is not None else None


def is_repeated(first: int | None, facts: Response | None, meter: ResponseMeter) -> bool:
    """Whether a server said the usage so far in each chunk, and pydantic-ai added up what it said.

    The prompt is then counted once per chunk: its tokens grow while the answer streams, from a small multiple of the
    prompt to one that is about the number of chunks. No other provider's do without native tools.

    Args:
        first: The tokens of the prompt as they were reported when the first event came, if any were.
        facts: What the response says of itself in the end.
        meter: Its measurements.
    """
    usage = None if facts is None else facts.usage
    if not first or usage is None or any(part.kind not in _OF_CHAT for part in meter.parts):
        return False
    for before in range(1, MOST_BEFORE + 1):
        prompt, times = first // before, usage.input_tokens // max(1, first // before)
        is_multiple = prompt >= SHORTEST_PROMPT and first == before * prompt and usage.input_tokens == times * prompt
        if is_multiple and times - before >= FEWEST_TIMES and meter.chunks / 2 <= times <= 2 * meter.chunks + 4:
            return True
    return False


class RepeatedUsageWarning:
    """Says once per model that its server repeats its usage, and what cures that."""

    def __init__(self) -> None:
        self._warned: set[tuple[str, str]] = set()

    def __call__(self, record: ResponseRecord) -> None:
        """Warn of the model of a response, unless that was done."""
        model = record.provider, record.model
        if record.unmeasured != 'repeated' or model in self._warned or len(self._warned) >= MAX_WARNED:
            return
        self._warned.add(model)
        with contextlib.suppress(Exception):
            logger.warning(
                'streamtap: the server of %s:%s says its usage so far in each chunk, and Pydantic AI adds that up, so '
                'its tokens and cost are left out; set openai_continuous_usage_stats=True in the model settings',
                *model,
            )
