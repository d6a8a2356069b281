"""Which tokens are refused."""

from __future__ import annotations

import base64
import random
import secrets

import pytest

from streamtap import BaseSink, Tap, serve
from streamtap._web.tokens import Token

SECRET = 'hvXq2-bMWc71_kTzRpLd'


@pytest.mark.parametrize('length', [8, 16, 32])
def test_random_tokens_are_good(length: int):
    """However they are written; none is refused by chance."""
    chance = random.Random(length)
    for _ in range(2000):
        made = chance.randbytes(length)
        for written in (made.hex(), base64.urlsafe_b64encode(made + made[:4]).decode().rstrip('=')):
            assert Token('token', written).is_shown(written)


@pytest.mark.parametrize('good', ['dGhpcyBpcyBub3QgYSB0+/4=', 'streamtap-secret-e7a9193151d34db6', SECRET])
def test_a_random_part_is_enough(good: str):
    """Whatever word it stands beside, and in the characters of any base64."""
    assert Token('token', good).is_shown(good)


def test_short_ones_are_refused():
    """Below sixteen characters."""
    with pytest.raises(ValueError, match=r'token must have at least 16 characters: use secrets\.token_urlsafe\(\)'):
        Token('token', SECRET[:15])


@pytest.mark.parametrize(
    'weak',
    [
        'aaaaaaaaaaaaaaaaaaaaaaaa',
        'abababababababababab',
        'x7!x7!'.replace('!', 'k') * 8,
        'changeme-changeme-changeme',
        'please-change-this-token',
        'supersecretpassword',
        'Passw0rd12345678',
        'my-secret-token-1234',
        '0123456789abcdef',
        'abcdefghijklmnop',
        'qwertyuiopasdfghjkl',
        'hunter2hunter2hunter2',
        '11112222333344445555',
    ],
)
def test_what_is_easy_to_guess_is_refused(weak: str):
    """Well-known words, rows of keys, repetitions and few characters; the error says what to use, and not the token."""
    with pytest.raises(ValueError, match=r'^metrics_token is easy to guess: use secrets\.token_urlsafe\(\)$'):
        Token('metrics_token', weak)


@pytest.mark.parametrize(
    'bad', [f'{SECRET}\n', f'{SECRET} x', f'{SECRET}ä', f'{SECRET}&x', f'{SECRET}#x', f'{SECRET}%41']
)
def test_what_a_header_or_an_address_cannot_carry_is_refused(bad: str):
    """For instance a line break, from a file; the error does not contain the token."""
    with pytest.raises(ValueError, match='may have only letters') as raised:
        Token('token', bad)
    assert SECRET not in str(raised.value)


def test_bytes_are_refused():
    """As `secrets.token_bytes()` is easily taken for it."""
    wrong: str = secrets.token_bytes(32)  # pyright: ignore[reportAssignmentType]
    with pytest.raises(TypeError, match='token must be a string'):
        Token('token', wrong)


@pytest.mark.parametrize('shown', ['', SECRET[:-1], f'{SECRET}x', SECRET.upper(), f'{SECRET}\udcff', 'ä' * 20])
def test_nothing_else_is_the_token(shown: str):
    """Whatever characters it has."""
    assert not Token('token', SECRET).is_shown(shown)


def test_serve_refuses_weak_tokens():
    """Both kinds, before it listens."""
    with pytest.raises(ValueError, match=r'^token is easy to guess'):
        serve(Tap([BaseSink()]), port=0, token='changeme' * 3)
    with pytest.raises(ValueError, match=r'^metrics_token must have at least 16'):
        serve(port=0, metrics_token='hunter2')


def test_one_token_for_both_is_refused():
    """Whoever may scrape could open the live view."""
    with pytest.raises(ValueError, match='metrics_token is the same as token'):
        serve(Tap([BaseSink()]), port=0, token=SECRET, metrics_token=SECRET)
