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


@dataclass(frozen=True, slots=True)
class Results:
    """What a part of the bench found.

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

    def as_json(self) -> dict[str, object]:
        """Everything, for other programs."""
        return {
            'command': self.command,
            'rounds': self.rounds,
            'machine': machine(),
            'versions': versions(),
            'added': [each.as_json() for each in self.added],
            'facts': {
                name: {key: round(value, 4) for key, value in facts.items()} for name, facts in self.facts.items()
            },
        }

    def as_markdown(self) -> str:
        """Everything, for people."""
        lines: list[str] = []
        for measure, group in groupby(self.added, key=lambda each: each.measure):
            lines += _table(measure, list(group))
        for measure, facts in self.facts.items():
            lines += [f'### {measure}', '', '| what | figure |', '|---|---:|']
            lines += [f'| {name} | {value:,.4g} |' for name, value in facts.items()]
            lines.append('')
        rounds = f'medians of {self.rounds} rounds, in brackets the middle half of them'
        return '\n'.join([*lines, f'`{self.command}`: {rounds}; {machine()}.', ''])


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
    described = Path('/proc/cpuinfo')
    if described.exists():
        names = [
            line.partition(':')[2].strip()
            for line in described.read_text().splitlines()
            if line.startswith('model name')
        ]
        processor = f'{len(names)} cores of {names[0]}' if names else processor
    return f'{platform.system()}, {processor}, {platform.python_implementation()} {platform.python_version()}'


def versions() -> dict[str, str]:
    """The versions of what was compared."""
    compared = ('pydantic-ai-slim', 'prometheus_client', 'opentelemetry-sdk', *PACKAGES)
    present = {each.metadata['Name']: each.version for each in distributions()}
    return {name: present[name] for name in compared if name in present}


def write_into(page: Path, part: str, results: Results) -> None:
    """Replace the tables of one part in a page.

    Args:
        page: The page, with two marks around the part's tables.
        part: The part's name.
        results: What to write.

    Raises:
        ValueError: If the page has no such marks.
    """
    first, last = f'<!-- bench {part}: begin -->\n', f'<!-- bench {part}: end -->\n'
    before, begin, rest = page.read_text(encoding='utf-8').partition(first)
    _, end, after = rest.partition(last)
    if not begin or not end:
        raise ValueError(f'{page} has no place for {part}: {first.strip()} … {last.strip()}')
    page.write_text(f'{before}{begin}\n{results.as_markdown()}\n{end}{after}', encoding='utf-8')


def add_to(file: Path, part: str, results: Results) -> None:
    """Write one part into a file of results, and leave the others as they are.

    Args:
        file: A JSON file, there or not.
        part: The part's name.
        results: What to write.
    """
    held: dict[str, object] = json.loads(file.read_text(encoding='utf-8')) if file.exists() else {}
    held[part] = results.as_json()
    file.write_text(json.dumps(held, indent=1, ensure_ascii=False) + '\n', encoding='utf-8')


def say(text: str) -> None:
    """Tell how far it is."""
    print(text, file=sys.stderr, flush=True)
