"""The section of docs/accuracy-tables.md about real servers."""

from __future__ import annotations

import os
import platform
import statistics
from importlib.metadata import version
from typing import TYPE_CHECKING

from support.doors import DOORS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from judges.cases import Case
    from judges.ordinary import Ordinary
    from judges.targets import Target
    from judges.trial import Trial

ANSWERS = ('model', 'format', 'answer', 'speed shown', 'uneven', 'tokens per second', 'time to first token', '')
AT_DOORS = ('door', 'answers', 'tokens per second', 'time to first token')
CASES = ('case', 'door', 'expected', 'tokens per second', 'time to first token', '')

TEXT = """{introduction}

Written with streamtap {streamtap}, pydantic-ai {pydantic_ai}, {servers}, CPython {python}.
In the last five minutes the load of the machine was {load:.1f}, the servers and the agents included, on {processors} processors.

### Ordinary answers

{answers}

The same by door:

{doors}

### What goes otherwise

{cases}
"""


def milliseconds(trials: Sequence[Trial]) -> str:
    """The median and the worst error of the time to first token, a dash if there is none."""
    return _spread(trials, lambda trial: trial.ttft_error, lambda error: f'{error * 1e3:+.1f} ms')


def percent(trials: Sequence[Trial]) -> str:
    """The median and the worst error of the speed; absent if none is shown."""
    return _spread(trials, lambda trial: trial.speed_error, lambda error: f'{error:+.1%}', nothing='absent')


def _spread(
    trials: Sequence[Trial],
    error: Callable[[Trial], float | None],
    written: Callable[[float], str],
    *,
    nothing: str = '-',
) -> str:
    known = [found for trial in trials if (found := error(trial)) is not None]
    if not known:
        return nothing
    if len(known) == 1:
        return written(known[0])
    return f'{written(statistics.median(known))}, {written(max(known, key=abs))}'


def of_answers(row: Ordinary) -> tuple[str, ...]:
    """The cells of the answers of one kind in one format."""
    shown = f'{row.shown} of {len(row.trials)}'
    wrong = 'WRONG: ' + '; '.join(row.faults) if row.faults else ''
    uneven = str(sum(trial.uneven for trial in row.trials))
    return row.model, row.format, row.kind, shown, uneven, percent(row.trials), milliseconds(row.trials), wrong


def of_case(case: Case) -> tuple[str, ...]:
    """The cells of a case."""
    wrong = 'WRONG: ' + '; '.join(case.faults) if case.faults else ''
    return case.what, case.door, case.expected, percent(case.trials), milliseconds(case.trials), wrong


def section(answers: Sequence[Ordinary], cases: Sequence[Case], target: Target) -> str:
    """The section.

    Args:
        answers: The ordinary answers.
        cases: The cases.
        target: What was judged.
    """
    doors: list[tuple[str, ...]] = []
    for door in DOORS:
        trials = [trial for row in answers for trial in row.trials if trial.door == door]
        doors.append((door, str(len(trials)), percent(trials), milliseconds(trials)))
    return TEXT.format(
        streamtap=version('streamtap'),
        pydantic_ai=version('pydantic-ai-slim'),
        introduction=target.introduction,
        servers=', '.join(package.replace('==', ' ') for package in target.packages),
        python=platform.python_version(),
        load=os.getloadavg()[1],
        processors=os.cpu_count(),
        answers=_table(ANSWERS, map(of_answers, answers)),
        doors=_table(AT_DOORS, doors),
        cases=_table(CASES, map(of_case, cases)),
    )


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = ['| ' + ' | '.join(row) + ' |' for row in rows]
    return '\n'.join(['| ' + ' | '.join(head) + ' |', '|---' * len(head) + '|', *lines])
