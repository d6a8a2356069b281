"""The one rule of who may see what, on every path."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from streamtap._web.access import Access
from streamtap._web.cookie import MAX_AGE
from streamtap._web.fetch_metadata import always_metrics, resource_of
from streamtap._web.guarded import SAFETY_HEADERS, Guarded
from streamtap._web.guesses import MAX_CLIENTS, MAX_WRONG, WINDOW
from streamtap.testing import FakeClock

if TYPE_CHECKING:
    from collections.abc import Iterable

    from _typeshed.wsgi import StartResponse, WSGIEnvironment

TOKEN = 'hvXq2-bMWc71_kTzRpLd'
METRICS_TOKEN = 'pQ8sYw3NfJ0aGm5UeXoC'
PATHS = ('/', '/live.js', '/events', '/metrics', '/nothing')
LOOPBACK = 'localhost:9464'


def inside(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """The application that is guarded."""
    start_response('200 OK', [('Content-Type', 'text/plain')])
    return [b'inside']


@dataclass(frozen=True)
class Answer:
    """What a client got."""

    status: int
    headers: list[tuple[str, str]]
    text: str

    def header(self, name: str) -> str | None:
        return dict(self.headers).get(name)


class Site:
    """A server's application behind the rule; `ask()` is a request to it."""

    def __init__(self, addr: str = '127.0.0.1', *, has_page: bool = True, **settings: Any) -> None:
        self.clock = FakeClock()
        self.access = Access(addr, has_page=has_page, clock=self.clock, **settings)
        self.guarded = Guarded(inside, self.access, resource_of if has_page else always_metrics)

    def ask(self, target: str = '/', *, scheme: str = 'http', client: str = '192.0.2.7', **headers: str) -> Answer:
        """A request.

        Args:
            target: The path and the query.
            scheme: Whether it comes over TLS.
            client: The address it comes from.
            **headers: Its headers, named as in WSGI but without `HTTP_`; the `HOST` is loopback if not given.
        """
        return ask(self.guarded, target, scheme=scheme, client=client, **headers)

    def enter(self, **about: str) -> str:
        """The cookie of a browser that has opened the page with the token, as it sends it."""
        return (self.ask(f'/?token={TOKEN}', **about).header('Set-Cookie') or '').partition(';')[0]


def ask(app: Guarded, target: str, *, scheme: str = 'http', client: str = '192.0.2.7', **headers: str) -> Answer:
    path, _, query = target.partition('?')
    environ: dict[str, Any] = {
        'REQUEST_METHOD': 'GET',
        'PATH_INFO': path,
        'QUERY_STRING': query,
        'SERVER_PORT': '9464',
        'REMOTE_ADDR': client,
        'wsgi.url_scheme': scheme,
        'HTTP_HOST': LOOPBACK,
        **{f'HTTP_{name}': value for name, value in headers.items()},
    }
    started: list[tuple[str, list[tuple[str, str]]]] = []

    def start(status: str, headers: list[tuple[str, str]], _: object = None, /) -> Any:
        started.append((status, headers))

    body = b''.join(app(environ, start))
    ((status, given),) = started
    return Answer(int(status.split()[0]), given, body.decode())


def bearer(token: str) -> str:
    return f'Bearer {token}'


# By which name


@pytest.mark.parametrize('host', ['localhost', 'LOCALHOST:1', '127.0.0.1:9464', '127.9.9.9', '[::1]:9464'])
@pytest.mark.parametrize('path', PATHS)
def test_loopback_is_open_by_its_names(path: str, host: str):
    """With any port, as one that `kubectl port-forward` or `ssh -L` chose."""
    assert Site().ask(path, HOST=host).status == 200


@pytest.mark.parametrize(
    'host',
    [
        'example.org',
        'localhost.example.org',
        '127.0.0.1.example.org',
        'host.docker.internal:9464',
        'user@localhost',
        'localhost, example.org',
        'localhost:9464:1',
        'localhost:',
        'localhost/',
        '0.0.0.0:9464',
        '2130706433',
        '192.0.2.1',
        '[::ffff:192.0.2.1]',
        '[',
        '::1',
        ' localhost',
        '',
    ],
)
@pytest.mark.parametrize('path', PATHS)
def test_on_loopback_no_other_name_is_answered(path: str, host: str):
    """A page whose own name leads here by DNS reads nothing, the metrics included, and is told what there is to do."""
    refused = Site().ask(path, HOST=host)
    assert (refused.status, 'localhost or 127.0.0.1' in refused.text) == (403, True)
    assert 'metrics_token' in refused.text


def test_without_a_live_view_the_rule_is_the_same():
    """Every path is the metrics then."""
    site = Site(has_page=False)
    assert [site.ask(path).status for path in ('/metrics', '/')] == [200, 200]
    assert [site.ask(path, HOST='example.org').status for path in ('/metrics', '/')] == [403, 403]


@pytest.mark.parametrize('host', ['10.1.2.3:9464', 'agents.monitoring.svc:9464', 'agents', 'localhost:9464', ''])
def test_on_a_network_metrics_can_be_scraped_by_any_name(host: str):
    """By the address of a pod or the name of a service, also through the proxy of a mesh."""
    site = Site('0.0.0.0', token=TOKEN)
    assert site.ask('/metrics', HOST=host).status == 200
    assert site.ask('/metrics', HOST=host, X_FORWARDED_PROTO='http', AUTHORIZATION=bearer('of-a-service')).status == 200


# Through a proxy

FORWARDING = (
    'FORWARDED',
    'VIA',
    'X_FORWARDED_FOR',
    'X_FORWARDED_HOST',
    'X_FORWARDED_PROTO',
    'X_FORWARDED',
    'X_REAL_IP',
    'CF_CONNECTING_IP',
)


@pytest.mark.parametrize('header', FORWARDING)
@pytest.mark.parametrize('path', PATHS)
def test_a_proxy_does_not_make_an_open_port_public(path: str, header: str):
    """What it passes on is refused, whatever the header says, with what to do about it."""
    for value in ('192.0.2.1', ''):
        refused = Site().ask(path, **{header: value})
        assert (refused.status, 'A proxy has passed this request on' in refused.text) == (403, True)
    assert 'serve(tap, token=...)' in refused.text
    assert 'serve(metrics_token=...)' in refused.text


def test_a_token_comes_through_a_proxy():
    """By whatever name, each for what it opens."""
    site = Site(token=TOKEN, metrics_token=METRICS_TOKEN)
    through = {'HOST': 'agents.example.org', 'X_FORWARDED_FOR': '192.0.2.1', 'X_FORWARDED_PROTO': 'https'}
    assert site.ask('/', AUTHORIZATION=bearer(TOKEN), **through).status == 200
    assert site.ask('/metrics', AUTHORIZATION=bearer(METRICS_TOKEN), **through).status == 200
    assert [site.ask(path, **through).status for path in PATHS] == [401] * 5


def test_the_token_of_the_page_opens_metrics_that_a_proxy_passes_on():
    """The page has a link to them, which must work for whoever sees the page."""
    site = Site(token=TOKEN)
    through = {'HOST': 'agents.example.org', 'X_FORWARDED_FOR': '192.0.2.1'}
    assert site.ask('/metrics').status == 200
    assert site.ask('/metrics', **through).status == 403
    assert site.ask('/metrics', COOKIE=site.enter(**through), **through).status == 200
    assert site.ask('/metrics', AUTHORIZATION=bearer(TOKEN), **through).status == 200
    assert site.ask('/metrics', AUTHORIZATION=bearer('wrong'), **through).status == 403


def test_a_client_certificate_is_as_good_as_a_token_for_metrics():
    """A proxy that has one was meant to be let in."""
    site = Site(has_page=False, is_certified=True)
    assert site.ask('/metrics', HOST='agents.example.org', X_FORWARDED_FOR='192.0.2.1').status == 200


# From which page

SAME = {'SEC_FETCH_SITE': 'same-origin'}
TYPED = {'SEC_FETCH_SITE': 'none', 'SEC_FETCH_MODE': 'navigate', 'SEC_FETCH_DEST': 'document'}


def fetched(site: str, mode: str, kind: str) -> dict[str, str]:
    return {'SEC_FETCH_SITE': site, 'SEC_FETCH_MODE': mode, 'SEC_FETCH_DEST': kind}


@pytest.mark.parametrize('site', ['cross-site', 'same-site'])
@pytest.mark.parametrize(
    ('mode', 'kind'),
    [
        ('cors', 'empty'),
        ('no-cors', 'empty'),
        ('no-cors', 'image'),
        ('no-cors', 'script'),
        ('navigate', 'iframe'),
        ('navigate', 'embed'),
        ('navigate', 'object'),
        ('websocket', 'websocket'),
        ('', ''),
    ],
)
@pytest.mark.parametrize('path', PATHS)
def test_pages_of_another_origin_are_refused(path: str, site: str, mode: str, kind: str):
    """Another port of this host is one too, whoever is logged in, and mounted or not."""
    entered = Site(token=TOKEN)
    cookie = entered.enter()
    for app in (Site().guarded, entered.guarded, Guarded(inside, None, resource_of)):
        assert ask(app, path, COOKIE=cookie, **fetched(site, mode, kind)).status == 403


@pytest.mark.parametrize('site', ['cross-site', 'same-site'])
def test_a_link_elsewhere_opens_the_page_and_the_metrics(site: str):
    """In a window of its own, as Prometheus links to its targets; nothing else is opened by a link."""
    link = fetched(site, 'navigate', 'document')
    assert {path: Site().ask(path, **link).status for path in PATHS} == {
        '/': 200,
        '/metrics': 200,
        '/events': 403,
        '/live.js': 403,
        '/nothing': 403,
    }


def test_what_the_page_asks_for_is_answered():
    """And what a person types, except the events, which are for the page only."""
    site = Site()
    assert site.ask('/', **TYPED).status == 200
    assert site.ask('/metrics', **TYPED).status == 200
    assert site.ask('/metrics', **fetched('same-origin', 'navigate', 'document')).status == 200
    assert site.ask('/live.js', **fetched('same-origin', 'cors', 'script')).status == 200
    assert site.ask('/events', **fetched('same-origin', 'cors', 'empty')).status == 200
    assert site.ask('/events', **TYPED).status == 403
    assert site.ask('/events', **fetched('same-origin', 'no-cors', 'image')).status == 403


def test_a_page_elsewhere_cannot_let_a_browser_guess():
    """Its requests are refused before the token is looked at, so that they keep nobody out."""
    site = Site(token=TOKEN)
    for _ in range(MAX_WRONG * 2):
        assert site.ask('/?token=wrong', **fetched('cross-site', 'no-cors', 'image')).status == 403
    assert site.ask(f'/?token={TOKEN}').status == 303


# The headers of every answer


def test_every_answer_has_the_safety_headers_once():
    """What is let in and what is refused."""
    entered = Site(token=TOKEN)
    answers = [
        Site().ask('/metrics'),
        Site().ask('/metrics', HOST='example.org'),
        Site().ask('/', X_FORWARDED_FOR='192.0.2.1'),
        Site().ask('/events', **TYPED),
        entered.ask('/'),
        entered.ask(f'/?token={TOKEN}'),
        *(entered.ask('/?token=wrong') for _ in range(MAX_WRONG + 1)),
        ask(Guarded(inside, None, always_metrics), '/'),
    ]
    assert {answer.status for answer in answers} == {200, 303, 401, 403, 429}
    names = {name for name, _ in SAFETY_HEADERS}
    for answer in answers:
        assert [header for header in answer.headers if header[0] in names] == list(SAFETY_HEADERS)
        assert answer.header('Content-Type') is not None


# Tokens


def test_the_metrics_token_opens_the_metrics_and_nothing_else():
    """As a header; the token of the page opens both."""
    site = Site('0.0.0.0', token=TOKEN, metrics_token=METRICS_TOKEN)
    assert site.ask('/metrics').status == 401
    assert site.ask('/metrics').header('WWW-Authenticate') == 'Bearer'
    assert site.ask(f'/metrics?token={METRICS_TOKEN}').status == 401
    assert site.ask('/metrics', AUTHORIZATION=bearer(METRICS_TOKEN)).status == 200
    assert site.ask('/metrics', AUTHORIZATION=f'bearer  {METRICS_TOKEN} ').status == 200
    assert site.ask('/metrics', AUTHORIZATION=f'Basic {METRICS_TOKEN}').status == 401
    assert site.ask('/metrics', AUTHORIZATION=bearer(TOKEN)).status == 200
    assert site.ask('/metrics', COOKIE=site.enter()).status == 200
    for path in ('/', '/events', '/live.js'):
        assert site.ask(path, AUTHORIZATION=bearer(METRICS_TOKEN)).status == 401
    assert site.ask(f'/?token={METRICS_TOKEN}').status == 401


def test_metrics_without_a_live_view_can_have_a_token():
    """On loopback by any name then, for instance `host.docker.internal`."""
    site = Site(has_page=False, metrics_token=METRICS_TOKEN)
    assert site.ask('/metrics').status == 401
    assert site.ask('/metrics', HOST='host.docker.internal:9464', AUTHORIZATION=bearer(METRICS_TOKEN)).status == 200


def test_the_token_leaves_the_address_in_any_case():
    """Also when the browser has a cookie, when the token is an old one, and when none is needed."""
    site = Site(token=TOKEN)
    cookie = site.enter()
    for target in (f'/?token={TOKEN}', '/?token=an-old-one', '/?token='):
        left = site.ask(target, COOKIE=cookie)
        assert (left.status, left.header('Location')) == (303, './')
    left = Site().ask('/?token=an-old-one')
    assert (left.status, left.header('Location'), left.header('Set-Cookie')) == (303, './', None)


@pytest.mark.parametrize('query', ['a=b&token={}', 'token={}&a=b', 'token={}&token=other'])
def test_the_token_is_found_in_any_query(query: str):
    """Beside other parameters, also with the characters of base64, as they are or escaped."""
    token = 'q2V+kZ/8mYb4cR0xw7=='
    site = Site(token=token)
    for written in (token, 'q2V%2BkZ%2f8mYb4cR0xw7%3D%3D'):
        assert site.ask(f'/?{query.format(written)}').status == 303


def test_one_request_is_one_guess():
    """A second token in the address is not looked at."""
    assert Site(token=TOKEN).ask(f'/?token=wrong&token={TOKEN}').status == 401


# Cookies


def test_a_cookie_lets_a_browser_in_until_it_expires():
    """For as long as it says, even if the browser keeps it; the token makes a new one."""
    site = Site(token=TOKEN)
    entered = site.ask(f'/?token={TOKEN}')
    cookie = str(entered.header('Set-Cookie'))
    value = cookie.partition(';')[0]
    assert cookie == f'{value}; Path=/; Max-Age={MAX_AGE}; HttpOnly; SameSite=Lax'
    assert value.startswith('streamtap_9464=')
    assert TOKEN not in cookie
    site.clock.advance(MAX_AGE - 1)
    assert [site.ask(path, COOKIE=value).status for path in PATHS] == [200] * 5
    site.clock.advance(1)
    assert [site.ask(path, COOKIE=value).status for path in ('/', '/events')] == [401, 401]
    assert site.ask('/', COOKIE=site.enter()).status == 200


def test_an_expiry_cannot_be_changed():
    """It is signed."""
    site = Site(token=TOKEN)
    name, _, value = site.enter().partition('=')
    expires, _, signature = value.partition('.')
    for forged in (f'{int(expires) + 1}.{signature}', f'0{expires}.{signature}', f'{expires}.{signature[:-1]}'):
        assert site.ask('/', COOKIE=f'{name}={forged}').status == 401
    assert site.ask('/', COOKIE=f'{name}={value}').status == 200


def test_a_cookie_is_good_for_its_own_server_only():
    """Not for another one with the same token, which the same one is after a restart."""
    first, second = Site(token=TOKEN), Site(token=TOKEN)
    cookie = first.enter()
    assert (first.ask('/', COOKIE=cookie).status, second.ask('/', COOKIE=cookie).status) == (200, 401)


@pytest.mark.parametrize(
    'over',
    [
        {'scheme': 'https'},
        {'X_FORWARDED_PROTO': 'https'},
        {'X_FORWARDED_PROTO': 'HTTPS, http'},
        {'FORWARDED': 'for=192.0.2.1; proto="https"; host=example.org'},
    ],
)
def test_over_tls_the_cookie_is_for_tls_only(over: dict[str, str]):
    """Also where a proxy says that the browser uses it."""
    site = Site(token=TOKEN)
    cookie = str(site.ask(f'/?token={TOKEN}', **over).header('Set-Cookie'))
    assert cookie.startswith('__Host-streamtap_9464=')
    assert cookie.endswith('; Secure')
    assert site.ask('/', COOKIE=cookie.partition(';')[0], **over).status == 200


@pytest.mark.parametrize('over', [{}, {'X_FORWARDED_PROTO': 'http, https'}, {'FORWARDED': 'for=192.0.2.1;proto=http'}])
def test_in_the_clear_the_cookie_is_for_that_too(over: dict[str, str]):
    """A browser would not take it otherwise."""
    cookie = str(Site(token=TOKEN).ask(f'/?token={TOKEN}', **over).header('Set-Cookie'))
    assert ('Secure' in cookie, cookie.startswith('streamtap_9464=')) == (False, True)


BAD_COOKIES = (
    'streamtap_9464=',
    'streamtap_9464=bad',
    'streamtap_9464=1.2.3',
    'streamtap_9464=ÿ\x80',
    'streamtap_9464=ÿ.' + 'ä' * 64,
    'streamtap_9464=9.' + 'ä' * 64,
    'streamtap_9464=99999999.' + '0' * 64,
    'streamtap_9464=' + '9' * 5000 + '.' + '0' * 64,
    '__Host-streamtap_9464=x',
    'prefs={"theme":"dark"}',
    'flag',
    '=;=;;',
    'a=b c\x01',
    'x=' + 'y' * 60_000,
    '; '.join(f'streamtap_9464={number}.{"0" * 64}' for number in range(800)),
)


@pytest.mark.parametrize('bad', BAD_COOKIES, ids=range(len(BAD_COOKIES)))
def test_a_bad_cookie_locks_nobody_out(bad: str):
    """Neither beside the good one, before or after it, nor beside the token."""
    site = Site(token=TOKEN)
    good = site.enter()
    assert site.ask('/', COOKIE=f'{bad}; {good}').status == 200
    assert site.ask('/', COOKIE=f'{good}; {bad}').status == 200
    assert site.ask('/', COOKIE=bad).status == 401
    assert site.ask('/', COOKIE=bad, AUTHORIZATION=bearer(TOKEN)).status == 200
    assert site.ask(f'/?token={TOKEN}', COOKIE=bad).status == 303


def test_very_many_cookies_take_little_time():
    """A head of 64 KiB full of cookies of the right name and shape, as another server may pass it to a mounted page."""
    site = Site(token=TOKEN)
    many = '; '.join(f'streamtap_9464={number}.{"0" * 64}' for number in range(800))
    before = time.perf_counter()
    site.ask('/', COOKIE=many)
    assert time.perf_counter() - before < 0.25


def test_old_cookies_are_no_guesses(caplog: pytest.LogCaptureFixture):
    """A page that is left open asks with the cookie of the server before, again and again."""
    site = Site(token=TOKEN)
    for _ in range(MAX_WRONG * 3):
        assert site.ask('/events', COOKIE=Site(token=TOKEN).enter()).status == 401
    assert site.ask(f'/?token={TOKEN}').status == 303
    assert caplog.messages == []


# Guesses


def test_whoever_guesses_has_to_wait():
    """After ten in a minute none of its tokens is looked at until the minute is over, not even the right one."""
    site = Site(token=TOKEN, metrics_token=METRICS_TOKEN)
    for number in range(MAX_WRONG):
        target, shown = (('/?token=wrong', ''), ('/', bearer('wrong')), ('/metrics', bearer('wrong')))[number % 3]
        assert site.ask(target, AUTHORIZATION=shown).status == 401
    waits = site.ask(f'/?token={TOKEN}')
    assert (waits.status, waits.header('Retry-After'), waits.header('Set-Cookie')) == (429, '60', None)
    assert site.ask('/metrics', AUTHORIZATION=bearer(METRICS_TOKEN)).status == 429
    site.clock.advance(WINDOW)
    assert site.ask(f'/?token={TOKEN}').status == 303


def test_guesses_keep_nobody_else_out():
    """Neither another client, nor a browser with a cookie, nor those behind the same proxy that were let in before."""
    site = Site(token=TOKEN, metrics_token=METRICS_TOKEN)
    cookie = site.enter(client='192.0.2.50')
    site.ask('/metrics', AUTHORIZATION=bearer(METRICS_TOKEN), client='192.0.2.60')
    for address in ('192.0.2.50', '192.0.2.60', '192.0.2.70'):
        for _ in range(MAX_WRONG * 2):
            site.ask('/?token=wrong', client=address)
    assert site.ask(f'/?token={TOKEN}', client='192.0.2.80').status == 303
    assert site.ask('/', COOKIE=cookie, client='192.0.2.70').status == 200
    assert site.ask('/?token=wrong', client='192.0.2.50').status == 429
    assert site.ask(f'/?token={TOKEN}', client='192.0.2.50').status == 303
    assert site.ask('/metrics', AUTHORIZATION=bearer(METRICS_TOKEN), client='192.0.2.60').status == 200


def test_who_may_scrape_has_no_more_guesses_at_the_page_than_others():
    """Neither on the page nor where its token opens the metrics; its scrapes go on."""
    site = Site(token=TOKEN, metrics_token=METRICS_TOKEN)
    assert site.ask('/metrics', AUTHORIZATION=bearer(METRICS_TOKEN)).status == 200
    for _ in range(MAX_WRONG):
        site.ask('/', AUTHORIZATION=bearer('wrong'))
    assert site.ask(f'/?token={TOKEN}').status == 429
    assert site.ask('/metrics', AUTHORIZATION=bearer(TOKEN)).status == 429
    assert site.ask('/metrics', AUTHORIZATION=bearer(METRICS_TOKEN)).status == 200


def test_clients_of_ipv4_are_apart_where_they_come_by_ipv6():
    """A listener for both names them so."""
    site = Site(token=TOKEN)
    for _ in range(MAX_WRONG):
        site.ask('/?token=wrong', client='::ffff:192.0.2.1')
    assert site.ask(f'/?token={TOKEN}', client='::ffff:192.0.2.1').status == 429
    assert site.ask(f'/?token={TOKEN}', client='::ffff:192.0.2.2').status == 303


def test_what_is_open_stays_open_for_whoever_guesses():
    """The metrics, and a request that shows no token is only told that it needs one."""
    site = Site('0.0.0.0', token=TOKEN)
    for _ in range(MAX_WRONG * 2):
        site.ask('/?token=wrong')
    assert site.ask('/metrics').status == 200
    assert site.ask('/').status == 401


def test_a_network_of_ipv6_is_one_client():
    """Whoever has one has 2**64 addresses."""
    site = Site(token=TOKEN)
    for number in range(MAX_WRONG):
        site.ask('/?token=wrong', client=f'2001:db8::{number:x}')
    assert site.ask(f'/?token={TOKEN}', client='2001:db8::ffff').status == 429
    assert site.ask(f'/?token={TOKEN}', client='2001:db8:0:1::1').status == 303


def test_clients_are_remembered_up_to_a_number():
    """Those that came longest ago are forgotten first."""
    site = Site(token=TOKEN)
    for _ in range(MAX_WRONG):
        site.ask('/?token=wrong', client='198.51.100.1')
    assert site.ask(f'/?token={TOKEN}', client='198.51.100.1').status == 429
    for number in range(MAX_CLIENTS):
        site.ask('/?token=wrong', client=f'10.0.{number // 256}.{number % 256}')
    assert site.ask(f'/?token={TOKEN}', client='198.51.100.1').status == 303


def test_the_log_says_how_many_wrong_tokens_there_were(caplog: pytest.LogCaptureFixture):
    """Once a minute, with the number and the last client, and never a token."""
    site = Site(token=TOKEN)
    with caplog.at_level(logging.WARNING, 'streamtap'):
        for _ in range(40):
            site.ask('/?token=wrong-guess')
        site.clock.advance(WINDOW)
        # Whatever is asked next, so that the rest is not left unsaid.
        site.ask('/metrics')
        site.clock.advance(WINDOW)
        site.ask('/metrics')
    assert caplog.messages == [
        'streamtap: 1 request showed a wrong token since this was last said, the last one from 192.0.2.7',
        'streamtap: 39 requests showed a wrong token since this was last said, the last one from 192.0.2.7',
    ]
