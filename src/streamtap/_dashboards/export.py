"""Writes boards, rules and the files that deploy them into a folder."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from streamtap._base.files import check_private_folder
from streamtap._dashboards.generated import generated

if TYPE_CHECKING:
    from streamtap._dashboards.config import Config

_INSTALLED = Path(__file__).parent / 'files'
_REPOSITORY = Path(__file__).parents[3]


def export_dashboards(target: Path, config: Config) -> None:
    """Write all of it, with the runbooks of the alerts.

    The files can be read by everybody, as the servers that they are for run as other users; nothing in them is private.

    Args:
        target: The destination; created if it does not exist.
        config: What boards, rules and alerts depend on.

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
    files = generated(config)
    if _INSTALLED.is_dir():
        _copy(_INSTALLED, target)
    else:
        _copy(_REPOSITORY / 'dashboards', target)
        shutil.copy(_REPOSITORY / 'docs' / 'runbooks.md', target)
    write(files, target)


def write(files: dict[str, str], folder: Path) -> None:
    """Write texts to files.

    Args:
        files: The text of each, by its path.
        folder: What the paths begin at.
    """
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding='utf-8')


def _copy(source: Path, target: Path) -> None:
    shutil.copytree(source, target, ignore=shutil.ignore_patterns('__pycache__'), dirs_exist_ok=True)
