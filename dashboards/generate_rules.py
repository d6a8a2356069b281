"""Writes the rules, the alerts and the boards for Logfire; `--check` fails if a file is out of date."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from config import CONFIG
from generator.generated_files import stale, write
from generator.logfire_boards import logfire_files
from generator.rules_yaml import rule_files

HERE = Path(__file__).parent


def main() -> int:
    """Write the files, or say which are out of date."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--check', action='store_true', help='write nothing; exit 1 if a file is out of date')
    check: bool = parser.parse_args().check
    files = {**rule_files(CONFIG), **logfire_files()}
    if not check:
        write(files, HERE)
        return 0
    old = stale(files, HERE)
    for path in old:
        print(f'dashboards/{path} is out of date: run `make dashboards`', file=sys.stderr)
    return 1 if old else 0


if __name__ == '__main__':
    sys.exit(main())
