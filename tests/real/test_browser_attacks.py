"""What other pages try, in a real browser: each attack works against a server that lacks what prevents it."""

from __future__ import annotations

import contextlib
import re
import shutil
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING, Any, Literal

import pytest
import trustme
from prometheus_client import CollectorRegistry, Gauge

from streamtap import serve
from streamtap._web import access, guarded
from streamtap._web.cookie import MAX_AGE, Pass
from streamtap._web.guarded import Guarded
from streamtap.testing import FakeClock
from support.made_runs_tap import MadeRunsTap
from support.required import missing

pytestmark = pytest.mark.real
pytest.importorskip('playwright', reason='playwright is not installed: the dev extra gives it')

from playwright.sync_api import expect  # noqa: E402

from support.browser import chromium  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator
    from pathlib import Path

    from _typeshed.wsgi import StartResponse, WSGIEnvironment
    from playwright.sync_api import Browser, BrowserContext, Page

    from streamtap import MetricsServer

TOKEN = 'hvXq2-bMWc71_kTzRpLd'
TENANT = 'a-tenant-of-ours'
ELSEWHERE = 'attacker.test'
REBOUND = 'rebound.test'

Rule = Literal['on', 'off']
CONTROL = pytest.mark.parametrize('rule', ['off', 'on'])
"""`off` is the control: the same server without what prevents the attack."""


@pytest.fixture(scope='module')
def browser() -> Iterator[Browser]:
    program = shutil.which('chromium') or missing('Chromium', '`make servers` gives it, on Debian')
    names = ','.join(f'MAP {name} 127.0.0.1' for name in (ELSEWHERE, REBOUND))
    # As it is in browsers that do not yet ask before a page may reach this machine.
    with chromium(program, f'--host-resolver-rules={names}', '--disable-features=LocalNetworkAccessChecks') as it:
        yield it


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """One person's browser, with its cookies."""
    it = browser.new_context()
    yield it
    it.close()


@dataclass
class Attacker:
    """A server of somebody else's on another port: it says what it is told to, and remembers the cookies it is sent."""

    port: int = 0
    html: str = ''
    set_cookies: list[str] = field(default_factory=list[str])
    cookies: list[str] = field(default_factory=list[str])

    def at(self, host: str) -> str:
        return f'http://{host}:{self.port}/'


@pytest.fixture
def attacker() -> Iterator[Attacker]:
    it = Attacker()

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self):
            it.cookies.append(self.headers['Cookie'] or '')
            self.send_response(200)
            self.send_header('Content-Type', 'text/html')
            for cookie in it.set_cookies:
                self.send_header('Set-Cookie', cookie)
            self.end_headers()
            self.wfile.write(f'<!doctype html><link rel=icon href=data:,><body>{it.html}'.encode())

        def log_request(self, code: object = '-', size: object = '-'):
            """Say nothing."""

    with ThreadingHTTPServer(('127.0.0.1', 0), Answers) as server:
        Thread(target=server.serve_forever).start()
        it.port = server.server_port
        yield it
        server.shutdown()


@pytest.fixture
def answered(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    """The path and status of each answer of the server."""
    seen: list[tuple[str, int]] = []
    answer = Guarded.__call__

    def recorded(self: Guarded, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        def start(status: str, headers: list[tuple[str, str]], *error: Any) -> Any:
            seen.append((environ['PATH_INFO'], int(status.split()[0])))
            return start_response(status, headers, *error)

        return answer(self, environ, start)

    monkeypatch.setattr(Guarded, '__call__', recorded)
    return seen


@pytest.fixture
def rule_off(rule: Rule, monkeypatch: pytest.MonkeyPatch) -> None:
    """The server without its rule and its headers, for the control."""
    if rule == 'off':

        def unguarded(self: Guarded, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
            return self._app(environ, start_response)  # pyright: ignore[reportPrivateUsage]

        monkeypatch.setattr(Guarded, '__call__', unguarded)


@contextlib.contextmanager
def serving(token: str | None = None, **tls: str) -> Generator[MetricsServer]:
    """A server on loopback, with a run and a metric that name a tenant."""
    registry = CollectorRegistry()
    Gauge('secret', 'Something with a name.', ['tenant'], registry=registry).labels(TENANT).set(1)
    tap = MadeRunsTap()
    with serve(
        tap, port=0, token=token, registry=registry, certfile=tls.get('certfile'), keyfile=tls.get('keyfile')
    ) as it:
        tap.add_run('r', agent=TENANT)
        yield it


@pytest.fixture
def server() -> Iterator[MetricsServer]:
    """One that needs no token."""
    with serving() as it:
        yield it


def enter(context: BrowserContext, server: MetricsServer) -> None:
    """Open the page with the token, as its owner does, and leave it again."""
    page = context.new_page()
    page.goto(f'{ours(server)}?token={TOKEN}')
    expect(page.locator('#state')).to_have_text('live')
    page.close()


def ours(server: MetricsServer) -> str:
    assert server.live_url is not None
    return server.live_url


# DNS rebinding

READ = 'async (path) => (await fetch(path)).text()'
READ_EVENTS = """() => new Promise((done) => {
  const source = new EventSource('/events');
  source.addEventListener('all', ({ data }) => { source.close(); done(data); });
  source.addEventListener('error', () => { source.close(); done('refused'); });
})"""


@CONTROL
@pytest.mark.usefixtures('rule_off')
def test_a_name_that_is_led_here_by_dns_reads_nothing(context: BrowserContext, server: MetricsServer, rule: Rule):
    """A page of that name, in the same origin as far as the browser knows, asks for metrics, page and events."""
    page = context.new_page()
    own = f'http://{REBOUND}:{server.port}'
    # As it was before the name led here.
    page.route(f'{own}/attack', lambda route: route.fulfill(content_type='text/html', body='<!doctype html>'))
    page.goto(f'{own}/attack')
    read = [page.evaluate(READ, '/metrics'), page.evaluate(READ_EVENTS)]
    found = [TENANT in text for text in read] + ['<title>streamtap' in page.evaluate(READ, '/')]
    assert found == [rule == 'off'] * 3


@CONTROL
@pytest.mark.usefixtures('rule_off')
def test_metrics_alone_are_not_read_by_dns_either(context: BrowserContext, rule: Rule):
    """Where no tap is given, on any path."""
    registry = CollectorRegistry()
    Gauge('secret', 'Something with a name.', ['tenant'], registry=registry).labels(TENANT).set(1)
    with serve(port=0, registry=registry) as server:
        page = context.new_page()
        for path in ('metrics', 'anything'):
            page.goto(f'http://{REBOUND}:{server.port}/{path}')
            assert (TENANT in page.content()) == (rule == 'off')


# Pages of another origin

ASK = {
    'fetch': "fetch(url, { credentials: 'include' }).then(done, done)",
    'opaque fetch': "fetch(url, { mode: 'no-cors', credentials: 'include' }).then(done, done)",
    'image': "const e = new Image(); e.onload = e.onerror = done; e.src = url",
    'script': "const e = document.createElement('script'); e.onload = e.onerror = done; e.src = url; document.body.append(e)",
    'module': "const e = document.createElement('script'); e.type = 'module'; e.crossOrigin = 'use-credentials'; e.onload = e.onerror = done; e.src = url; document.body.append(e)",
    'style': "const e = document.createElement('link'); e.rel = 'stylesheet'; e.onload = e.onerror = done; e.href = url; document.body.append(e)",
    'frame': "const e = document.createElement('iframe'); e.onload = done; e.src = url; document.body.append(e)",
    'object': "const e = document.createElement('object'); e.onload = e.onerror = done; e.data = url; document.body.append(e)",
    'form in a frame': "document.body.innerHTML = `<iframe name=in></iframe><form action='${url}' target=in>`; document.querySelector('iframe').onload = done; document.forms[0].submit()",
    'events': "const e = new EventSource(url, { withCredentials: true }); e.onopen = e.onerror = () => { e.close(); done(); }",
}  # fmt: skip
"""How a page can ask for an address; `done` is called when it knows how that ended."""
PATHS = ('', 'metrics', 'events', 'live.js', 'icon.svg')


def not_said(_: WSGIEnvironment, __: object) -> bool:
    """As if the browser did not say which page asks."""
    return False


def sent_by(page: Page, way: str, urls: list[str]) -> None:
    """Let a page ask for some addresses, until it knows how that ended."""
    # The stream of events does not end by itself, so that some ways of asking do not either.
    ask = f'(url) => new Promise((done) => {{ setTimeout(done, 800); {ASK[way]} }})'
    page.evaluate(f'async (urls) => {{ for (const url of urls) await ({ask})(url); }}', urls)


@CONTROL
@pytest.mark.parametrize(('host', 'token'), [(ELSEWHERE, None), ('127.0.0.1', TOKEN)], ids=['site', 'port'])
@pytest.mark.timeout(120)
def test_pages_of_another_origin_are_answered_nothing(
    context: BrowserContext,
    attacker: Attacker,
    answered: list[tuple[str, int]],
    monkeypatch: pytest.MonkeyPatch,
    *,
    host: str,
    token: str | None,
    rule: Rule,
):
    """Neither of another site where no token is needed, nor of another port of this host, which has the cookie sent."""
    if rule == 'off':
        monkeypatch.setattr(guarded, 'is_foreign', not_said)
    with serving(token) as server:
        if token is not None:
            enter(context, server)
        found: dict[str, dict[str, int]] = {}
        for way in ASK:
            page = context.new_page()
            page.goto(attacker.at(host))
            answered.clear()
            sent_by(page, way, [f'{ours(server)}{path}' for path in PATHS])
            page.close()
            found[way] = dict(answered)
        status = 403 if rule == 'on' else 200
        assert found == {way: {f'/{path}': status for path in PATHS} for way in ASK}


LOADED = """([kind, url]) => new Promise((done) => {
  const it = document.createElement(kind);
  it.onload = () => done(true);
  it.onerror = () => done(false);
  it.src = url;
  document.body.append(it);
})"""


@CONTROL
@pytest.mark.usefixtures('rule_off')
def test_the_headers_alone_keep_other_pages_out(
    context: BrowserContext, attacker: Attacker, server: MetricsServer, monkeypatch: pytest.MonkeyPatch, *, rule: Rule
):
    """In a browser that does not say which page asks: no image, no script, no frame, no hold on a window."""
    monkeypatch.setattr(guarded, 'is_foreign', not_said)
    page = context.new_page()
    page.goto(attacker.at(ELSEWHERE))
    url = ours(server)
    assert [page.evaluate(LOADED, ['img', f'{url}icon.svg']), page.evaluate(LOADED, ['script', f'{url}live.js'])] == [
        rule == 'off'
    ] * 2
    page.evaluate(LOADED, ['iframe', url])
    assert ('In progress' in page.frames[-1].content()) == (rule == 'off')
    with context.expect_page() as opened:
        page.evaluate('(url) => { window.held = open(url); }', url)
    opened.value.wait_for_load_state()
    assert page.evaluate('window.held.closed') == (rule == 'on')


def test_a_link_of_another_page_opens_this_one(context: BrowserContext, attacker: Attacker, server: MetricsServer):
    """In a window of its own, as the list of targets of Prometheus has them."""
    attacker.html = f'<a href="{ours(server)}">page</a><a href="{server.url}">metrics</a>'
    page = context.new_page()
    for link, shown in (('page', 'In progress'), ('metrics', TENANT)):
        page.goto(attacker.at(ELSEWHERE))
        page.get_by_text(link).click()
        page.wait_for_url(f'{ours(server)}*')
        assert shown in page.content()


# Cookies and tokens


def the_cookie(context: BrowserContext, server: MetricsServer) -> str:
    (found,) = (each.get('value') for each in context.cookies() if each.get('name') == f'streamtap_{server.port}')
    assert found is not None
    return found


def status(context: BrowserContext, url: str) -> int:
    """What a browser gets for a page."""
    page = context.new_page()
    answer = page.goto(url)
    page.close()
    assert answer is not None
    return answer.status


@pytest.mark.parametrize('samesite', ['Strict', 'Lax'])
def test_a_link_with_the_token_opens_the_page(
    context: BrowserContext, attacker: Attacker, monkeypatch: pytest.MonkeyPatch, samesite: str
):
    """From a page elsewhere, for instance a chat: what a strict cookie would prevent."""
    lax = Pass.cookie

    def made(self: Pass, environ: WSGIEnvironment) -> str:
        return lax(self, environ).replace('SameSite=Lax', f'SameSite={samesite}')

    monkeypatch.setattr(Pass, 'cookie', made)
    with serving(TOKEN) as server:
        attacker.html = f'<a href="{ours(server)}?token={TOKEN}">page</a>'
        page = context.new_page()
        page.goto(attacker.at(ELSEWHERE))
        page.get_by_text('page').click()
        page.wait_for_url(ours(server))
        assert ('In progress' in page.content()) == (samesite == 'Lax')


@CONTROL
@pytest.mark.usefixtures('rule_off')
def test_the_token_is_in_no_address_and_no_referer(context: BrowserContext, rule: Rule):
    """Also if the browser had a cookie already; what the page asks for does not carry it."""
    with serving(TOKEN) as server:
        for _ in range(2):
            carried: list[str] = []
            page = context.new_page()
            page.on('request', lambda request, into=carried: into.append(request.all_headers().get('referer', '')))
            page.goto(f'{ours(server)}?token={TOKEN}')
            expect(page.locator('#state')).to_have_text('live')
            left = TOKEN in page.evaluate('document.URL + document.referrer')
            assert (left, any(TOKEN in each for each in carried)) == (rule == 'off', rule == 'off')
            page.close()


def test_over_tls_the_browser_takes_the_cookie(browser: Browser, tmp_path: Path):
    """With its prefix, which browsers refuse unless all is as it must be."""
    issued = trustme.CA().issue_cert('127.0.0.1')
    certfile, keyfile = tmp_path / 'server.pem', tmp_path / 'server.key'
    issued.cert_chain_pems[0].write_to_path(certfile)
    issued.private_key_pem.write_to_path(keyfile)
    context = browser.new_context(ignore_https_errors=True)
    with serving(TOKEN, certfile=str(certfile), keyfile=str(keyfile)) as server:
        enter(context, server)
        (cookie,) = context.cookies()
        assert cookie.get('name') == f'__Host-streamtap_{server.port}'
        assert [cookie.get(name) for name in ('secure', 'httpOnly', 'sameSite')] == [True, True, 'Lax']
        assert status(context, ours(server)) == 200
    context.close()


@pytest.mark.parametrize('from_script', [True, False])
def test_no_script_reads_the_cookie(context: BrowserContext, server: MetricsServer, *, from_script: bool):
    """Control: one that is not only for HTTP."""
    page = context.new_page()
    with serving(TOKEN) as other:
        enter(context, other)
        page.goto(ours(server))
        if from_script:
            value = the_cookie(context, other)
            context.clear_cookies()
            page.evaluate('(cookie) => { document.cookie = cookie; }', f'streamtap_{other.port}={value}')
        assert (f'streamtap_{other.port}' in page.evaluate('document.cookie')) == from_script


@pytest.mark.parametrize('age', [MAX_AGE - 1, MAX_AGE])
def test_an_expired_cookie_opens_nothing(context: BrowserContext, monkeypatch: pytest.MonkeyPatch, age: int):
    """However long a browser keeps it; a second before it does."""
    clock = FakeClock()
    monkeypatch.setattr(access, 'SystemClock', lambda: clock)
    with serving(TOKEN) as server:
        enter(context, server)
        kept = the_cookie(context, server)
        context.clear_cookies()
        context.add_cookies([{'name': f'streamtap_{server.port}', 'value': kept, 'url': ours(server)}])
        clock.advance(age)
        assert status(context, ours(server)) == (200 if age < MAX_AGE else 401)
        assert status(context, f'{ours(server)}?token={TOKEN}') == 200


@pytest.mark.parametrize('whose', ['own', 'another'])
def test_the_cookie_of_another_server_opens_nothing(context: BrowserContext, whose: str):
    """Not even of one with the same token."""
    with serving(TOKEN) as server, serving(TOKEN) as other:
        giver = server if whose == 'own' else other
        enter(context, giver)
        taken = the_cookie(context, giver)
        context.clear_cookies()
        context.add_cookies([{'name': f'streamtap_{server.port}', 'value': taken, 'url': ours(server)}])
        assert status(context, ours(server)) == (200 if whose == 'own' else 401)


def first_only(self: Pass, environ: WSGIEnvironment) -> bool:
    """What many servers do: they look at the first cookie of the name."""
    name = f'streamtap_{environ["SERVER_PORT"]}'
    found = re.search(rf'(?:^|; ){name}=([^;]*)', environ.get('HTTP_COOKIE', ''))
    return found is not None and self._is_good(found[1])  # pyright: ignore[reportPrivateUsage]


@CONTROL
def test_a_cookie_that_another_port_tosses_locks_nobody_out(
    context: BrowserContext, attacker: Attacker, monkeypatch: pytest.MonkeyPatch, rule: Rule
):
    """Of the same name and a longer path, so that browsers send it first: the page stays live."""
    if rule == 'off':
        monkeypatch.setattr(Pass, 'is_shown', first_only)
    with serving(TOKEN) as server:
        enter(context, server)
        attacker.set_cookies = [
            f'streamtap_{server.port}=bad; Path=/events',
            f'streamtap_{server.port}=x; Path=/live.js',
        ]
        assert status(context, attacker.at('127.0.0.1')) == 200
        page = context.new_page()
        page.goto(ours(server))
        got = page.evaluate(
            "async () => { const all = []; for (const path of ['/events', '/live.js']) { const end = new AbortController(); "
            'all.push((await fetch(path, { signal: end.signal })).status); end.abort(); } return all; }'
        )
        assert got == ([200, 200] if rule == 'on' else [401, 401])


def test_a_cookie_that_another_port_replaces_is_made_again(context: BrowserContext, attacker: Attacker):
    """By the token, which opens the page beside any cookies, however broken."""
    with serving(TOKEN) as server:
        enter(context, server)
        name = f'streamtap_{server.port}'
        attacker.set_cookies = [
            f'{name}=gone; Path=/',
            f'{name}=\xff\xfe; Path=/events',
            f'a={"x" * 3000}',
            f'b={"=;" * 9}',
        ]
        assert status(context, attacker.at('127.0.0.1')) == 200
        assert status(context, ours(server)) == 401
        enter(context, server)
        assert status(context, ours(server)) == 200
