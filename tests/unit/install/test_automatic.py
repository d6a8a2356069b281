"""The tap of `opentelemetry-instrument`: what the environment says of it, when it is made, and to whom it gives way."""

from __future__ import annotations

import asyncio
import functools
import socket
import urllib.request
from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

import streamtap
from streamtap import MetricsServer, OTelMetricSink, PrometheusSink, Tap, read_journal
from streamtap._install import automatic
from streamtap._install.process import PROCESS
from streamtap._install.settings import Settings, settings_of
from streamtap._upstream import versions
from streamtap.testing import capture
from streamtap_instrumentor import StreamtapInstrumentor
from support.installed import as_before
from support.paths import ROOT
from support.scripted import agent

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from prometheus_client import CollectorRegistry

VARIABLES = ('SERVE_PORT', 'SERVE_ADDR', 'TOKEN', 'METRICS_TOKEN', 'STREAM', 'LABELS', 'JOURNAL')
TOKEN = 'b3Vycy1hbmQtbm9ib2R5LWVsc2Vz'


class Exported:
    """What OpenTelemetry was given."""

    def __init__(self) -> None:
        self._spans, self._metrics = InMemorySpanExporter(), InMemoryMetricReader()
        tracers, meters = TracerProvider(), MeterProvider([self._metrics])
        tracers.add_span_processor(SimpleSpanProcessor(self._spans))
        self.providers: Any = {'tracer_provider': tracers, 'meter_provider': meters}

    def spans(self) -> list[str]:
        """The names of the spans."""
        return [span.name for span in self._spans.get_finished_spans()]

    def metrics(self) -> set[str]:
        """The names of the metrics that have a value."""
        data = self._metrics.get_metrics_data()
        assert data is not None
        return {each.name for found in data.resource_metrics for scope in found.scope_metrics for each in scope.metrics}


@pytest.fixture
def exported(monkeypatch: pytest.MonkeyPatch, registry: CollectorRegistry) -> Iterator[Exported]:
    """Whatever is installed here is gone after the test, and this process's environment says nothing of it."""
    for name in VARIABLES:
        monkeypatch.delenv(f'STREAMTAP_{name}', raising=False)
    monkeypatch.setattr(PrometheusSink, '__init__', functools.partialmethod(PrometheusSink.__init__, registry))
    with as_before():
        yield Exported()


def instrument(exported: Exported) -> None:
    automatic.install_automatically(**exported.providers)


def run(output: str = 'done') -> None:
    made = agent([output])
    assert asyncio.run(made.run('hello', metadata={'tenant': 'acme'})).output == output


def fetch(url: str) -> str:
    # Not through a proxy of the environment.
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(url, timeout=5) as answer:
        return answer.read().decode()


def server_of_the_page() -> MetricsServer:
    assert isinstance(PROCESS.installed, automatic.Automatic)
    assert PROCESS.installed.server is not None
    return PROCESS.installed.server


NOTHING = Settings(port=None, addr='127.0.0.1', token=None, metrics_token=None, stream=False, labels=(), journal=None)


def test_without_variables_there_is_nothing_but_spans_and_metrics():
    """Blanks are nothing either."""
    assert settings_of({}) == settings_of({f'STREAMTAP_{name}': ' ' for name in VARIABLES}) == NOTHING


def test_each_variable_is_read():
    """As the page says that lists them."""
    said = {
        'SERVE_PORT': '9464',
        'SERVE_ADDR': '0.0.0.0',
        'TOKEN': TOKEN,
        'METRICS_TOKEN': TOKEN[::-1],
        'STREAM': '1',
        'LABELS': 'tenant, tier',
        'JOURNAL': 'runs-{pid}.jsonl',
    }
    assert settings_of({f'STREAMTAP_{name}': text for name, text in said.items()}) == Settings(
        port=9464,
        addr='0.0.0.0',
        token=TOKEN,
        metrics_token=TOKEN[::-1],
        stream=True,
        labels=('tenant', 'tier'),
        journal='runs-{pid}.jsonl',
    )


def test_the_page_lists_each_variable():
    """And no other."""
    page = (ROOT / 'docs' / 'install.md').read_text(encoding='utf-8')
    listed = [line.split('`')[1] for line in page.splitlines() if line.startswith('| `STREAMTAP_')]
    assert listed == [*(f'STREAMTAP_{name}' for name in VARIABLES), 'STREAMTAP_DISABLED']


@pytest.mark.parametrize(
    ('name', 'text', 'why'),
    [
        ('SERVE_PORT', 'tcp://10.0.0.1:9464', "a port is a number from 0 to 65535, not 'tcp://10.0.0.1:9464'"),
        ('SERVE_PORT', '65536', "a port is a number from 0 to 65535, not '65536'"),
        ('SERVE_PORT', '²', "a port is a number from 0 to 65535, not '²'"),
        ('STREAM', 'perhaps', "it is 1 or 0, not 'perhaps'"),
        ('LABELS', 'tenant,,', "'' cannot be a Prometheus label"),
        ('LABELS', 'agent', "the label 'agent' is reserved"),
    ],
)
def test_a_wrong_value_is_logged_and_left_out(name: str, text: str, why: str, caplog: pytest.LogCaptureFixture):
    """By the name of its variable; the others count."""
    said = {'STREAMTAP_TOKEN': TOKEN, f'STREAMTAP_{name}': text}
    assert settings_of(said) == settings_of({'STREAMTAP_TOKEN': TOKEN})
    assert [message.startswith(f'streamtap: STREAMTAP_{name} is ignored: {why}') for message in caplog.messages] == [
        True
    ]


def test_agents_are_measured_without_a_line_of_code(exported: Exported):
    """By spans and metrics of the providers that OpenTelemetry has set up."""
    instrument(exported)
    run()
    assert exported.spans() == ['chat scripted', 'invoke_agent scripted']
    assert {'pydantic_ai.runs', 'pydantic_ai.run_duration'} <= exported.metrics()


def test_its_tap_is_made_at_the_first_run(exported: Exported):
    """Or when somebody asks for it."""
    instrument(exported)
    assert PROCESS.installed is not None
    assert PROCESS.installed.made is None
    tap = streamtap.install()
    assert PROCESS.installed.made is tap
    run()
    tap.flush()
    assert [each.agent for each in tap.usage.summary().agents] == ['scripted']


def test_a_tap_of_the_applications_own_may_have_other_labels(exported: Exported, caplog: pytest.LogCaptureFixture):
    """Whoever comes second counts nothing there, and that is not the application; the rest is as ever."""
    instrument(exported)
    own = Tap([OTelMetricSink(exported.providers['meter_provider'])], labels=['tenant'])
    for _ in range(2):
        run()
    own.close()
    assert exported.spans() == ['chat scripted', 'invoke_agent scripted'] * 2
    refused = 'streamtap: OpenTelemetry gets no metrics: another tap already writes to the same'
    assert [message.startswith(refused) for message in caplog.messages] == [True]


def test_with_a_port_the_page_and_the_metrics_are_served_at_once(
    exported: Exported, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    """Before any run; with whatever else is said."""
    for name, text in (('SERVE_PORT', '0'), ('STREAM', 'yes'), ('LABELS', 'tenant'), ('JOURNAL', str(tmp_path / 'j'))):
        monkeypatch.setenv(f'STREAMTAP_{name}', text)
    instrument(exported)
    server = server_of_the_page()
    assert server.live_url is not None
    assert '<title>' in fetch(server.live_url)
    run()
    labels = '{agent="scripted",door="capability",nested="false",outcome="success",tenant="acme"}'
    assert f'pydantic_ai_runs_total{labels} 1.0' in fetch(server.url)
    streamtap.uninstall()
    assert not server.is_serving
    kinds = [type(record).__name__ for record in read_journal(tmp_path / 'j')]
    assert kinds == ['ResponseRecord', 'RunRecord']


@pytest.mark.parametrize(
    ('name', 'text', 'what'),
    [
        (
            'SERVE_ADDR',
            '0.0.0.0',
            'no page and no /metrics are served, see STREAMTAP_SERVE_PORT: the live view on 0.0.0.0 needs a token',
        ),
        ('SERVE_ADDR', '192.0.2.1', 'no page and no /metrics are served, see STREAMTAP_SERVE_PORT: '),
        ('TOKEN', 'guess me', 'no page and no /metrics are served, see STREAMTAP_SERVE_PORT: token may have only'),
        (
            'JOURNAL',
            'there/is/no/such/folder',
            'there is no journal, see STREAMTAP_JOURNAL: there is no folder there/is/no/such',
        ),
    ],
)
def test_what_cannot_be_had_is_logged_and_left_out(
    name: str,
    text: str,
    what: str,
    exported: Exported,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
):
    """The rest works, and the application starts; a token is in no log."""
    monkeypatch.setenv('STREAMTAP_SERVE_PORT', '0')
    monkeypatch.setenv(f'STREAMTAP_{name}', text)
    instrument(exported)
    run()
    assert [message.startswith(f'streamtap: {what}') for message in caplog.messages] == [True]
    assert 'guess me' not in caplog.text
    assert exported.spans() == ['chat scripted', 'invoke_agent scripted']


def test_a_port_that_is_in_use_is_logged(
    exported: Exported, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    """With what to do."""
    with socket.socket() as taken:
        taken.bind(('127.0.0.1', 0))
        taken.listen()
        monkeypatch.setenv('STREAMTAP_SERVE_PORT', str(taken.getsockname()[1]))
        instrument(exported)
    assert len(caplog.messages) == 1
    assert 'no page and no /metrics are served' in caplog.text
    assert 'is in use' in caplog.text


def test_code_that_asks_for_the_tap_gets_it_with_what_a_tap_has(exported: Exported, registry: CollectorRegistry):
    """It counts for Prometheus too then, and gives way to no other any more."""
    instrument(exported)
    tap = streamtap.install()
    assert streamtap.install() is tap
    run()
    labels = {'agent': 'scripted', 'door': 'capability', 'nested': 'false', 'outcome': 'success'}
    assert registry.get_sample_value('pydantic_ai_runs_total', labels) == 1
    assert 'pydantic_ai.runs' in exported.metrics()
    with pytest.raises(RuntimeError, match='another tap is installed'):
        streamtap.install(Tap([]))


def test_a_release_that_cannot_be_measured_is_logged(
    exported: Exported, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    """The application runs, and whatever it asks of the tap is empty."""
    monkeypatch.setattr(versions, 'VERSION', '2.0.0')
    instrument(exported)
    for _ in range(2):
        run()
    assert not streamtap.install().usage.summary().agents
    assert [message.partition(': ')[2][:44] for message in caplog.messages] == [
        'no agent is measured: streamtap needs pydant'
    ]


def test_it_gives_way_to_the_applications_own_tap(exported: Exported, monkeypatch: pytest.MonkeyPatch):
    """Whose runs are counted once, there; its page is gone, as the application may serve one at the same port."""
    monkeypatch.setenv('STREAMTAP_SERVE_PORT', '0')
    instrument(exported)
    server = server_of_the_page()
    with capture() as seen:
        assert streamtap.install(seen.tap) is seen.tap
        run()
        assert not server.is_serving
        assert ([each.agent for each in seen.runs()], exported.spans()) == (['scripted'], [])
        # What comes second is refused, as ever.
        with pytest.raises(RuntimeError, match='another tap is installed'):
            streamtap.install(Tap([]))


def test_it_takes_nobodys_place(exported: Exported):
    """Nor is it there where taps are switched off."""
    with capture() as seen:
        streamtap.install(seen.tap)
        instrument(exported)
        run()
        assert ([each.agent for each in seen.runs()], exported.spans()) == (['scripted'], [])


def test_switched_off_it_is_not_there(exported: Exported, monkeypatch: pytest.MonkeyPatch):
    """Not even its page."""
    monkeypatch.setenv('STREAMTAP_DISABLED', '1')
    monkeypatch.setenv('STREAMTAP_SERVE_PORT', '0')
    instrument(exported)
    assert PROCESS.installed is None


def test_the_instrumentor_installs_it_and_takes_it_out(exported: Exported):
    """As those of other libraries do; in this process pydantic_ai is imported already."""
    instrumentor = StreamtapInstrumentor()
    instrumentor.instrument(**exported.providers)
    run()
    instrumentor.uninstrument()
    run()
    instrumentor.instrument(**exported.providers)
    with capture() as seen:
        streamtap.install(seen.tap)
        instrumentor.uninstrument()
        run()
        assert [each.agent for each in seen.runs()] == ['scripted']
    assert exported.spans() == ['chat scripted', 'invoke_agent scripted']


@pytest.mark.parametrize('fails', ['streamtap_instrumentor.import_module', 'streamtap._install.automatic.begin'])
def test_whatever_fails_pydantic_ai_is_imported(
    fails: str, exported: Exported, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    """The failure is logged."""

    def fail(*_: object) -> None:
        raise LookupError('nothing is where it was')

    monkeypatch.setattr(fails, fail)
    instrumentor = StreamtapInstrumentor()
    instrumentor.instrument(**exported.providers)
    run()
    instrumentor.uninstrument()
    assert caplog.messages == ['streamtap: no agent is measured']
