"""What the environment says of the tap that `opentelemetry-instrument` installs."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from streamtap._base.switch import ON
from streamtap._sinks.metrics.user_labels import checked_labels

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Value = TypeVar('Value')

logger = logging.getLogger('streamtap')

OFF = ('0', 'false', 'no')


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What was said; `docs/install.md` has the variables.

    Args:
        port: The port of the live view and of `/metrics`; `None` to serve neither.
        addr: The address to listen on.
        token: Opens everything.
        metrics_token: Opens the metrics.
        stream: Whether runs stream that otherwise would not.
        labels: Names of the user's own dimensions.
        journal: The path of the journal; `None` for none.
    """

    port: int | None
    addr: str
    token: str | None
    metrics_token: str | None
    stream: bool
    labels: tuple[str, ...]
    journal: str | None


def settings_of(environ: Mapping[str, str]) -> Settings:
    """The settings; a value that makes no sense is logged, and is as if it was not there.

    Args:
        environ: The variables of the environment.
    """

    def read(name: str, parse: Callable[[str], Value], default: Value) -> Value:
        text = environ.get(f'STREAMTAP_{name}', '').strip()
        try:
            return parse(text) if text else default
        except (TypeError, ValueError) as error:
            logger.error('streamtap: STREAMTAP_%s is ignored: %s', name, error)
            return default

    return Settings(
        port=read('SERVE_PORT', _port, None),
        addr=read('SERVE_ADDR', str, '127.0.0.1'),
        token=read('TOKEN', str, None),
        metrics_token=read('METRICS_TOKEN', str, None),
        stream=read('STREAM', _flag, default=False),
        labels=read('LABELS', _labels, ()),
        journal=read('JOURNAL', str, None),
    )


def _port(text: str) -> int | None:
    if not (text.isascii() and text.isdigit() and int(text) <= 65535):
        raise ValueError(f'a port is a number from 0 to 65535, not {text!r}')
    return int(text)


def _flag(text: str) -> bool:
    if text.lower() not in (*ON, *OFF):
        raise ValueError(f'it is 1 or 0, not {text!r}')
    return text.lower() in ON


def _labels(text: str) -> tuple[str, ...]:
    return checked_labels([name.strip() for name in text.split(',')])
