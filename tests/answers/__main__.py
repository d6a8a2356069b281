"""`python -m answers`: what people read beside what is exact; exits with 1 if something is beyond its bound."""

from __future__ import annotations

import argparse
import math
import shutil
import sys
from dataclasses import replace

from answers.judge import MOST_OF_COUNTS, Judged, worst
from answers.sweep import table
from answers.teams import SHORT, TEAMS
from answers.teams_judged import COUNTED, judge_process, judge_team

CLASSIC = 0.15
EXACT = 0.03

BOUNDS = {'summary': EXACT, 'live page': EXACT, 'report': EXACT, COUNTED: CLASSIC}
"""How far the 90th percentile of the quantiles may be off, where it is held."""


def main() -> int:
    """Judge every team, print the tables, and say what is beyond its bound."""
    parser = argparse.ArgumentParser(prog='python -m answers', description=__doc__)
    parser.add_argument('--short', action='store_true', help='two small teams, as in CI')
    parser.add_argument('--worst', type=int, default=5, help='how many of the worst numbers to print for each team')
    options = parser.parse_args()
    program = shutil.which('prometheus')
    if program is None:
        print('answers: there is no Prometheus on this machine (make servers installs it)', file=sys.stderr)
        return 1
    beyond = 0
    print('| team | where | numbers | counts, sums, shares: worst | quantiles: 90th percentile | |')
    print('|---|---|---|---|---|---|')
    busy = replace(TEAMS[-1], name='one process', pods=1, hours=0.24, requests=400)
    for name, rows in (
        (busy.name, judge_process(busy)),
        *((team.name, judge_team(team, program)) for team in (SHORT if options.short else TEAMS)),
    ):
        for where in dict.fromkeys(row.where for row in rows):
            found = [row for row in rows if row.where == where]
            counts, quantiles = worst(found, quantiles=False), worst(found, quantiles=True)
            is_held = where in BOUNDS
            is_beyond = is_held and (counts > MOST_OF_COUNTS or quantiles > BOUNDS[where])
            beyond += is_beyond
            said = 'BEYOND' if is_beyond else 'held' if is_held else ''
            print(f'| {name} | {where} | {len(found)} | {_percent(counts)} | {_percent(quantiles)} | {said} |')
            for row in sorted(found, key=lambda row: -row.error)[: options.worst if is_beyond or not is_held else 0]:
                print(f'  {_described(row)}', file=sys.stderr)
    print('\n'.join(('', *table())))
    return 1 if beyond else 0


def _percent(error: float) -> str:
    return 'missing' if math.isinf(error) else f'{error:.1%}'


def _described(row: Judged) -> str:
    shown = 'nothing' if row.shown is None else f'{row.shown:.6g}'
    return f'{_percent(row.error):>8}  {row.question} {"/".join(row.labels)}: {shown}, exactly {row.exact}'


if __name__ == '__main__':
    sys.exit(main())
