"""Public names: what a public module exports says that it belongs there."""

from __future__ import annotations

from contextlib import suppress
from types import FunctionType
from typing import TYPE_CHECKING, get_type_hints

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def claim(module: str, names: Sequence[str], namespace: Mapping[str, object]) -> None:
    """Set `__module__` of what a module exports, so that pickles, tracebacks and pages show no private path."""
    for name in names:
        exported = namespace[name]
        if isinstance(exported, type):
            # Annotations are looked up in the module that a class names: those of its own module are looked up now.
            with suppress(NameError):
                found = get_type_hints(exported, include_extras=True)
                exported.__annotations__ = {each: found[each] for each in vars(exported).get('__annotations__', ())}
        if isinstance(exported, (type, FunctionType)):
            exported.__module__ = module
