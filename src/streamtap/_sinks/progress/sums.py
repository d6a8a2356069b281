"""What finished responses add up to, and what they say about those that are being written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamtap._records.known import sum_known

if TYPE_CHECKING:
    from streamtap._records.live import LiveResponse
    from streamtap._records.records import ResponseRecord

MAX_MODELS = 200
"""How many models' tokens per chunk are remembered."""

SHORTEST_WAIT = 0.001
"""Seconds; chunks that come closer together come out of a buffer, whose pace is not the model's."""

UNKNOWN = 1.0
"""Tokens per chunk of a model of which nothing has ended yet."""


class Sums:
    """Sums over the finished responses of a run, and of those that it called.

    Args:
        parent: The run that called it.
    """

    def __init__(self, parent: str | None = None) -> None:
        self.parent = parent
        self.tokens = 0
        self.cost_usd: float | None = None
        self._written = 0.0
        self._seconds = 0.0

    def spend(self, record: ResponseRecord) -> None:
        """Add what a response used, also one of a run that this one called."""
        self.tokens += record.output_tokens or 0
        self.cost_usd = sum_known(self.cost_usd, record.cost_usd)

    def add_response(self, record: ResponseRecord) -> None:
        """Add a response of its own, and its speed."""
        self.spend(record)
        if record.output_tokens_per_second and record.inter_chunk_latency_sum:
            self._written += record.output_tokens_per_second * record.inter_chunk_latency_sum
            self._seconds += record.inter_chunk_latency_sum

    @property
    def speed(self) -> float | None:
        """Output tokens per second over the responses whose speed is known, each for as long as it was being written."""
        return self._written / self._seconds if self._seconds else None


class Estimates:
    """Estimates of what is being written: its chunks, times the tokens that a chunk of its model had so far."""

    def __init__(self) -> None:
        self._of_models: dict[tuple[str, str], tuple[float, int]] = {}

    def learn(self, record: ResponseRecord) -> None:
        """Learn from a response that has ended how many tokens a chunk of its model has."""
        key, (tokens, chunks) = (record.provider, record.model), _seen(record)
        if tokens > 0 and chunks and (key in self._of_models or len(self._of_models) < MAX_MODELS):
            tokens_before, chunks_before = self._of_models.get(key, (0.0, 0))
            self._of_models[key] = tokens_before + tokens, chunks_before + chunks

    def tokens(self, response: LiveResponse) -> int:
        """How many tokens it has written by now."""
        return round(response.chunks * self._per_chunk(response))

    def speed(self, response: LiveResponse) -> float | None:
        """How fast it is written; `None` if that is not known: of one chunk, or where they come out of a buffer."""
        since_first, window = response.chunks - 1, response.window
        if not window or since_first < 1 or window < SHORTEST_WAIT * since_first:
            return None
        return since_first / window * self._per_chunk(response)

    def _per_chunk(self, response: LiveResponse) -> float:
        tokens, chunks = self._of_models.get((response.provider, response.model), (UNKNOWN, 1))
        return tokens / chunks


def _seen(record: ResponseRecord) -> tuple[float, int]:
    """Tokens of a response that came in chunks, and how many chunks these were; none if that is not known."""
    if record.output_tokens_per_second and record.inter_chunk_latency_sum:
        return record.output_tokens_per_second * record.inter_chunk_latency_sum, record.chunks - 1
    if record.outcome != 'success' or not record.usage_complete or not record.output_tokens:
        return 0, 0
    kinds = {part.kind for part in record.parts}
    hides_thinking = any(part.kind == 'thinking' and not part.chunks for part in record.parts)
    if not kinds <= {'text', 'thinking'} or (hides_thinking and not record.reasoning_tokens):
        # A call has tokens that are in no chunk, and nobody says how many these or hidden ones are.
        return 0, 0
    hidden = 0 if 'thinking' in kinds and not hides_thinking else record.reasoning_tokens or 0
    return record.output_tokens - hidden, record.chunks
