"""`install()` and `uninstall()`: a tap for every agent of the process."""

from __future__ import annotations

from streamtap._install.process import PROCESS, Installation
from streamtap._install.spec import Streamtap
from streamtap._tap import Tap
from streamtap._upstream import spec_names


def install(tap: Tap | None = None, *, stream: bool = False) -> Tap:
    """Measure every run of every agent in this process, made before or after, however it is run.

    An agent that has a tap of its own as well is counted once by each tap. Where both write to the same Prometheus
    registry or to the same OpenTelemetry provider, the run is there once.

    With `STREAMTAP_DISABLED=1` in the environment it does nothing, and returns a tap that does nothing.

    Args:
        tap: The tap. Default `None`: the one that is installed already; if there is none, one as `Tap()` makes it.
        stream: Whether to make every request stream, as with `Tap.capability(stream=True)`. Default `False`: nothing
            streams that would not stream anyway, unless an earlier call asked for it.

    Returns:
        The tap that is installed. It is closed when the process ends, or by you.

    Raises:
        RuntimeError: If another tap is installed, unless it is the one of `opentelemetry-instrument` and no code has asked
            for that: then yours takes its place.
        TypeError: If `tap` is not a tap.
    """
    if tap is not None and not isinstance(tap, Tap):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise TypeError(f'install() takes a tap, not {tap!r}')
    with PROCESS.lock:
        if (found := PROCESS.installed) is not None and tap is not None and found.made is not tap:
            if not found.gives_way:
                raise RuntimeError(_ANOTHER)
            found.end()
            found = None
        if found is not None:
            if stream:
                found.stream()
            return found.asked_for()
        chosen = PROCESS.own() if tap is None else tap
        if chosen.enabled:
            begin(Installation(lambda: chosen, stream=stream))
        return chosen


def uninstall() -> None:
    """Stop measuring runs that begin from now on; without an installed tap it does nothing.

    Pydantic AI is as it was before `install()`. The tap is not closed: runs that have begun are measured to their end,
    and agents that have it of their own keep it.
    """
    with PROCESS.lock:
        if PROCESS.installed is not None:
            PROCESS.installed.end()
            spec_names.forget(Streamtap)


def begin(installation: Installation) -> None:
    """Install a tap where none is installed.

    Args:
        installation: The tap, and what is to be known of it.
    """
    with PROCESS.lock:
        installation.begin()
        spec_names.add(Streamtap)


_ANOTHER = (
    'another tap is installed: give its sinks and yours to one tap (install() without a tap returns the installed one, '
    'which takes sinks by add_sink()), or call streamtap.uninstall() first'
)
