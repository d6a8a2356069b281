"""Secrets that are planted in a run, and where they come out again."""

from __future__ import annotations

import base64
import re

SECRET = re.compile(r'secret-[a-z-]+')


def secret(place: str) -> str:
    """Something that only its place can have told."""
    return f'secret-{place}'


def found(told: dict[str, str]) -> dict[str, set[str]]:
    """The secrets in each output, plain or as bytes are written."""
    there: dict[str, set[str]] = {}
    for where, text in told.items():
        secrets: set[str] = set(SECRET.findall(text))
        if base64.b64encode(secret('file').encode()).decode() in text:
            secrets.add(secret('file'))
        if secrets:
            there[where] = secrets
    return there
