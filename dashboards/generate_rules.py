"""Writes the rules and alerts from the metric catalogue and `config.py`; `--check` fails if a file is out of date."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from config import CONFIG
from generator.rules_yaml import stale, write

HERE = Path(__file__).parent


def main() -> int:
    """Write the files, or say which are out of date."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--check', action='store_true', help='write nothing; exit 1 if a file is out of date')
    check: bool = parser.parse_args().check
    if not check:
        write(CONFIG, HERE)
        return 0
    old = stale(CONFIG, HERE)
    for path in old:
        print(f'dashboards/{path} is out of date: run `make dashboards`', file=sys.stderr)
    return 1 if old else 0


if __name__ == '__main__':
    sys.exit(main())
