"""The user's own labels: their names, which are validated, and their values."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from streamtap._base.names import MAX_LENGTH
from streamtap._records.bounds import MAX_ENTRIES
from streamtap._sinks.metrics.catalogue import CATALOGUE

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

RESERVED_LABELS = frozenset({label for metric in CATALOGUE for label in metric.labels}) | {
    'le',
    'quantile',
    'job',
    'instance',
    'pid',
}
"""Label names that the catalogue, Prometheus or its scrapes use."""

_LABEL = re.compile(r'[a-zA-Z_][a-zA-Z0-9_]*\Z')


def checked_labels(labels: Iterable[str]) -> tuple[str, ...]:
    """The names of the user's own labels, validated.

    Args:
        labels: The names.

    Raises:
        TypeError: If they are not a collection of strings.
        ValueError: If a name is invalid in Prometheus, reserved, longer than any name here, or given twice, or if there
            are too many.
    """
    if isinstance(labels, str):
        raise TypeError(f'labels must be a collection of names, for instance labels=({labels!r},)')
    names = tuple(labels)
    for name in names:
        if not isinstance(name, str):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise TypeError(f'a label name must be a string, not {type(name).__name__}')
        if not _LABEL.match(name) or name.startswith('__'):
            raise ValueError(
                f'{name!r} cannot be a Prometheus label: use letters, digits and underscores, beginning with a letter, '
                'such as "tenant_tier"'
            )
        if len(name) > MAX_LENGTH:
            raise ValueError(f'the label {name[:20]!r}... has more than {MAX_LENGTH} characters: choose a shorter name')
        if name in RESERVED_LABELS:
            raise ValueError(f'the label {name!r} is reserved by streamtap or Prometheus: choose another name')
    if len(names) > MAX_ENTRIES:
        raise ValueError(f'there can be {MAX_ENTRIES} labels, not {len(names)}')
    if len(set(names)) != len(names):
        raise ValueError(f'each label must be named only once, not {names!r}')
    return names


def checked_subset(argument: str, chosen: Iterable[str], labels: tuple[str, ...]) -> frozenset[str]:
    """Some of the user's own labels, each of which there is.

    Args:
        argument: What they are given as.
        chosen: Their names.
        labels: The names of all.

    Raises:
        TypeError: If they are not a collection of strings.
        ValueError: If there is no such label.
    """
    if isinstance(chosen, str):
        raise TypeError(f'{argument} must be a collection of names, for instance {argument}=({chosen!r},)')
    found = tuple(chosen)
    if strangers := [name for name in found if name not in labels]:
        raise ValueError(f'{argument} has {strangers[0]!r}, which is none of labels={labels!r}: name it in both')
    return frozenset(found)


def label_values(names: tuple[str, ...], labels: Mapping[str, str]) -> tuple[str, ...]:
    """The values of the user's own labels, '' where missing."""
    # Most taps have none, and this is called for every metric of every record.
    return tuple([labels.get(name, '') for name in names]) if names else ()
