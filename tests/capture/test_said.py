"""The words over an arrow say what crossed, and what was wrong with it."""

from __future__ import annotations

import pytest

from labs.capture.message import Latin1, Message
from labs.capture.said import Said

FAMILY = "\U0001f468\u200d\U0001f469\u200d\U0001f467"


@pytest.mark.parametrize(
    ("message", "label"),
    [
        (Message("request", "POST /page?a=b HTTP/1.1"), "POST /page?a=b"),
        (Message("request", "GET /a b HTTP/1.1", problem="!"), "GET /a b (malformed)"),
        (Message("request", "GET /\0 HTTP/1.1", problem="!"), "GET /· (malformed)"),
        (Message("request", "GET /pa", complete=False), "GET /pa (cut short)"),
        (Message("request", "er", raw=b"er", complete=False), "er (cut short)"),
        (Message("request", "\x16\x03", raw=b"12345", problem="!"), "5 bytes (malformed)"),
        (Message("request", "\x16\x03", raw=b"\x16\x03\x01", problem="!"), "TLS handshake (malformed)"),
        (Message("request", "", raw=b"\r\n", complete=False), "2 bytes (cut short)"),
        (Message("answer", "HTTP/1.1 302 Found"), "302 Found"),
        (Message("answer", "HTTP/1.1 200"), "200"),
        (Message("answer", "HTTP/1.1 200 OK", complete=False), "200 OK (cut short)"),
        (Message("answer", "220 mail.test", problem="!"), "220 mail.test (malformed)"),
        (Message("tunnel", "", raw=b"1234"), "4 bytes of the upgraded protocol"),
        (Message("answer", f"HTTP/1.1 200 좋아요 {FAMILY}"), f"200 좋아요 {FAMILY}"),
        (Message("answer", Latin1("HTTP/1.1 200 café")), "200 café (Latin-1)"),
        (Message("answer", "HTTP/1.1 200 \u202eKO"), "200 ·KO"),
        (
            Message("tunnel", "", raw=b"12", lost=True),
            "2 bytes of the upgraded protocol (not recorded further)",
        ),
        (None, "refused"),
    ],
)
def test_labels(message: Message | None, label: str) -> None:
    assert Said("a", "b", message, "" if message else "refused", 0, 0, 0.0).label == label
