"""One answer of a server, as the tap recorded it, beside what the wire and the server say of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING

from judges.agents import Tapped, run
from judges.said import said
from judges.shapes import ONE_BY_ONE

if TYPE_CHECKING:
    from pydantic_ai.models import Model

    from judges.answers import Asked
    from judges.said import Said
    from judges.servers import Counts, Server, WireLog
    from judges.wire import Exchange
    from streamtap import ResponseRecord
    from support.doors import Door

TTFT = 0.05
"""Seconds by which the time to first token, and the longest gap, may differ from the wire's."""

SPEED = 0.03
"""Share by which the tokens per second may differ from the server's."""

FEWEST = 5
"""Tokens on the wire from which on they have a pace."""

TRIES = 3
"""A machine that stands still for a moment disturbs one try, and not three; what is wrong is wrong each time."""


@dataclass
class Trial:
    """What was recorded of an answer, and how far it is from the truth.

    Args:
        record: What the tap recorded.
        exchange: What passed the wire.
        door: The door of the tap.
        true_speed: Tokens per second, as the server measured its own work; `None` if it wrote too few.
        uneven: Whether it is the wire's pace of what is seen, because the server's own was not the same all the time.
        faults: What is wrong.
    """

    record: ResponseRecord
    exchange: Exchange
    door: Door
    true_speed: float | None = None
    uneven: bool = False
    faults: list[str] = field(default_factory=list[str])

    @property
    def ttft_error(self) -> float | None:
        """Seconds by which the time to first token is more than from the request on the wire to the first content."""
        contents, seen = said(self.exchange).contents, self.record.time_to_first_token
        return None if not contents or seen is None else seen - (contents[0] - self.exchange.asked)

    @property
    def gap_error(self) -> float | None:
        """Seconds by which the longest gap between two chunks is more than between two contents on the wire."""
        contents, seen = said(self.exchange).contents, self.record.max_inter_chunk_latency
        gaps = [after - before for before, after in pairwise(contents)]
        return None if not gaps or seen is None else seen - max(gaps)

    @property
    def speed_error(self) -> float | None:
        """Share by which the speed is more than the true one; `None` if none is shown."""
        shown = self.record.output_tokens_per_second
        return None if shown is None or self.true_speed is None else shown / self.true_speed - 1

    def compare(self, what: str, seen: object, true: object) -> None:
        """Note a value that is not what it must be."""
        if seen != true:
            self.faults.append(f'{what}: {seen!r} instead of {true!r}')

    def judge_times(self, first_token: float = TTFT) -> None:
        """Note a time to first token, a longest gap or a speed that is too far from the truth.

        Args:
            first_token: Seconds by which the time to first token, and the longest gap, may differ.
        """
        if self.gap_error is not None and abs(self.gap_error) > first_token:
            self.faults.append(f'the longest gap is off by {self.gap_error * 1e3:.0f} ms')
        if self.ttft_error is not None and abs(self.ttft_error) > first_token:
            self.faults.append(f'time to first token is off by {self.ttft_error * 1e3:.0f} ms')
        if self.speed_error is not None and abs(self.speed_error) > SPEED:
            self.faults.append(f'tokens per second are off by {self.speed_error:.1%}')


@dataclass(frozen=True)
class Served:
    """A server that does nothing else, and the model that reaches it through the wire.

    Args:
        server: The server.
        log: The wire.
        asked_of: The model.
    """

    server: Server
    log: WireLog
    asked_of: Model


async def answered(
    question: Asked, door: Door, served: Served, first_token: float = TTFT, *, paced: bool = False
) -> Trial:
    """Let a server answer, and compare; again if something is wrong.

    Args:
        question: What it is asked.
        door: The door of the tap.
        served: The server.
        first_token: Seconds by which the time to first token may differ.
        paced: Whether to ask again if no speed is shown.
    """
    for _ in range(TRIES - 1):
        trial = await _once(question, door, served, first_token)
        if not trial.faults and not (paced and trial.speed_error is None):
            return trial
    return await _once(question, door, served, first_token)


async def _once(question: Asked, door: Door, served: Served, first_token: float) -> Trial:
    tapped, before = Tapped.new(), served.server.idle_counts()
    await run(question, served.asked_of, door, tapped)
    tapped.tap.close()
    counted = served.server.idle_counts().since(before)
    (exchange,) = served.log.new(1)
    (record,) = tapped.memory.responses
    trial = Trial(record, exchange, door)
    _tokens(trial, said(exchange), counted)
    if served.log.shape in ONE_BY_ONE:
        _same_stretch(trial, said(exchange))
    trial.judge_times(first_token)
    trial.compare('faults of the tap', tapped.memory.faults, [])
    return trial


def _tokens(trial: Trial, wire: Said, counted: Counts) -> None:
    """Compare counts with the wire's and the server's; take the speed from the server."""
    record, written = trial.record, counted.output_tokens
    trial.compare('output tokens', record.output_tokens, wire.output_tokens)
    trial.compare("output tokens, by the server's counters", record.output_tokens, written)
    trial.compare('input tokens', record.input_tokens, wire.input_tokens)
    trial.compare("input tokens, by the server's counters", record.input_tokens, counted.input_tokens)
    trial.compare('cached tokens', record.cache_read_tokens, wire.cached_tokens)
    trial.compare("cached tokens, by the server's counters", record.cache_read_tokens, counted.cached_tokens)
    trial.compare('finish reason', record.finish_reason, wire.finish)
    trial.compare('outcome', record.outcome, 'success')
    if written > 1:
        # Its clock runs from the first token to the last, so there is one token less than it has written.
        trial.true_speed = (written - 1) / counted.decode_seconds


def _same_stretch(trial: Trial, wire: Said) -> None:
    """Where the server's own speed is missed, and its pace was uneven, as on a busy machine, take that of what is seen."""
    # After the name of a tool there is hidden markup.
    skipped = 2 if any(part.tool for part in trial.record.parts) else 0
    seen = wire.contents[skipped:]
    is_missed = trial.speed_error is not None and abs(trial.speed_error) > SPEED
    if is_missed and len(seen) > FEWEST and trial.true_speed is not None:
        pace = (len(seen) - 1) / (seen[-1] - seen[0])
        if abs(pace / trial.true_speed - 1) > SPEED:
            trial.true_speed, trial.uneven = pace, True
