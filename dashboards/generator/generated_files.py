"""Writes generated files, and says which are out of date."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
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
