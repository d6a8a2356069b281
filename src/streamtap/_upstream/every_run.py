"""A capability for every run of the process, whatever agent runs, and however.

pydantic-ai has no place for one yet (https://github.com/pydantic/pydantic-ai/issues/4971), so the two methods that all
runs go through are wrapped. When it has one, this file is what changes.
"""

from __future__ import annotations

import functools
import logging
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, cast

from pydantic_ai import Agent

from streamtap._base.places import place_of
from streamtap._upstream import durable

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pydantic_ai.capabilities import AbstractCapability

    Method = Callable[..., object]

logger = logging.getLogger('streamtap')

SEAMS = ('iter', '_open_realtime_session')
"""The methods: each takes `capabilities` by name. `run`, `run_sync`, `run_stream`, `run_stream_events`, adapters, and agents
that wrap others call the first; a realtime session, which 2.26 does not have yet, is opened by the second."""

CARRIED = '_streamtap'
"""The attribute of `Agent` that has what wraps its methods, also where somebody else has wrapped them since."""


class EveryRun(ABC):
    """Gives every run one more capability, from `begin()` to `end()`."""

    def __init__(self) -> None:
        self._is_over = False
        self._has_failed = False
        self._seams: list[tuple[str, Method, Method]] = []

    @abstractmethod
    def capability(self) -> AbstractCapability[Any]:
        """The capability for a run that begins; it must be one that runs may share."""

    def begin(self) -> None:
        """Wrap the methods."""
        for name in SEAMS:
            if (method := vars(Agent).get(name)) is not None:
                wrapped = self._wrapped(method)
                self._seams.append((name, method, wrapped))
                setattr(Agent, name, wrapped)
        setattr(Agent, CARRIED, self)

    def end(self) -> None:
        """Put the methods back; a wrapper that somebody else has wrapped since only passes calls on."""
        self._is_over = True
        for name, method, wrapped in self._seams:
            if vars(Agent).get(name) is wrapped:
                setattr(Agent, name, method)
        if vars(Agent).get(CARRIED) is self:
            delattr(Agent, CARRIED)

    def _wrapped(self, method: Method) -> Method:
        @functools.wraps(method)
        def wrapped(*args: object, **options: object) -> object:
            return method(*args, **self._with_capability(options))

        return wrapped

    def _with_capability(self, options: dict[str, object]) -> dict[str, object]:
        try:
            # A workflow of Temporal may be replayed any time: nothing of it is measured, or changed.
            if self._is_over or durable.in_temporal_workflow():
                return options
            given = cast('Sequence[object]', options.get('capabilities') or ())
            return {**options, 'capabilities': [*given, self.capability()]}
        except Exception as error:
            if not self._has_failed:
                self._has_failed = True
                logger.warning(_NOT_MEASURED, type(error).__name__, place_of(error))
            return options


_NOT_MEASURED = 'streamtap: a run is not measured, because of %s%s; further ones like it are not logged'


def begun() -> EveryRun | None:
    """What gives every run a capability now."""
    return vars(Agent).get(CARRIED)
