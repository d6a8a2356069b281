"""What a value of a record can be: a tap measures nothing beyond these bounds, so no line of a journal may be.

Within them, sums and differences stay finite, and what is drawn or printed stays small.
"""

from collections.abc import Mapping
from typing import Annotated, TypeAlias, TypeVar, get_args

from pydantic import FailFast, Field, Strict

from streamtap._base.names import MAX_LENGTH
from streamtap._records.words import ObjectivePart

MAX_PARTS = 256
"""How many parts of a response are kept; a real response has a few, a hostile one could have any number."""

MAX_STALL_STARTS = 16
"""How many stalls of a response are remembered with their time."""

MAX_ENTRIES = 100
"""How many labels or phases a record can have."""

MAX_NUMBER = 10**15
"""The most seconds, dollars, tokens or anything else of one record: a million such sums are exact in JSON and in floats."""

Value = TypeVar('Value')

Text: TypeAlias = Annotated[str, Strict(), Field(max_length=MAX_LENGTH)]
"""A name or an id."""

Seconds: TypeAlias = Annotated[float, Strict(), Field(ge=0, le=MAX_NUMBER, allow_inf_nan=False)]
"""A duration."""

Dollars: TypeAlias = Annotated[float, Strict(), Field(ge=0, le=MAX_NUMBER, allow_inf_nan=False)]
"""A cost, in US dollars."""

Rate: TypeAlias = Annotated[float, Strict(), Field(ge=0, le=MAX_NUMBER, allow_inf_nan=False)]
"""So many tokens per second, or per step."""

Ratio: TypeAlias = Annotated[float, Strict(), Field(ge=0, le=MAX_NUMBER, allow_inf_nan=False)]
"""A share; of a context window it can be more than 1."""

Count: TypeAlias = Annotated[int, Strict(), Field(ge=0, le=MAX_NUMBER)]
"""How many."""

Stamp: TypeAlias = Annotated[int, Strict(), Field(ge=0, lt=2**63)]
"""Nanoseconds since the Unix epoch."""

Index: TypeAlias = Annotated[int, Strict(), Field(gt=-(2**63), lt=2**63)]
"""The number that a server gave to a part."""

Port: TypeAlias = Annotated[int, Strict(), Field(ge=1, le=65535)]
"""The port of a server."""

Setting: TypeAlias = (
    Annotated[int, Strict(), Field(ge=-MAX_NUMBER, le=MAX_NUMBER)]
    | Annotated[float, Strict(), Field(ge=-MAX_NUMBER, le=MAX_NUMBER, allow_inf_nan=False)]
)
"""What a request asked for, such as its temperature."""

Flag: TypeAlias = Annotated[bool, Strict()]
"""Yes or no."""

Entries: TypeAlias = Annotated[Mapping[Text, Value], Field(max_length=MAX_ENTRIES)]
"""Values by name."""

Parts: TypeAlias = Annotated[tuple[Value, ...], FailFast(), Field(max_length=MAX_PARTS)]
"""What is kept of each part of a response."""

StallStarts: TypeAlias = Annotated[tuple[Seconds, ...], FailFast(), Field(max_length=MAX_STALL_STARTS)]
"""When the first stalls began, in seconds."""

Missed: TypeAlias = Annotated[tuple[ObjectivePart, ...], FailFast(), Field(max_length=len(get_args(ObjectivePart)))]
"""What of an objective was missed."""
