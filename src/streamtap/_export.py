"""Writes boards, rules and what brings them up out of the installed package."""

from __future__ import annotations

import shutil
from pathlib import Path

_INSTALLED = Path(__file__).parent / 'dashboards'
_IN_THE_REPOSITORY = Path(__file__).parents[2] / 'dashboards'


def export_dashboards(target: Path) -> None:
    """Copy the folder of boards and rules.

    Args:
        target: Where to; made if it is not there.

    Raises:
        FileExistsError: If there is something in it already, which may have been changed by hand.
        OSError: If it cannot be written.
    """
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise FileExistsError(f'{target} is not empty: choose a new folder')
    source = _INSTALLED if _INSTALLED.is_dir() else _IN_THE_REPOSITORY
    shutil.copytree(source, target, ignore=shutil.ignore_patterns('__pycache__'), dirs_exist_ok=True)
