"""The user's own dimensions of a run, and what is said where one was given what is no label."""

from __future__ import annotations

import contextlib
import logging
from typing import TYPE_CHECKING, NamedTuple

from streamtap._upstream import run_context
from streamtap._upstream.baggage import baggage_label

if TYPE_CHECKING:
    from collections.abc import Mapping

    from streamtap._delivery.dispatch import Dispatch

logger = logging.getLogger('streamtap')


class LabelNames(NamedTuple):
    """The names of a user's own dimensions: all of them, and those that baggage may fill."""

    names: tuple[str, ...]
    in_baggage: frozenset[str] = frozenset()


class UserLabels:
    """Reads a run's labels from its metadata; what is missing comes from the run that called it, then from baggage.

    Baggage is last: it may come from another process, and whoever wrote the code of this one knows better.

    Args:
        labels: The names of the labels.
        out: Counts the values that are refused.
    """

    def __init__(self, labels: LabelNames, out: Dispatch) -> None:
        self._names = labels.names
        self._in_baggage = labels.in_baggage
        self._out = out
        self._warned: set[str] = set()
        self._has_warned_of_none = False

    def of_run(self, ctx: object, inherited: Mapping[str, str]) -> dict[str, str]:
        """The labels of a run.

        Args:
            ctx: The run's context.
            inherited: The labels of the run that called it.
        """
        if self._in_baggage:
            carried = {name: inherited.get(name) or baggage_label(name) for name in self._in_baggage}
            inherited = {**inherited, **carried}
        found = run_context.metadata_labels(ctx, self._names, inherited, self._refuse)
        if not self._has_warned_of_none and not any(found.values()) and run_context.lacks_all(ctx, self._names):
            self._has_warned_of_none = True
            self._warn_of_none()
        return found

    def _warn_of_none(self) -> None:
        """The metadata has keys, and none is a label; the keys are the user's own, and not for a log."""
        with contextlib.suppress(Exception):
            logger.warning(
                'streamtap: the metadata of a run has none of these labels: %s. The run counts under their empty value. '
                'Is a key misspelt? Further runs like this are not logged',
                ', '.join(self._names),
            )

    def _refuse(self, name: str) -> None:
        """A value was not plain: count it, and warn once of each label."""
        self._out.dropped('labels')
        if name in self._warned:
            return
        self._warned.add(name)
        with contextlib.suppress(Exception):
            logger.warning(
                'streamtap: the label %s was given a value that is no str, int, float, bool or enumeration of them, and '
                'is _unknown instead: put plain values into the metadata of runs',
                name,
            )
