"""Makes a span current for a block of code, even if that block is exited in another context."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opentelemetry import context, trace

if TYPE_CHECKING:
    from contextvars import Token

    from opentelemetry.context import Context
    from opentelemetry.trace import Span

_INNERMOST = context.create_key('streamtap')


class CurrentSpan:
    """Makes a span current, like `trace.use_span`, but detaches it only in the context in which it was attached.

    Some versions of pydantic-ai abandon the task of a run that is cancelled at its start. The garbage collector then
    closes its coroutine in an arbitrary context.

    Args:
        span: The span, which is not ended.
    """

    def __init__(self, span: Span) -> None:
        self._span = span
        self._token: Token[Context] | None = None

    def __enter__(self) -> CurrentSpan:
        self._token = context.attach(context.set_value(_INNERMOST, self, trace.set_span_in_context(self._span)))
        return self

    def __exit__(self, *_: object) -> None:
        if self._token is not None and context.get_value(_INNERMOST) is self:
            context.detach(self._token)
