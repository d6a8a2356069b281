"""Who asks for the metrics shares a scrape with others."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from streamtap._sinks.prometheus import shared_scrapes
from streamtap._sinks.prometheus.shared_scrapes import MOST_KINDS, MOST_WAITING, SHARED_SECONDS, SharedScrapes
from streamtap.testing import FakeClock

if TYPE_CHECKING:
    from collections.abc import Callable


def counting() -> Callable[[], bytes]:
    """Makes another scrape each time."""
    made: list[None] = []

    def make() -> bytes:
        made.append(None)
        return f'{len(made)}'.encode()

    return make


def data(scrapes: SharedScrapes, kind: str, make: Callable[[], bytes]) -> bytes | None:
    """The scrape that one gets, which is not kept."""
    scrape = scrapes.get(kind, make)
    return None if scrape is None else b''.join(scrape)


def test_a_scrape_is_shared_for_a_second():
    """By those who want the same of it."""
    clock, make = FakeClock(), counting()
    scrapes = SharedScrapes(clock)
    assert [data(scrapes, kind, make) for kind in ('text', 'text', 'protobuf')] == [b'1', b'1', b'2']
    clock.advance(SHARED_SECONDS)
    assert [data(scrapes, kind, make) for kind in ('text', 'text')] == [b'3', b'3']


def test_however_many_kinds_are_asked_for_few_scrapes_are_made():
    """Whoever invents kinds, such as names of series, gets none of the application's time for it."""
    clock, make = FakeClock(), counting()
    scrapes = SharedScrapes(clock)
    assert [data(scrapes, f'kind {number}', make) for number in range(MOST_KINDS + 1)][-2:] == [b'8', None]
    clock.advance(SHARED_SECONDS)
    assert data(scrapes, 'another', make) == b'9'


def test_few_wait_for_a_scrape_and_share_it():
    """Whoever comes later is sent away."""
    scrapes, begun, go_on = SharedScrapes(), threading.Event(), threading.Event()
    seen: list[bytes | None] = []

    def make() -> bytes:
        begun.set()
        assert go_on.wait(10)
        return b'one'

    def ask() -> None:
        seen.append(data(scrapes, 'text', make))

    threads = [threading.Thread(target=ask) for _ in range(1 + MOST_WAITING + 2)]
    for thread in threads:
        thread.start()
    assert begun.wait(10)
    for thread in threads:
        thread.join(0.2)
    assert seen == [None, None]
    go_on.set()
    for thread in threads:
        thread.join(10)
    assert seen[2:] == [b'one'] * (1 + MOST_WAITING)


def test_no_scrape_is_made_while_too_much_of_others_is_being_read(monkeypatch: pytest.MonkeyPatch):
    """Readers that are slow do not make many large ones pile up."""
    monkeypatch.setattr(shared_scrapes, 'MOST_BYTES', 10)
    clock = FakeClock()
    scrapes = SharedScrapes(clock)
    read = scrapes.get('text', lambda: bytes(10))
    clock.advance(SHARED_SECONDS)
    assert data(scrapes, 'text', lambda: b'new') is None
    del read
    # Within a second it is remembered, and in nobody's way.
    assert data(scrapes, 'text', lambda: bytes(10)) == bytes(10)
    assert data(scrapes, 'protobuf', lambda: b'other') == b'other'
    clock.advance(SHARED_SECONDS)
    assert data(scrapes, 'text', lambda: b'new') == b'new'


def test_a_scrape_that_fails_is_not_shared():
    """Whoever asks next makes another one."""
    scrapes = SharedScrapes()

    def fail() -> bytes:
        raise LookupError('a collector failed')

    with pytest.raises(LookupError):
        scrapes.get('text', fail)
    assert data(scrapes, 'text', lambda: b'new') == b'new'
