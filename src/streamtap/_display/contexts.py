"""From when on the context of a model is told: the one rule for tables, pages and waterfalls."""

from __future__ import annotations

HALF_FULL = 0.5
"""The share of a context window from which on it says something."""


def is_told(used: float | None) -> bool:
    """Whether it is told how full a context is: from half full on.

    Args:
        used: A share of the window; `None` where it is not known.
    """
    return used is not None and used >= HALF_FULL
