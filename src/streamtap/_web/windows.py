"""The last 15 minutes, in slots, in bounded memory."""

from __future__ import annotations

from collections import deque
from itertools import islice
from typing import TYPE_CHECKING, Generic, TypeVar

from streamtap._web.slots import Slot

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

SLOT_SECONDS = 15.0
SLOTS = 60

Figures = TypeVar('Figures')


class Windows(Generic[Figures]):
    """The slots of the last 15 minutes; the caller holds a lock around every call.

    Args:
        now: The monotonic time.
    """

    def __init__(self, now: float) -> None:
        self._current = Slot(now)
        self._closed: deque[Slot] = deque()
        self._figures: deque[Figures] = deque()
        self._merged: dict[int, Slot] = {}

    def at(self, now: float) -> Slot:
        """The current slot, which counts what ends now."""
        if now - self._current.began >= SLOT_SECONDS * SLOTS:
            self._closed.clear()
            self._figures.clear()
            self._current = Slot(now)
            self._merged.clear()
        while now - self._current.began >= SLOT_SECONDS:
            if len(self._closed) == SLOTS - 1:
                self._closed.popleft()
                if self._figures:
                    self._figures.popleft()
            self._closed.append(self._current)
            self._current = Slot(self._current.began + SLOT_SECONDS)
            self._merged.clear()
        return self._current

    def together(self, now: float, slots: int = SLOTS) -> Slot:
        """The last slots merged, the open one included.

        Args:
            now: The monotonic time.
            slots: How many; all if not given.
        """
        current = self.at(now)
        merged = self._merged.get(slots)
        if merged is None:
            # Cached until a slot closes: merging sixty slots each time a viewer asks would cost more than measuring.
            merged = self._merged[slots] = _merged(self._last_closed(slots), current.began)
        return _merged((merged, current), merged.began)

    def each(self, now: float, figures: Callable[[Slot], Figures], slots: int = SLOTS) -> tuple[Figures, ...]:
        """What a function makes of each of the last slots, oldest first; the last one is still open.

        Args:
            now: The monotonic time.
            figures: The function, always the same one: for a slot that is closed it is called only once.
            slots: How many; all if not given.
        """
        current = self.at(now)
        self._figures.extend(figures(slot) for slot in islice(self._closed, len(self._figures), None))
        return (*islice(self._figures, max(0, len(self._figures) - slots + 1), None), figures(current))

    def _last_closed(self, slots: int) -> list[Slot]:
        return list(islice(self._closed, max(0, len(self._closed) - slots + 1), None))


def _merged(slots: Iterable[Slot], began: float) -> Slot:
    together = Slot(began)
    for slot in slots:
        together.began = min(together.began, slot.began)
        together.absorb(slot)
    return together
