"""`python -m answers`: what people read beside what is exact; exits with 1 if something is beyond its bound."""

from __future__ import annotations

import argparse
import shutil
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

from answers.section import BOARDS, VICTORIA, Reading, at_interval, described, intervals_section, section
from answers.teams import INTERVALS, SCRAPED, SHORT, TEAMS
from answers.teams_judged import SCRAPES, WAYS, judge_process, judge_pushing_team, judge_team
from support.accuracy_page import PAGE, with_section
from support.required import SERVERS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from answers.judge import Judged
    from answers.teams import Team


def main() -> int:
    """Judge every team, print the tables, and write them if asked to."""
    parser = argparse.ArgumentParser(prog='python -m answers', description=__doc__)
    what = parser.add_mutually_exclusive_group()
    what.add_argument('--short', action='store_true', help='two small teams and one server, as in CI')
    what.add_argument('--intervals', action='store_true', help='the boards at other intervals of scrapes instead')
    parser.add_argument('--worst', type=int, default=0, help='how many of the worst numbers to print of each reading')
    parser.add_argument(
        '--write', action='store_true', help='write the section of docs/accuracy-tables.md, unless it is short'
    )
    options = parser.parse_args()
    programs = _servers()
    if not programs:
        print('answers: there is no Prometheus on this machine: run make servers', file=sys.stderr)
        return 1
    if options.intervals:
        made = _by_interval(programs)
    elif options.short:
        made = _readings(SHORT, dict([list(programs.items())[-1]]))
    else:
        made = _readings(TEAMS, programs)
    readings: list[Reading] = []
    for reading in made:
        readings.append(reading)
        print(' | '.join(reading.cells()), flush=True)
        for row in sorted(reading.rows, key=lambda row: -row.error)[: 10 if reading.is_beyond else options.worst]:
            print(f'    {described(row)}', flush=True)
    beyond = sum(reading.is_beyond for reading in readings)
    print(f'{len(readings)} readings, {beyond} beyond their bounds')
    if options.write and not options.short:
        command = 'answers ANSWERS=--intervals' if options.intervals else 'answers'
        written = intervals_section(readings) if options.intervals else section(readings)
        PAGE.write_text(with_section(PAGE.read_text(encoding='utf-8'), command, written), encoding='utf-8')
    return 1 if beyond else 0


def _servers() -> dict[str, str]:
    """The Prometheus servers of this machine, the oldest first."""
    found = {'2': shutil.which('prometheus'), '3': shutil.which('prometheus', path=str(SERVERS))}
    return {name: program for name, program in found.items() if program is not None}


def _readings(teams: Sequence[Team], programs: dict[str, str]) -> Iterator[Reading]:
    # Not one from the PATH: stable distributions have releases that take no OTLP.
    victoria = shutil.which('victoria-metrics', path=str(SERVERS))
    if victoria is None or '3' not in programs:
        print('answers: no OTLP without the servers that make servers fetches', file=sys.stderr)
    process = replace(TEAMS[-1], name='one process', pods=1, hours=0.24, requests=400)
    yield from _apart(process.name, '', judge_process(process))
    for team in teams:
        for name, program in programs.items():
            for way in WAYS:
                if name >= way.oldest:
                    yield from _apart(team.name, f'Prometheus {name}, {way.name}', judge_team(team, program, way))
        if victoria is not None:
            yield from _apart(team.name, VICTORIA, judge_pushing_team(team, victoria))


def _by_interval(programs: dict[str, str]) -> Iterator[Reading]:
    for every in INTERVALS:
        readings = [
            reading
            for team in SCRAPED
            if team.scraped_every == every
            for name, program in programs.items()
            for way in SCRAPES
            for reading in _apart(team.name, f'Prometheus {name}, {way.name}', judge_team(team, program, way))
        ]
        yield from at_interval(readings, every)


def _apart(team: str, server: str, rows: Sequence[Judged]) -> Iterator[Reading]:
    for where in dict.fromkeys(row.where for row in rows):
        # There last_over_time() makes numbers of native histograms: the boards' page says that they take Prometheus 3.
        if not (where == BOARDS and server == 'Prometheus 2, native'):
            yield Reading(team, server, where, [row for row in rows if row.where == where])


if __name__ == '__main__':
    sys.exit(main())
