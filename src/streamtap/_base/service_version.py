"""The version of the service that runs, as OpenTelemetry's environment says it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


def service_version_of(environment: Mapping[str, str]) -> str:
    """`service.version` from OpenTelemetry's `OTEL_RESOURCE_ATTRIBUTES`, else ''."""
    pairs = (pair.partition('=') for pair in environment.get('OTEL_RESOURCE_ATTRIBUTES', '').split(','))
    return next((value.strip() for key, _, value in pairs if key.strip() == 'service.version'), '')
