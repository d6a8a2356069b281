"""Public names: what a public module exports says that it belongs there."""

from __future__ import annotations

from types import FunctionType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def claim(module: str, names: Sequence[str], namespace: Mapping[str, object]) -> None:
    """Set `__module__` of a module's exports, so that pickles, tracebacks and pages show no private path.

    Args:
        module: The name of the public module.
        names: The names that it exports.
        namespace: Its variables.
    """
    for name in names:
        exported = namespace[name]
        if isinstance(exported, (type, FunctionType)):
            exported.__module__ = module
