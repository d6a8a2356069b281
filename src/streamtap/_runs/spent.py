"""What one run has used so far, without the runs that it called."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from streamtap._records.known import sum_known

if TYPE_CHECKING:
    from streamtap._records.records import ResponseRecord


@dataclass(slots=True)
class Spent:
    """Requests that are over, with what their providers say of them."""

    requests: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    unmeasured_responses: int = 0
    cost_usd: float | None = None

    def add(self, record: ResponseRecord) -> None:
        """Add a request."""
        self.requests += 1
        self.input_tokens += record.input_tokens or 0
        self.output_tokens += record.output_tokens or 0
        self.unmeasured_responses += record.unmeasured is not None
        self.cost_usd = sum_known(self.cost_usd, record.cost_usd)
