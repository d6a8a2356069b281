"""What a setting of an export can be: lengths of time, shares, addresses."""

from __future__ import annotations

import re
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field

RUNBOOKS = 'runbooks.md'
"""The name of the page of runbooks, which alerts show as text unless they are told its address."""


def checked_window(text: str) -> str:
    """A length of time in Prometheus's notation.

    Args:
        text: What may be one.

    Raises:
        ValueError: If it is none.
    """
    if not re.fullmatch('[1-9][0-9]*[smhd]', text):
        raise ValueError(f'{text!r} is no length of time such as 90s, 5m, 1h or 1d')
    return text


def _window_or_none(text: str) -> str:
    return text and checked_window(text)


def _namespace(text: str) -> str:
    if not re.fullmatch('([a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?)?', text):
        raise ValueError(f'{text!r} is no namespace: use small letters, digits and hyphens')
    return text


def _runbooks(text: str) -> str:
    return text if text == RUNBOOKS else _address(text, without='#')


def _grafana(text: str) -> str:
    return text and _address(text, without='?#')


def _address(text: str, *, without: str) -> str:
    """An address to which something is added, so that some characters cannot be in it."""
    try:
        parts = urlsplit(text)
    except ValueError:
        parts = urlsplit('')
    is_address = parts.scheme in ('http', 'https') and parts.hostname and not re.search(r'\s', text)
    if not is_address or any(each in text for each in without):
        raise ValueError(
            f'{text!r} is no address: write it like https://wiki.example.com, without {" or ".join(without)}'
        )
    return text


def _datasource(text: str) -> str:
    if not re.fullmatch(r'\S*', text):
        raise ValueError(f'{text!r} is no uid: it stands in the address of the page of the data source in Grafana')
    return text


def _number(value: object) -> object:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ValueError('must be a number')
    return value


Window = Annotated[str, AfterValidator(checked_window)]
"""A length of time in Prometheus's notation, such as `90s` or `1d`."""

# Whole numbers stay so: they are read by people.
Share = Annotated[int | float, Field(gt=0, le=1), BeforeValidator(_number)]
Positive = Annotated[int | float, Field(gt=0, allow_inf_nan=False), BeforeValidator(_number)]
Whole = Annotated[int, Field(gt=0)]

WindowOrNone = Annotated[str, AfterValidator(_window_or_none)]
Runbooks = Annotated[str, AfterValidator(_runbooks)]
Grafana = Annotated[str, AfterValidator(_grafana)]
Datasource = Annotated[str, AfterValidator(_datasource)]
Namespace = Annotated[str, AfterValidator(_namespace)]
