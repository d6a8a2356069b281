"""The results as tables and as JSON."""

from __future__ import annotations

import json
import platform
import sys
from dataclasses import dataclass, field
from importlib.metadata import distributions
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from bench.arms import BASE
from bench.peers import PACKAGES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.pairs import Added

BEGIN, END = '<!-- made by bench: begin -->\n', '<!-- made by bench: end -->\n'


@dataclass(frozen=True, slots=True)
class Results:
    """All that a bench found.

    Args:
        command: The command that made it.
        rounds: Rounds behind each median.
        added: What each arm adds, by measure.
        facts: Single figures, by measure and name.
    """

    command: str
    rounds: int
    added: list[Added] = field(default_factory=list['Added'])
    facts: dict[str, dict[str, float]] = field(default_factory=dict[str, dict[str, float]])

    def as_json(self) -> str:
        """Everything, for other programs."""
        shown = {
            'command': self.command,
            'rounds': self.rounds,
            'machine': machine(),
            'versions': versions(),
            'added': [each.as_json() for each in self.added],
            'facts': {
                name: {key: round(value, 4) for key, value in facts.items()} for name, facts in self.facts.items()
            },
        }
        return json.dumps(shown, indent=1, ensure_ascii=False) + '\n'

    def as_markdown(self) -> str:
        """Everything, for people."""
        lines = [
            f'Made by `{self.command}`: medians of {self.rounds} rounds, in brackets the middle half of them.',
            f'{machine()}; {", ".join(f"{name} {number}" for name, number in versions().items())}.',
            '',
        ]
        for measure, group in groupby(self.added, key=lambda each: each.measure):
            lines += _table(measure, list(group))
        for measure, facts in self.facts.items():
            lines += [f'### {measure}', '', '| what | figure |', '|---|---:|']
            lines += [f'| {name} | {value:,.4g} |' for name, value in facts.items()]
            lines.append('')
        return '\n'.join(lines)


def _table(measure: str, rows: Sequence[Added]) -> list[str]:
    lines = [f'### {measure[0].upper()}{measure[1:]}', '', f'| arm | added, {rows[0].unit} | |', '|---|---:|---:|']
    for row in rows:
        if row.arm == BASE.name:
            lines.append(f'| {row.arm} (the whole of it) | {_shown(row.base)} | |')
        else:
            lines.append(f'| {row.arm} | {_shown(row.median)} | [{_shown(row.low)}, {_shown(row.high)}] |')
    return [*lines, '']


def _shown(value: float) -> str:
    return f'{value:,.0f}' if abs(value) >= 100 else f'{value:.1f}' if abs(value) >= 10 else f'{value:.2f}'


def machine() -> str:
    """What it ran on."""
    processor = platform.machine()
    told = Path('/proc/cpuinfo')
    if told.exists():
        names = [
            line.partition(':')[2].strip() for line in told.read_text().splitlines() if line.startswith('model name')
        ]
        processor = f'{len(names)} cores of {names[0]}' if names else processor
    return f'{platform.system()}, {processor}, {platform.python_implementation()} {platform.python_version()}'


def versions() -> dict[str, str]:
    """The versions of what was compared."""
    compared = ('pydantic-ai-slim', 'prometheus_client', 'opentelemetry-sdk', *PACKAGES)
    present = {each.metadata['Name']: each.version for each in distributions()}
    return {name: present[name] for name in compared if name in present}


def write_into(page: Path, results: Results) -> None:
    """Replace the tables of a page by these.

    Args:
        page: The page, with the two marks.
        results: What to write.

    Raises:
        ValueError: If the page has no marks.
    """
    text = page.read_text(encoding='utf-8')
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f'{page} has no place for the tables: {BEGIN.strip()} … {END.strip()}')
    page.write_text(f'{before}{BEGIN}{results.as_markdown()}{END}{after}', encoding='utf-8')


def say(text: str) -> None:
    """Tell how far it is."""
    print(text, file=sys.stderr, flush=True)
