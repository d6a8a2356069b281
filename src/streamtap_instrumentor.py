"""What `opentelemetry-instrument` loads in each Python process that it starts: a tap for those that use Pydantic AI.

It stands beside the package, which imports Pydantic AI, and that takes a second: a process that does not use Pydantic AI
does not import it, and serves no page.
"""

from __future__ import annotations

import logging
import sys
from importlib import import_module
from typing import TYPE_CHECKING

from opentelemetry.instrumentation.instrumentor import BaseInstrumentor
from wrapt import register_post_import_hook

if TYPE_CHECKING:
    from collections.abc import Collection

    from opentelemetry.metrics import MeterProvider
    from opentelemetry.trace import TracerProvider

logger = logging.getLogger('streamtap')


class StreamtapInstrumentor(BaseInstrumentor):
    """Installs a tap for every agent of the process, as `STREAMTAP_` variables of the environment say."""

    _is_wanted = False

    def instrumentation_dependencies(self) -> Collection[str]:
        """The releases of Pydantic AI that can be measured."""
        return ('pydantic-ai-slim >= 2.26',)

    def _instrument(
        self, *, tracer_provider: TracerProvider | None = None, meter_provider: MeterProvider | None = None, **_: object
    ) -> None:
        self._is_wanted = True
        self._providers = tracer_provider, meter_provider
        # Not at once where it is the other one that imports it: of a package only all of it can be used.
        register_post_import_hook(self._import, 'pydantic_ai')
        register_post_import_hook(self._install, 'streamtap')

    def _uninstrument(self, **_: object) -> None:
        self._is_wanted = False
        if 'streamtap' in sys.modules:
            from streamtap._install.automatic import uninstall_automatic

            uninstall_automatic()

    def _import(self, _: object) -> None:
        """Pydantic AI has been imported, which succeeds whatever happens here."""
        if not self._is_wanted:
            return
        try:
            import_module('streamtap')
        except Exception:
            logger.exception('streamtap: no agent is measured')

    def _install(self, _: object) -> None:
        """The package has been imported."""
        if not self._is_wanted:
            return
        try:
            from streamtap._install.automatic import install_automatically

            install_automatically(*self._providers)
        except Exception:
            logger.exception('streamtap: no agent is measured')
