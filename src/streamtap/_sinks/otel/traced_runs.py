"""Which runs have spans already: two taps on one tracer provider make one trace of a run that both measure."""

from __future__ import annotations

from weakref import WeakValueDictionary


class Claim:
    """Says that a run has its spans from one tap, for as long as it is held."""

    __slots__ = ('__weakref__',)


_HELD: WeakValueDictionary[tuple[int, str], Claim] = WeakValueDictionary()
"""By the id of the provider and that of the run: providers need not be hashable (Logfire's is not)."""


def claim(provider: object, run_id: str) -> Claim | None:
    """Claim a run, to make its spans; `None` if another tap holds it.

    Args:
        provider: The tracer provider.
        run_id: The run.
    """
    mine = Claim()
    return mine if _HELD.setdefault((id(provider), run_id), mine) is mine else None
