"""The raw requests and answers that the checks send."""

from __future__ import annotations

__all__ = ["HELLO", "ask", "chunked", "say"]


def ask(start: str, *fields: str, body: bytes = b"", host: str | None = "front.test") -> bytes:
    """Return a request: `ask("POST /page", "X-A: 1", body=b"…")`. The framing fields are the check's."""
    lines = [start if " HTTP/" in start else f"{start} HTTP/1.1"]
    lines += [f"Host: {host}"] * (host is not None)
    return _head([*lines, *fields]) + body


def say(status: str, *fields: str, body: bytes | None = None) -> bytes:
    """Return an answer: `say("200 OK", body=b"…")`. A body without a framing field gets Content-Length."""
    framed = any(it.lower().startswith(("content-length:", "transfer-encoding:")) for it in fields)
    length = [f"Content-Length: {len(body)}"] if body is not None and not framed else []
    return _head([f"HTTP/1.1 {status}", *fields, *length]) + (body or b"")


def _head(lines: list[str]) -> bytes:
    return "".join(f"{it}\r\n" for it in [*lines, ""]).encode("latin-1")


def chunked(*pieces: bytes, end: bool = True, trailers: str = "") -> bytes:
    """Return pieces in the chunked coding (RFC 9112 section 7.1)."""
    coded = b"".join(b"%x\r\n%s\r\n" % (len(it), it) for it in pieces)
    return coded + (b"0\r\n" + trailers.encode("latin-1") + b"\r\n" if end else b"")


HELLO = say("200 OK", "Content-Type: text/plain", body=b"hello")
