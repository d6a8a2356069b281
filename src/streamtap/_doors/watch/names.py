"""The names that the user passes to `tap.watch()`."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from streamtap._upstream.model_responses import named_model

if TYPE_CHECKING:
    from streamtap._upstream.model_responses import AskedModel


class Names(NamedTuple):
    """The names of agent and model, where the user passes any."""

    agent: str | None
    provider: str | None
    model: str | None

    def asked(self) -> AskedModel | None:
        """The model, if the user named it."""
        return None if self.provider is None and self.model is None else named_model(self.provider, self.model)
