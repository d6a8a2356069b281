"""What a `PacedProvider` sent, and when each byte left."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from streamtap.testing._request import ChatRequest
    from streamtap.testing._script import ChunkKind


@dataclass(frozen=True, slots=True)
class SentChunk:
    """A content chunk that left the provider.

    Args:
        at: Just after the write to the socket; like `began` in `time.perf_counter()` seconds.
        kind: What it held.
        text: The text, the reasoning, the tool's name or the piece of arguments.
        began: Just before the write. A client in the same process may see the chunk before `at`, because the thread
            that wrote it may have to wait for the interpreter, but never before `began`.
        tokens: How many tokens it held.
    """

    at: float
    kind: ChunkKind
    text: str
    began: float
    tokens: int = 1


@dataclass(frozen=True, slots=True)
class Served:
    """How the provider answered one request; all times are in `time.perf_counter()` seconds.

    Args:
        request: The request.
        received_at: When the whole request had been read.
        headers_at: When the response's headers left, if they did.
        chunks: The content chunks that were streamed; empty for an unstreamed response.
        finished_at: When the response ended, however it ended; `None` while it is in progress.
        disconnected: Whether the client went away before the whole response had been written.
    """

    request: ChatRequest
    received_at: float
    headers_at: float | None
    chunks: tuple[SentChunk, ...]
    finished_at: float | None
    disconnected: bool

    @property
    def time_to_first_chunk(self) -> float | None:
        """Seconds from the request's arrival to the first content chunk; `None` without one."""
        return self.chunks[0].at - self.received_at if self.chunks else None

    @property
    def window(self) -> float | None:
        """Seconds from the first content chunk to the last; `None` without one."""
        return self.chunks[-1].at - self.chunks[0].at if self.chunks else None
