"""What the tests of lanes and of the dump share: messages, and traces of them."""

from __future__ import annotations

from labs.capture.parser import Message
from labs.capture.said import Said
from labs.capture.trace import Trace


def asks(start: str, *fields: tuple[str, str], body: bytes = b"") -> Message:
    return message("request", f"{start} HTTP/1.1", fields, body)


def says(start: str, *fields: tuple[str, str], body: bytes = b"", **more: object) -> Message:
    return message("answer", f"HTTP/1.1 {start}", fields, body, **more)


Fields = tuple[tuple[str, str], ...]


def message(kind: str, start: str, fields: Fields, body: bytes, **more: object) -> Message:
    head = "".join([f"{start}\r\n", *(f"{name}: {value}\r\n" for name, value in fields), "\r\n"])
    return Message(kind, start, fields, body, head.encode() + body, **more)  # type: ignore[arg-type]


def trace(*steps: tuple[str, str, Message | str]) -> Trace:
    said = tuple(
        Said(who, whom, None, what, n % 2, n, 0.0)
        if isinstance(what, str)
        else Said(who, whom, what, "", n % 2, n, 0.0)
        for n, (who, whom, what) in enumerate(steps)
    )
    return Trace(said, tuple(dict.fromkeys(name for it in said for name in (it.who, it.whom))))


POST, GET = asks("POST /page", body=b"order"), asks("GET /page")
FOUND, OK = says("302 Found", ("Location", "http://origin.test/page")), says("200 OK")
