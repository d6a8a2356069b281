"""Ordinary answers in each format at each door: how near the numbers are, and how often a speed is shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from judges.agents import model
from judges.answers import Asked
from judges.trial import Served, Trial, answered
from support.doors import DOORS

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Sequence

    from judges.agents import Format
    from judges.answers import Kind
    from judges.servers import Server, WireLog

SHOWN = 0.9
"""The share of ordinary answers for which a speed has to be shown."""

QUESTIONS = (
    'What is tea?',
    'Who wrote Hamlet?',
    'Name a river.',
    'Why is the sky blue?',
    'Is fire hot?',
    'Name three birds.',
    'What is a tree?',
    'Where is Rome?',
    'How do ships float?',
    'What do bees eat?',
)
"""What a model that really answers is asked."""

LIMIT = 150
"""Tokens at which it has to stop."""


@dataclass(frozen=True)
class Ordinary:
    """The answers of one kind in one format.

    Args:
        model: The model's name.
        format: The format.
        kind: The kind.
        trials: Each answer.
    """

    model: str
    format: Format
    kind: Kind
    trials: Sequence[Trial]

    @property
    def shown(self) -> int:
        """For how many of the answers a speed is shown."""
        return sum(trial.speed_error is not None for trial in self.trials)

    @property
    def faults(self) -> list[str]:
        """What is wrong."""
        found = [f'{trial.door}: {fault}' for trial in self.trials for fault in trial.faults]
        if self.shown < SHOWN * len(self.trials):
            found.append(f'a speed is shown for {self.shown} of {len(self.trials)}')
        return found


def natural(kind: Kind, place: int, _: Server) -> Asked:
    """A question that a model answers as it likes."""
    limit = LIMIT if kind == 'text to its end' else 20 + 10 * place
    return Asked(kind, f'Answer in one short sentence. {QUESTIONS[place % len(QUESTIONS)]}', limit, {})


async def ordinary(
    name: str,
    question: Callable[[Kind, int, Server], Asked],
    formats: Sequence[Format],
    kinds: Sequence[Kind],
    server: Server,
    log: WireLog,
    answers: int,
) -> AsyncGenerator[Ordinary]:
    """Ask for answers of each kind in each format, at each door in turn.

    Args:
        name: The model's name.
        question: Makes a question of a kind.
        formats: The formats.
        kinds: The kinds.
        server: The server.
        log: The wire before it.
        answers: How many of each.
    """
    for format_ in formats:
        served = Served(server, log, model(format_, log.port))
        for kind in kinds:
            if format_ == 'anthropic' and kind == 'JSON schema':
                # pydantic-ai knows it of some models alone.
                continue
            # The first of a process makes the SDK import what it needs.
            await answered(question(kind, 0, server), 'handler', served)
            trials = [
                await answered(question(kind, place, server), DOORS[place % len(DOORS)], served, paced=True)
                for place in range(answers)
            ]
            yield Ordinary(name, format_, kind, trials)
