"""What providers say of their caches."""

from __future__ import annotations


def says_of_cache(read: int | None, written: int | None, missed: int | None) -> bool:
    """Whether something was said of a cache, by one response or by several: who says nothing may have none.

    Args:
        read: Tokens that were read from it.
        written: Tokens that were written to it.
        missed: Tokens that were in it, and were not read from it.
    """
    return bool(read or written or missed)
