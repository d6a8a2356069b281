"""A token that opens something, and what makes one too easy to guess."""

from __future__ import annotations

import hmac
import re

SHORTEST = 16
FEWEST_DISTINCT = 5
"""Of sixteen random hexadecimal digits, one token in two million has fewer."""
_LOOKED_AT = 256

# Those of RFC 6750, all of which an address takes as they are.
_CHARACTERS = re.compile(r'[A-Za-z0-9._~+/=-]*')
_WELL_KNOWN = re.compile(
    r'change[-_]?(me|this|it)|please|welcome|test(ing)?|pass[-_]?(word|wd|w0rd|phrase)|secret|letmein|admin|default|example|placeholder|replace|insert|your|super|'
    r'streamtap|prometheus|metrics|monitoring|token|bearer|'
    r'0?123456789?0?|9?87654321|0123|1234|abcdef(ghi(jkl(mnopqrstuvwxyz)?)?)?|qwert[yz](uiop)?|asdf(ghjkl)?|xyz'
)
_REPEATED = re.compile(r'(.+?)\1+')


class Token:
    """A token that a request may show.

    Args:
        name: What the parameter is called, for errors.
        value: The token.

    Raises:
        TypeError: If it is not a string.
        ValueError: If it has characters that a header or an address cannot carry, or is easy to guess. The error does
            not contain it.
    """

    def __init__(self, name: str, value: str) -> None:
        if not isinstance(value, str):  # pyright: ignore[reportUnnecessaryIsInstance] # bytes, from secrets.token_bytes()
            raise TypeError(f'{name} must be a string: use secrets.token_urlsafe()')
        if not _CHARACTERS.fullmatch(value):
            raise ValueError(
                f'{name} may have only letters, digits and -._~+/= (no line break at its end): '
                'use secrets.token_urlsafe()'
            )
        if (fault := _weakness(value)) is not None:
            raise ValueError(f'{name} {fault}: use secrets.token_urlsafe()')
        self._value = value.encode()

    def is_shown(self, shown: str) -> bool:
        """Whether what a request shows is the token, in a time that tells nothing about it."""
        return hmac.compare_digest(shown.encode(errors='replace'), self._value)


def _weakness(value: str) -> str | None:
    if len(value) < SHORTEST:
        return f'must have at least {SHORTEST} characters'
    # Words, rows of keys and repetitions add nothing that must be guessed.
    rest = _REPEATED.sub(r'\1', _WELL_KNOWN.sub('', value[:_LOOKED_AT].lower()))
    if len(rest) < SHORTEST // 2 or len(set(rest)) < FEWEST_DISTINCT:
        return 'is easy to guess'
    return None
