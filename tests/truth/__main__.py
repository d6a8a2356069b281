"""`python -m truth`: every case beside what really happened; exits with 1 if a row is wrong or a target missed."""

from __future__ import annotations

import argparse
import gc
import sys

from support.accuracy_page import PAGE
from truth.accuracy import accuracy, warm_up
from truth.cases import all_cases
from truth.judge import tried
from truth.page import page
from truth.row import TIGHT, Row
from truth.table import cells


def main() -> int:
    """Run every case, print its row, and write the page if asked to."""
    parser = argparse.ArgumentParser(prog='python -m truth', description=__doc__)
    parser.add_argument('--streams', type=int, default=200, help='streams at each door; 0 leaves them out')
    parser.add_argument('--only', default='', help='cases whose group or name contains this')
    parser.add_argument('--write', action='store_true', help=f'write docs/{PAGE.name}')
    options = parser.parse_args()
    warm_up()
    # What the imports hold is no stream's: looking through it, the garbage collector stops everything for a while.
    gc.collect()
    gc.freeze()
    figures = accuracy(options.streams) if options.streams else []
    for figure in figures:
        print(' | '.join(figure.cells()), flush=True)
    rows: list[Row] = []
    for case, door in all_cases():
        if options.only in f'{case.group}: {case.name}':
            rows.append(tried(case, door, TIGHT))
            print(' | '.join(cells(rows[-1])), flush=True)
    wrong = sum(bool(row.faults) for row in rows)
    missed = sum(not figure.is_met for figure in figures)
    print(f'{len(rows)} rows, {wrong} wrong; {len(figures)} targets, {missed} missed')
    if options.write:
        PAGE.write_text(page(rows, figures, options.streams), encoding='utf-8')
    return 1 if wrong or missed else 0


if __name__ == '__main__':
    sys.exit(main())
