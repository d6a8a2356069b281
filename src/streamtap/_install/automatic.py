"""The tap that `opentelemetry-instrument` installs, without a line of code."""

from __future__ import annotations

import logging
import os
from functools import partial
from typing import TYPE_CHECKING

from streamtap._base.switch import is_switched_off
from streamtap._install.install import begin, uninstall
from streamtap._install.process import PROCESS, Installation
from streamtap._install.settings import settings_of
from streamtap._serve import serve
from streamtap._sinks.journal.sink import JournalSink
from streamtap._sinks.otel.metrics import OTelMetricSink
from streamtap._sinks.otel.spans import OTelSpanSink
from streamtap._sinks.prometheus.sink import PrometheusSink
from streamtap._sinks.usage.ledger import UsageSink
from streamtap._tap import Tap

if TYPE_CHECKING:
    from collections.abc import Callable

    from opentelemetry.metrics import MeterProvider
    from opentelemetry.trace import TracerProvider

    from streamtap._delivery.sink import Sink
    from streamtap._install.settings import Settings
    from streamtap._serve import MetricsServer

logger = logging.getLogger('streamtap')


def install_automatically(tracer_provider: TracerProvider | None, meter_provider: MeterProvider | None) -> None:
    """Install a tap as the environment says, unless one is installed or taps are switched off.

    Args:
        tracer_provider: The provider of spans; OpenTelemetry's global one if `None`.
        meter_provider: The provider of metrics, likewise.
    """
    with PROCESS.lock:
        if PROCESS.installed is None and not is_switched_off():
            begin(Automatic(settings_of(os.environ), tracer_provider, meter_provider))


def uninstall_automatic() -> None:
    """Undo it, unless the application's own tap has taken its place."""
    with PROCESS.lock:
        if isinstance(PROCESS.installed, Automatic):
            uninstall()


class Automatic(Installation):
    """A tap that is made at the first run, or at once if it serves a page.

    By the first run the application has made its own taps: where one of them has other labels on the same registry or
    provider, it is this one that counts nothing there, which is logged.

    Args:
        settings: What the environment says.
        tracer_provider: The provider of spans; OpenTelemetry's global one if `None`.
        meter_provider: The provider of metrics, likewise.
    """

    def __init__(
        self, settings: Settings, tracer_provider: TracerProvider | None, meter_provider: MeterProvider | None
    ) -> None:
        super().__init__(self._make_tap, stream=settings.stream, gives_way=True)
        self._settings = settings
        self._tracer_provider = tracer_provider
        self._meter_provider = meter_provider
        self.server: MetricsServer | None = None
        """What serves its page, if anything does."""

    def begin(self) -> None:
        """Install it."""
        super().begin()
        if self._settings.port is not None:
            self.tap()

    def end(self) -> None:
        """Stop measuring and serving: nobody else knows of this tap."""
        super().end()
        if self.server is not None:
            self.server.close()
        if self.made is not None:
            self.made.close()

    def asked_for(self) -> Tap:
        """Its tap, which then counts in Prometheus' default registry too, as `Tap()` does."""
        tap = super().asked_for()
        if not any(isinstance(sink, PrometheusSink) for sink in tap.sinks):
            _add(tap, PrometheusSink, 'nothing is counted for Prometheus')
        return tap

    def _make_tap(self) -> Tap:
        settings, ledger = self._settings, UsageSink()
        try:
            tap = Tap([OTelSpanSink(self._tracer_provider), ledger], labels=settings.labels)
        except Exception as error:
            logger.error('streamtap: no agent is measured: %s', error)
            return Tap([ledger], enabled=False)
        _add(tap, partial(OTelMetricSink, self._meter_provider), 'OpenTelemetry gets no metrics')
        if settings.port is not None:
            _add(tap, PrometheusSink, 'nothing is counted for Prometheus')
            self._serve(tap, settings.port)
        if settings.journal is not None:
            _add(tap, partial(JournalSink, settings.journal), 'there is no journal, see STREAMTAP_JOURNAL')
        return tap

    def _serve(self, tap: Tap, port: int) -> None:
        settings = self._settings
        try:
            self.server = serve(tap, port, settings.addr, token=settings.token, metrics_token=settings.metrics_token)
        except Exception as error:
            logger.error('streamtap: no page and no /metrics are served, see STREAMTAP_SERVE_PORT: %s', error)


def _add(tap: Tap, make: Callable[[], Sink], otherwise: str) -> None:
    """Add a sink if it can be had; the application's own taps may have other labels on the same place."""
    try:
        tap.add_sink(make())
    except Exception as error:
        logger.error('streamtap: %s: %s', otherwise, error)
