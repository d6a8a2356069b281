"""How far a run has got."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from streamtap._display.exits import in_sentence
from streamtap._display.text import dollars, rate, seconds

if TYPE_CHECKING:
    from streamtap._records.records import RunOutcome


@dataclass(frozen=True, slots=True, kw_only=True)
class RunProgress:
    """How far a run has got; print it for one line, in which `~` stands before an estimate.

    Args:
        run_id: The run's id.
        parent_run_id: The id of the run that called it.
        agent: The agent's name.
        elapsed: Seconds since the run began; `None` if it has ended and nobody knows when.
        doing: What the run is doing: `waiting` for the model's first chunk, `thinking`, `streaming`, `silent` (it
            wrote nothing for half a second or more, and longer than ever in this response), `answering` (waiting for a request
            that does not stream), running `tools`, `other` in between, or `ended`.
        names: The model that is being asked, or the tools that are running.
        chunks: How many chunks of the current response have arrived.
        tokens_per_second: How fast the model writes: an estimate while it streams, otherwise the speed of the run's
            finished responses; `None` where neither is known.
        is_estimate: Whether that speed is an estimate: chunks per second, times the tokens that a chunk of this model had
            so far, or one token if none of its responses has ended.
        output_tokens: Output tokens of the finished requests, as the provider counts them, with those of runs that it
            called.
        estimated_tokens: An estimate of what the open ones have written by now: their chunks, times the same; 0 if none
            streams.
        cost_usd: Cost of the finished requests, with those of runs that it called, if known.
        silent_for: Seconds for which the model has been silent, if the run is waiting for it.
        is_stalled: Whether that is longer than the tap's `stall_after`, or `slow_start_after` before the first chunk.
        outcome: How the run ended; `None` while it is in progress.
    """

    run_id: str
    parent_run_id: str | None
    agent: str
    elapsed: float | None
    doing: Literal['waiting', 'thinking', 'streaming', 'silent', 'answering', 'tools', 'other', 'ended']
    names: tuple[str, ...] = ()
    chunks: int = 0
    tokens_per_second: float | None = None
    is_estimate: bool = False
    output_tokens: int = 0
    estimated_tokens: int = 0
    cost_usd: float | None = None
    silent_for: float | None = None
    is_stalled: bool = False
    outcome: RunOutcome | None = None

    def __str__(self) -> str:
        return '  '.join(filter(None, [in_sentence(self.agent), *self.details()]))

    def details(self) -> tuple[str, str, str, str, str]:
        """The rest of the line: time, what it is doing, speed, tokens so far and cost; what is not known is empty."""
        speed, tokens = self.tokens_per_second, self.output_tokens + self.estimated_tokens
        has_ended = self.outcome is not None
        return (
            seconds(self.elapsed),
            self._doing(),
            '' if speed is None or self._is_silent else f'{_about(self.is_estimate)}{rate(speed)} tokens/s',
            f'{_about(self.estimated_tokens)}{tokens:,} tokens' if tokens else '',
            dollars(self.cost_usd) if has_ended and self.cost_usd is not None else '',
        )

    @property
    def _is_silent(self) -> bool:
        return self.is_stalled or self.doing == 'silent'

    def _doing(self) -> str:
        names = ', '.join(in_sentence(name) for name in self.names)
        if self.outcome is not None:
            return self.outcome
        if self._is_silent:
            return f'{names} silent for {seconds(self.silent_for)}'
        said = {
            'waiting': f'waits for {names}',
            'answering': f'waits for {names}',
            'thinking': f'{names} thinks',
            'streaming': f'{names} writes',
            'tools': f'runs {names}',
        }
        return said.get(self.doing, '...')


def _about(is_estimate: object) -> str:
    return '~' if is_estimate else ''
