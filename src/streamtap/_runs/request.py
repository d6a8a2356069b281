"""An open request: what a door and the meter note of it until it is reported."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pydantic_ai.messages import ModelMessage, ModelResponse

    from streamtap._meter.response import ResponseMeter
    from streamtap._records.records import RequestOutcome
    from streamtap._records.starts import ResponseStart
    from streamtap._upstream import model_responses
    from streamtap._upstream.prompt_prefix import PromptPrefix


@dataclass(slots=True)
class Request:
    """An open request: one step's attempts at a model, until they are reported."""

    step: int
    streamed: bool
    model: model_responses.AskedModel
    meter: ResponseMeter
    messages: Sequence[ModelMessage] = ()
    history: int = 0
    tried_before: int = 0
    """How many attempts were over when this one was prepared: retries by a capability, not by the model itself."""
    response: ModelResponse | None = None
    answered: float | None = None
    outcome: RequestOutcome | None = None
    error_type: str | None = None
    exhausted: tuple[model_responses.Attempt, ...] = field(default=())
    unreported_start: ResponseStart | None = None
    """The start, until it is certain that the request was sent; then it is reported."""
    is_truncated: bool = False
    """Whether its stream went on after the last event that was shown: `run_stream()` hides the rest from its handler."""
    was_read: bool = False
    """Whether its stream was read to its end; what it then says of itself may still be that it was cut short."""
    was_held: bool = False
    """Whether the stream may have been ready before its first event was asked for: its start and pace are unknown."""
    left: tuple[float, int] | None = None
    """When its last reader stopped reading before its end, and how many chunks there were by then."""
    asked_unix: float = 0.0
    """When the request was made, in seconds since the epoch."""
    first_input_tokens: int | None = None
    """The tokens of the prompt as they were reported when the first event came; `None` where that cannot be seen."""
    stream: object = None
    """What puts its response together while that is read, where it is seen."""
    settings: Mapping[str, int | float] | None = None
    """What it asks for besides what its model adds to every request; `None` where that cannot be seen."""
    prefix: PromptPrefix | None = None
    """What stands at the beginning of its prompt; `None` where that is not seen."""
    retry_after: float | None = None
    """In how many seconds the provider that refused it wants to be asked again."""

    def settings_of(self, asked: model_responses.AskedModel) -> Mapping[str, int | float]:
        """What that model was asked for; empty where it cannot be seen."""
        return {} if self.settings is None else {**asked.settings, **self.settings}
