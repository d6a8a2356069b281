"""Copies boards, rules and the files that deploy them out of the installed package."""

from __future__ import annotations

import shutil
from pathlib import Path

_INSTALLED = Path(__file__).parent / '_dashboards'
_REPOSITORY = Path(__file__).parents[2]


def export_dashboards(target: Path) -> None:
    """Copy the folder of boards and rules, with the runbooks of the alerts.

    Args:
        target: The destination; created if it does not exist.

    Raises:
        FileExistsError: If it is not an empty folder: its files may have been edited by hand.
        OSError: If it cannot be written.
    """
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise FileExistsError(f'{target} is not an empty folder: choose another')
    if _INSTALLED.is_dir():
        _copy(_INSTALLED, target)
    else:
        _copy(_REPOSITORY / 'dashboards', target)
        shutil.copy(_REPOSITORY / 'docs' / 'runbooks.md', target)


def _copy(source: Path, target: Path) -> None:
    shutil.copytree(source, target, ignore=shutil.ignore_patterns('__pycache__'), dirs_exist_ok=True)
