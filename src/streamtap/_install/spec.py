"""A tap by its name in an agent's spec, which is a YAML or JSON file, or a dict."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from streamtap._base.checks import check_text
from streamtap._doors.capability.hooks import TapCapability
from streamtap._install.process import PROCESS
from streamtap._tap import Tap

if TYPE_CHECKING:
    from pydantic_ai import RunContext


@dataclass(init=False)  # pydantic-ai takes no other class by its name
class Streamtap(TapCapability):
    """The capability door for agents that are written as a spec: `capabilities: [Streamtap]`, in YAML or JSON.

    Give it to what reads the spec: `Agent.from_file('agent.yaml', custom_capability_types=[Streamtap])`. With
    `{Streamtap: {stream: true}}` plain `run()` streams too, as with `Tap.capability(stream=True)`.

    Args:
        tap: The tap. Default `None`: at its first run the agent gets the tap that is installed then, else one that all
            such agents of the process share, as `Tap()` makes it; `streamtap.install()` returns the same one.
        stream: See `Tap.capability()`.
        id: What pydantic-ai is to call it within a run.

    Raises:
        TypeError: If `tap` is not a tap, `stream` not a bool or `id` not text.
    """

    def __init__(self, tap: Tap | None = None, *, stream: bool = False, id: str | None = None) -> None:  # noqa: A002
        if tap is not None and not isinstance(tap, Tap):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise TypeError(f'Streamtap takes a tap, not {tap!r}')
        if not isinstance(stream, bool):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise TypeError(f'stream must be true or false, not {stream!r}')
        check_text('id', id)
        super().__init__(None, stream=stream, tap=None)
        self.id = id
        self._wants_stream = stream
        if tap is not None:
            self._serve_as(tap.capability(stream=stream))

    @classmethod
    def get_serialization_name(cls) -> str:
        """The name in specs."""
        return 'Streamtap'

    @classmethod
    def from_spec(cls, *, stream: bool = False, id: str | None = None) -> Streamtap:  # noqa: A002
        """Made by pydantic-ai from what the spec says.

        Args:
            stream: See `Tap.capability()`.
            id: What pydantic-ai is to call it within a run.
        """
        return cls(stream=stream, id=id)

    async def for_run(self, ctx: RunContext[Any]) -> TapCapability:
        """The same object for every run, which has its tap from the first one on."""
        with PROCESS.lock:
            if self._tap is None:
                self._serve_as(PROCESS.tap().capability(stream=self._wants_stream))
        return await super().for_run(ctx)
