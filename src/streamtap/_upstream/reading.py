"""Reads attributes of objects that are not ours: a proxy, or a durable engine's context, raises for what it lacks."""

from __future__ import annotations


def read(holder: object, name: str, otherwise: object = None) -> object:
    """An attribute, or `otherwise` if it is missing or cannot be read now.

    Args:
        holder: The object.
        name: The attribute's name.
        otherwise: What to return instead.
    """
    try:
        return getattr(holder, name, otherwise)
    except Exception:
        return otherwise
