"""Looking at what belongs to others: a proxy, or the context of a durable engine, raises for what it lacks."""

from __future__ import annotations


def read(holder: object, name: str, otherwise: object = None) -> object:
    """An attribute, or `otherwise` if it is missing or cannot be read now.

    Args:
        holder: Whose attribute.
        name: Its name.
        otherwise: What stands for one that is missing.
    """
    try:
        return getattr(holder, name, otherwise)
    except Exception:
        return otherwise
