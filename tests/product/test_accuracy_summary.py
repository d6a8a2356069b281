"""The page that people read says what the long tables behind it say."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from support.accuracy_page import PAGE, read_section
from support.paths import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterable

    from support.accuracy_page import Command

SUMMARY = (ROOT / 'docs' / 'accuracy.md').read_text(encoding='utf-8')
TABLES = PAGE.read_text(encoding='utf-8')


def rows(text: str) -> list[list[str]]:
    """The cells of each row of the tables, without the heads."""
    tables = re.findall(r'^\|.*\n\|---.*\n((?:\|.*\n)*)', text, re.MULTILINE)
    return [[cell.strip() for cell in line.strip('|').split('|')] for table in tables for line in table.splitlines()]


def worst(cells: Iterable[str]) -> float:
    """The largest of the numbers, whatever their sign."""
    return max(abs(float(number)) for cell in cells for number in re.findall(r'[+-]?\d+\.\d+', cell))


def test_it_counts_the_cases_beside_the_wire():
    """And says that none is wrong, as long as none is."""
    cases = rows(TABLES.partition('## Every case')[2].partition('<!--')[0])
    assert f'`make truth` runs {len(cases)} cases' in SUMMARY
    assert f'none of the {len(cases)} is wrong' in SUMMARY
    assert [case for case in cases if case[-1]] == []


def test_it_has_the_errors_of_many_streams():
    """The largest of the three doors, of each figure."""
    figures = rows(TABLES.partition('## Many streams')[2].partition('## Every case')[0])
    shown = {row[0]: row for row in rows(SUMMARY.partition('## Beside the wire')[2])}
    for figure, name, unit in (
        ('time to first token', 'time to first token', 'ms'),
        ('tokens per second', 'tokens per second', '%'),
        ('duration of a tool', 'tool duration', 'ms'),
    ):
        assert shown[figure][2] == f'{worst(row[3] for row in figures if row[0] == name):.1f} {unit}'


@pytest.mark.parametrize(
    ('server', 'command'),
    [
        ('llama.cpp', 'real-servers'),
        ('LiteLLM', "real-servers REAL_SERVERS='--target litellm'"),
        ('vLLM', "real-servers REAL_SERVERS='--target vllm'"),
    ],
)
def test_it_has_what_a_real_server_said(server: str, command: Command):
    """How many kinds of answers, how many of them wrong, and the worst errors; nothing else is wrong."""
    section = read_section(TABLES, command)
    answers = rows(section.partition('### Ordinary answers')[2].partition('The same by door')[0])
    doors = rows(section.partition('The same by door')[2].partition('###')[0])
    (shown,) = (row for row in rows(SUMMARY) if row[0].startswith(server))
    wrong = [row for row in answers if row[-1]]
    assert shown[1:5] == [
        str(len(answers)),
        str(len(wrong)),
        f'{worst(row[3] for row in doors if row[3] != "-"):.1f} ms',
        f'{worst(row[2] for row in doors if row[2] != "absent"):.1f} %',
    ]
    assert section.count('WRONG') == len(wrong)


def test_it_has_the_worst_of_the_answers():
    """Of each place, with the servers and the teams together."""
    judged = [row for row in rows(read_section(TABLES, 'answers')) if len(row) == 7 and row[4].endswith('%')]
    shown = {row[0]: row[1:] for row in rows(SUMMARY.partition('## Answers')[2])}

    def found(*, held: bool, native: bool) -> list[str]:
        held_to = 'held' if held else ''
        some = [row for row in judged if row[1] and row[6] == held_to and row[1].endswith('native') == native]
        # What is pushed has no created timestamps.
        some = [row for row in some if held or native == ('OTLP' not in row[1])]
        return [f'{worst(row[at] for row in some):.1f}'.removesuffix('.0') for at in (4, 5)]

    for views in (['report'], ['summary', 'live page']):
        own = [row for row in judged if not row[1] and row[2] in views]
        assert shown[', '.join(views)] == [f'{worst(row[at] for row in own):.1f} %' for at in (4, 5)]
    for name, held, native in (
        ('boards and the full [queries](queries.md#first-count), native histograms', True, True),
        ('boards and the full queries, classic histograms', True, False),
        ('short queries, native histograms and created timestamps', False, True),
    ):
        assert [cell.removesuffix(' %').removesuffix('.0') for cell in shown[name]] == found(held=held, native=native)
    assert shown['short queries, without created timestamps'][1] == f'{found(held=False, native=False)[1]} %'
