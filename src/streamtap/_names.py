"""Names: what the user calls what is watched, and how any name is made fit to be shown."""

from __future__ import annotations

from dataclasses import dataclass

MAX_LENGTH = 200
"""Characters of a name that are kept: what models, users and servers invent can have any number."""


def clean(name: str) -> str:
    """The name as it may stand anywhere: valid UTF-8 of at most 200 characters."""
    shown = name if len(name) <= MAX_LENGTH else name[:MAX_LENGTH]
    return shown if shown.isascii() else shown.encode('utf-8', 'replace').decode('utf-8')


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
