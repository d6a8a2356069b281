"""What every run of a tap shares."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from streamtap._base.clock import Moments

if TYPE_CHECKING:
    from collections.abc import Callable

    from streamtap._base.clock import Clock
    from streamtap._delivery.dispatch import Dispatch
    from streamtap._delivery.redaction import Redaction
    from streamtap._delivery.tracing import Tracing
    from streamtap._records.records import ResponseRecord
    from streamtap._runs.objectives import Objectives
    from streamtap._runs.price import Pricing
    from streamtap._runs.prompts import Conversations
    from streamtap._runs.questions import Questions
    from streamtap._runs.tool_errors import ToolErrors


class Shared(NamedTuple):
    """The clock, where records go, how they are priced, traced and redacted, and the thresholds."""

    clock: Clock
    out: Dispatch
    price: Pricing
    tool_errors: ToolErrors
    conversations: Conversations
    questions: Questions
    objectives: Objectives | None
    service_version: str | None
    warn_repeated: Callable[[ResponseRecord], None]
    tracing: Tracing
    redact: Redaction
    stall_after: float
    slow_start_after: float

    def read_clocks(self) -> Moments:
        """The two clocks, read together."""
        return Moments(self.clock.monotonic(), self.clock.unix_ns())
