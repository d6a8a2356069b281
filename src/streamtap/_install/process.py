"""The tap of this process: the one that is installed, else one that is made for those who were given none."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from streamtap._base.forks import tell_forks
from streamtap._tap import Tap
from streamtap._upstream.every_run import EveryRun, begun

if TYPE_CHECKING:
    from collections.abc import Callable

    from streamtap._doors.capability.hooks import TapCapability


class Installation(EveryRun):
    """Measures every run of the process with a tap, from `begin()` to `end()`.

    Args:
        make: Gives the tap, when it is first needed.
        stream: Whether runs stream that otherwise would not.
        gives_way: Whether another tap may take its place, as nobody asked for this one in code.
    """

    def __init__(self, make: Callable[[], Tap], *, stream: bool, gives_way: bool = False) -> None:
        super().__init__()
        self._make = make
        self._stream = stream
        self.gives_way = gives_way
        self.made: Tap | None = None
        """Its tap, if that was needed yet."""
        self._capability: TapCapability | None = None

    def tap(self) -> Tap:
        """Its tap."""
        with PROCESS.lock:
            if self.made is None:
                self.made = self._make()
            return self.made

    def asked_for(self) -> Tap:
        """Its tap, for code that asks for one: from now on it gives way no more."""
        self.gives_way = False
        return self.tap()

    def stream(self) -> None:
        """From now on, runs stream that otherwise would not."""
        if not self._stream:
            self._stream, self._capability = True, None

    def capability(self) -> TapCapability:
        """The same one for every run, but for those before `stream()`."""
        if (found := self._capability) is None:
            found = self._capability = self.tap().capability(stream=self._stream)
        return found


class Process:
    """What there is one of in a process, also in one that is forked while another thread has the lock."""

    def __init__(self) -> None:
        self._own: Tap | None = None
        self.forked()
        tell_forks(self)

    def forked(self) -> None:
        """Replace the lock."""
        self.lock = threading.RLock()
        """Held while something is installed, put back or made."""

    @property
    def installed(self) -> Installation | None:
        """What is installed."""
        found = begun()
        return found if isinstance(found, Installation) else None

    def own(self) -> Tap:
        """The tap that is made for those who were given none."""
        with self.lock:
            if self._own is None:
                self._own = Tap()
            return self._own

    def tap(self) -> Tap:
        """The tap that is installed, else the process's own."""
        with self.lock:
            return self.own() if self.installed is None else self.installed.tap()


PROCESS = Process()
"""This one."""
