"""Public names: what a public module exports says that it belongs there."""

from __future__ import annotations

import inspect
from contextlib import suppress
from types import FunctionType, GenericAlias
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def claim(module: str, names: Sequence[str], namespace: Mapping[str, object]) -> None:
    """Set `__module__` of what a module exports, so that pickles, tracebacks and pages show no private path."""
    for name in names:
        exported = namespace[name]
        if isinstance(exported, GenericAlias):
            # In Python 3.10 an alias such as `Callable[[int], str]` says that it is a class.
            continue
        if isinstance(exported, type):
            # Annotations are looked up in the module that a class names: those of its own module are looked up now.
            with suppress(NameError):
                exported.__annotations__ = inspect.get_annotations(exported, eval_str=True)
        if isinstance(exported, (type, FunctionType)):
            exported.__module__ = module
