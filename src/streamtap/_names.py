"""What the user calls what is watched."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class NamedModel:
    """What the user says was asked, where nothing else does; its fields are named as a model's are."""

    system: str
    model_name: str


@dataclass(frozen=True, slots=True)
class Names:
    """What the user calls the agent and the model."""

    agent: str | None
    provider: str | None
    model: str | None

    def asked(self) -> NamedModel | None:
        """The model, if the user named it."""
        return (
            None if self.provider is None and self.model is None else NamedModel(self.provider or '', self.model or '')
        )
