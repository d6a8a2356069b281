"""Copies boards, rules and the files that deploy them out of the installed package."""

from __future__ import annotations

import shutil
from pathlib import Path

from streamtap._base.files import check_private_folder

_INSTALLED = Path(__file__).parent / '_dashboards'
_REPOSITORY = Path(__file__).parents[2]


def export_dashboards(target: Path) -> None:
    """Copy the folder of boards and rules, with the runbooks of the alerts.

    The files can be read by everybody, as the servers that they are for run as other users; nothing in them is private.

    Args:
        target: The destination; created if it does not exist.

    Raises:
        FileExistsError: If it is a link, or is not an empty folder: its files may have been edited by hand.
        PermissionError: If others can write it, or it belongs to another user.
        OSError: If it cannot be written.
    """
    if target.is_symlink():
        raise FileExistsError(f'{target} is a symbolic link, which is not followed: name the folder that it leads to')
    if target.exists():
        if not target.is_dir() or any(target.iterdir()):
            raise FileExistsError(f'{target} is not an empty folder: choose another')
        check_private_folder(target)
    if _INSTALLED.is_dir():
        _copy(_INSTALLED, target)
    else:
        _copy(_REPOSITORY / 'dashboards', target)
        shutil.copy(_REPOSITORY / 'docs' / 'runbooks.md', target)


def _copy(source: Path, target: Path) -> None:
    shutil.copytree(source, target, ignore=shutil.ignore_patterns('__pycache__'), dirs_exist_ok=True)
