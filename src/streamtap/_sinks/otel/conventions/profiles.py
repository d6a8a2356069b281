"""The profiles by the names that users give."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias, get_args

from streamtap._sinks.otel.conventions.latest import LATEST
from streamtap._sinks.otel.conventions.v1_41 import V1_41

if TYPE_CHECKING:
    from collections.abc import Mapping

    from streamtap._sinks.otel.conventions.tables import Profile

Semconv: TypeAlias = Literal['1.41', 'latest']
"""Which version of OpenTelemetry's conventions for generative AI: the last one with a number, or the newest."""

PROFILES: Mapping[Semconv, Profile] = {'1.41': V1_41, 'latest': LATEST}


def profile_named(semconv: object) -> Profile:
    """The profile of that name.

    Raises:
        ValueError: If there is none.
    """
    for name in get_args(Semconv):
        if semconv == name:
            return PROFILES[name]
    raise ValueError(f"semconv must be '1.41' or 'latest', not {semconv!r}")
