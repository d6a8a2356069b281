"""The captures of a test: those that its fixtures gave it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from streamtap.testing._memory import Capture

if TYPE_CHECKING:
    from collections.abc import Mapping


def captures_of(item: pytest.Item) -> Mapping[str, Capture]:
    """Each capture under the name of its fixture; one that several fixtures hand on is there once.

    Args:
        item: The test, between its setup and its teardown.
    """
    if not isinstance(item, pytest.Function):
        return {}
    found = {id(value): (name, value) for name, value in item.funcargs.items() if isinstance(value, Capture)}
    return dict(found.values())
