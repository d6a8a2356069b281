"""The names that an agent's spec may use for capabilities, also where it is not told of others.

`Agent.from_file()` and `Agent.from_spec()` are told by `custom_capability_types`; a run that is given a spec, and the
command `clai`, know these names only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic_ai.capabilities import CAPABILITY_TYPES

if TYPE_CHECKING:
    from pydantic_ai.capabilities import AbstractCapability


def add(capability: type[AbstractCapability[Any]]) -> None:
    """Have a capability known by its name everywhere, unless that name is taken.

    Args:
        capability: Its class.
    """
    if (name := capability.get_serialization_name()) is not None:
        CAPABILITY_TYPES.setdefault(name, capability)


def forget(capability: type[AbstractCapability[Any]]) -> None:
    """Have it known no more.

    Args:
        capability: Its class.
    """
    name = capability.get_serialization_name()
    if name is not None and CAPABILITY_TYPES.get(name) is capability:
        del CAPABILITY_TYPES[name]
