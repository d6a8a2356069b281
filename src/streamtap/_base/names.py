"""Names: those that the user passes to `tap.watch()`, and how any name is made safe to export."""

from __future__ import annotations

from dataclasses import dataclass

MAX_LENGTH = 200
"""How many characters of a name are kept: names made up by models, users and servers can have any length."""


def clean(name: str) -> str:
    """The name, safe to export: valid UTF-8 of at most 200 characters."""
    shown = name if len(name) <= MAX_LENGTH else name[:MAX_LENGTH]
    return shown if shown.isascii() else shown.encode('utf-8', 'replace').decode('utf-8')


@dataclass(frozen=True, slots=True)
class NamedModel:
    """A model of which only the names are known; its fields are named like those of pydantic-ai's models."""

    system: str
    model_name: str


@dataclass(frozen=True, slots=True)
class Names:
    """The names of agent and model that the user passes to `tap.watch()`."""

    agent: str | None
    provider: str | None
    model: str | None

    def asked(self) -> NamedModel | None:
        """The model, if the user named it."""
        return (
            None if self.provider is None and self.model is None else NamedModel(self.provider or '', self.model or '')
        )
