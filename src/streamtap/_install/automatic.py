"""The tap that `opentelemetry-instrument` installs, without a line of code."""

from __future__ import annotations

import logging
import os
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
    provider, it is this one that gets an error, which is logged.

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

    def _make_tap(self) -> Tap:
        settings = self._settings
        sinks: list[Sink] = [OTelSpanSink(self._tracer_provider), OTelMetricSink(self._meter_provider), UsageSink()]
        if settings.port is not None:
            sinks.append(PrometheusSink())
        try:
            tap = Tap(sinks, labels=settings.labels)
        except Exception as error:
            logger.error('streamtap: no agent is measured: %s', error)
            return Tap([], enabled=False)
        self._add_journal(tap)
        self._serve(tap)
        return tap

    def _add_journal(self, tap: Tap) -> None:
        if self._settings.journal is None:
            return
        try:
            tap.add_sink(JournalSink(self._settings.journal))
        except Exception as error:
            logger.error('streamtap: there is no journal, see STREAMTAP_JOURNAL: %s', error)

    def _serve(self, tap: Tap) -> None:
        settings = self._settings
        if settings.port is None:
            return
        try:
            self.server = serve(
                tap, settings.port, settings.addr, token=settings.token, metrics_token=settings.metrics_token
            )
        except Exception as error:
            logger.error('streamtap: no page and no /metrics are served, see STREAMTAP_SERVE_PORT: %s', error)
