"""Writes generated files, and says which are out of date or should not be there."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path


def write(files: Mapping[str, str], folder: Path) -> None:
    """Write the files.

    Args:
        files: The text of each, by its path.
        folder: What the paths begin at.
    """
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding='utf-8')


def stale(files: Mapping[str, str], folder: Path) -> list[str]:
    """The files that are not there or not as they should be.

    Args:
        files: The text of each, by its path.
        folder: What the paths begin at.
    """
    return [
        path
        for path, text in files.items()
        if not (folder / path).is_file() or (folder / path).read_text(encoding='utf-8') != text
    ]


def orphans(paths: Iterable[str], folder: Path) -> list[str]:
    """The files beside generated ones, with the same ending, that nothing generates.

    Args:
        paths: Those that are generated.
        folder: What the paths begin at.
    """
    ours = {folder / path for path in paths}
    beside = {found for path in ours for found in path.parent.glob(f'*{path.suffix}')}
    return sorted(path.relative_to(folder).as_posix() for path in beside - ours)
