"""Compares the arguments of tool calls, and keeps nothing of them."""

from __future__ import annotations

import json

from pydantic_core import from_json

MOST_COMPARED = 16_384
"""Characters of arguments that are read; longer ones are compared as they were written."""


def fingerprint(tool: str, arguments: object) -> int | None:
    """A number that calls of a tool with the same arguments share; `None` for arguments that are no JSON.

    Python salts the hashes of texts anew in each process, and it is never put out: it says nothing outside of this one.

    Args:
        tool: The tool's name.
        arguments: The arguments as the model wrote them, or as an object; the order of their names does not matter.
    """
    if isinstance(arguments, str) and len(arguments) > MOST_COMPARED:
        return hash((tool, arguments))
    try:
        known = from_json(arguments) if isinstance(arguments, str) and arguments else arguments
        return hash((tool, json.dumps(known or {}, sort_keys=True)))
    except (TypeError, ValueError, RecursionError):
        return None
