"""What both ends of a proxy under test heard of one exchange."""

from __future__ import annotations

from dataclasses import dataclass

from labs.capture.parser import Message
from labs.conformance.verdict import Failed

__all__ = ["Exchange"]


@dataclass(frozen=True)
class Exchange:
    """Hold what both ends heard of an exchange: messages, and the bytes themselves.

    `requests` is what the origin heard, on all its connections; `client` what the client heard, interim
    answers included. `closed` tells whether the proxy ended the client's connection.
    """

    requests: tuple[Message, ...]
    client: tuple[Message, ...]
    raw_upstream: bytes
    raw_client: bytes
    closed: bool

    @property
    def upstream(self) -> Message | None:
        """The first request that the origin heard, or None."""
        return next(iter(self.requests), None)

    @property
    def asked(self) -> Message:
        """The first request that the origin heard. Raise Failed if none came."""
        self.reached()
        if self.upstream is None:
            raise Failed("the origin heard bytes that are no request")
        return self.upstream

    def reached(self) -> Exchange:
        """Return this. Raise Failed unless the origin heard at least a part of the request."""
        if not self.raw_upstream:
            got = next((it.start for it in self.client), "nothing")
            raise Failed(f"the request never reached the origin; the client got: {got}")
        return self

    @property
    def answers(self) -> tuple[Message, ...]:
        """The final answers that the client heard."""
        return tuple(it for it in self.client if it.kind == "answer" and not it.interim)

    @property
    def answer(self) -> Message:
        """The first final answer that the client heard. Raise Failed if none came."""
        if not self.answers:
            raise Failed("the client's connection ended without an answer")
        return self.answers[0]

    @property
    def whole(self) -> Message:
        """The same, and raise Failed unless it can be read to its end."""
        if self.answer.problem:
            raise Failed(f"the client got an answer that it cannot read: {self.answer.problem}")
        if not self.answer.complete:
            raise Failed("the client got an answer that was cut short")
        return self.answer
