"""Other people's capabilities that more than one case needs."""

from __future__ import annotations

from typing import Any

from pydantic_ai.capabilities import AbstractCapability


class Recovers(AbstractCapability[Any]):
    """Might recover a failed request, and does not; it makes pydantic-ai open streams early."""

    async def on_model_request_error(self, ctx: Any, *, request_context: Any, error: Exception) -> Any:
        raise error
