"""A trace opens in a browser's developer tools: HAR 1.2, with every key that its specification requires."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from labs.capture.recording import Event, Recording
from labs.capture.trace import told

H, S = Event.HEARD, Event.SAID
GET = b"GET /%d HTTP/1.1\r\nHost: origin.test\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n%d"


def archive(*steps: tuple[int, Event, bytes]) -> dict[str, Any]:
    recording = Recording()
    for _ in range(1 + max((step[0] for step in steps), default=-1)):
        recording.call("client", "origin.test")
    for step in steps:
        recording.note(*step)
    har = told(recording).har()
    assert json.loads(json.dumps(har)) == har
    return har


def entries(*steps: tuple[int, Event, bytes]) -> list[dict[str, Any]]:
    return archive(*steps)["log"]["entries"]  # type: ignore[no-any-return]


def entry(asked: bytes, said: bytes = b"") -> dict[str, Any]:
    (only,) = entries((0, H, asked), *([(0, S, said)] if said else []))
    return only


ENTRY = {"startedDateTime", "time", "request", "response", "cache", "timings"}
REQUEST = {"method", "url", "httpVersion", "cookies", "headers", "queryString", "headersSize", "bodySize"}
RESPONSE = {"status", "statusText", "httpVersion", "cookies", "headers", "content", "redirectURL"}
RESPONSE |= {"headersSize", "bodySize"}


@pytest.mark.parametrize("said", [b"", OK % 1])
def test_every_required_key_is_there(said: bytes) -> None:
    har = archive((0, H, b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx"), (0, S, said))
    assert set(har) == {"log"} and {"version", "creator", "entries"} <= set(har["log"])
    assert har["log"]["version"] == "1.2" and {"name", "version"} <= set(har["log"]["creator"])
    (it,) = har["log"]["entries"]
    assert set(it) >= ENTRY and set(it["request"]) >= REQUEST and set(it["response"]) >= RESPONSE
    assert {"size", "mimeType"} <= set(it["response"]["content"])
    assert {"send", "wait", "receive"} <= set(it["timings"])
    assert it["time"] == sum(it["timings"].values()) and it["time"] >= 0
    assert {"mimeType", "text"} <= set(it["request"]["postData"])
    assert "params" not in it["request"]["postData"]  # the specification: either text or params
    assert datetime.fromisoformat(it["startedDateTime"]).tzinfo is not None
    assert abs(datetime.fromisoformat(it["startedDateTime"]) - datetime.now(UTC)).days == 0


def test_what_is_asked() -> None:
    it = entry(
        b"POST /page?a=1&b=x%20y&a=&c HTTP/1.1\r\nHost: origin.test\r\nCookie: s=1; t=a=b\r\n"
        b"cookie: u=2\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\norder"
    )["request"]
    assert (it["method"], it["httpVersion"]) == ("POST", "HTTP/1.1")
    assert it["url"] == "http://origin.test/page?a=1&b=x%20y&a=&c"
    query = [(pair["name"], pair["value"]) for pair in it["queryString"]]
    assert query == [("a", "1"), ("b", "x y"), ("a", ""), ("c", "")]
    assert [(pair["name"], pair["value"]) for pair in it["cookies"]] == [("s", "1"), ("t", "a=b"), ("u", "2")]
    assert it["headers"][1:3] == [
        {"name": "Cookie", "value": "s=1; t=a=b"},
        {"name": "cookie", "value": "u=2"},
    ]
    assert it["postData"] == {"mimeType": "text/plain", "text": "order"}
    assert it["bodySize"] == 5 and it["headersSize"] > 100


def test_what_is_answered() -> None:
    head = (
        b"HTTP/1.1 302 Found\r\nSet-Cookie: a=1; Path=/\r\nSet-Cookie: b=2\r\nLocation: /there\r\n"
        b"Content-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    it = entry(GET % 1, head + b"4\r\nmove\r\n0\r\n\r\n")["response"]
    assert (it["status"], it["statusText"], it["httpVersion"]) == (302, "Found", "HTTP/1.1")
    assert it["redirectURL"] == "/there"
    assert it["cookies"] == [{"name": "a", "value": "1"}, {"name": "b", "value": "2"}]
    assert it["content"] == {"size": 4, "mimeType": "text/plain", "text": "move"}
    assert (it["headersSize"], it["bodySize"]) == (len(head), len(b"4\r\nmove\r\n0\r\n\r\n"))


def test_a_value_that_is_latin_1_is_marked() -> None:
    head = b"HTTP/1.1 200 OK\r\nX: caf\xe9\r\nY: caf\xc3\xa9\r\nContent-Length: 0\r\n\r\n"
    assert entry(GET % 1, head)["response"]["headers"][:2] == [
        {"name": "X", "value": "café", "comment": "Latin-1"},
        {"name": "Y", "value": "café"},
    ]


def test_bytes_that_are_no_text() -> None:
    it = entry(
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n\xff",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n\xff\0",
    )
    content, post = it["response"]["content"], it["request"]["postData"]
    assert content["encoding"] == "base64" and base64.b64decode(content["text"]) == b"\xff\0"
    assert post["comment"] == "base64" and base64.b64decode(post["text"]) == b"\xff"


@pytest.mark.parametrize(
    ("asked", "url"),
    [
        (b"GET /r?to=http://origin.test/ HTTP/1.1\r\nHost: front.test\r\n\r\n", "http://front.test/r?to=http://origin.test/"),
        (b"GET http://origin.test/a HTTP/1.1\r\nHost: proxy.test\r\n\r\n", "http://origin.test/a"),
        (b"OPTIONS * HTTP/1.1\r\nHost: front.test\r\n\r\n", "http://front.test"),
        (b"CONNECT origin.test:443 HTTP/1.1\r\nHost: origin.test\r\n\r\n", "http://origin.test:443"),
        (b"GET / HTTP/1.0\r\n\r\n", "http://origin.test/"),
        (b"GET http://[ HTTP/1.1\r\nHost: a\r\n\r\n", "http://["),
        (b"rubbish\r\n\r\n", "http://origin.test"),
    ],
)  # fmt: skip
def test_the_url(asked: bytes, url: str) -> None:
    assert entry(asked)["request"]["url"] == url


def test_answers_belong_to_their_requests() -> None:
    told = entries(
        (0, H, GET % 1 + GET % 2),
        (1, H, GET % 3),
        (0, S, b"HTTP/1.1 100 Continue\r\n\r\n" + OK % 1),
        (1, S, OK % 3),
        (0, S, OK % 2),
        (0, H, GET % 4),
        (0, S, OK % 4),
        (1, H, GET % 5),
    )
    assert [it["request"]["url"][-2:] for it in told] == ["/1", "/2", "/3", "/4", "/5"]
    assert [it["response"]["content"]["text"] for it in told] == ["1", "2", "3", "4", ""]
    assert [it["response"]["status"] for it in told] == [200, 200, 200, 200, 0]
    assert [it["connection"] for it in told] == ["0", "0", "1", "0", "1"]


def test_a_malformed_answer_takes_its_turn() -> None:
    told = entries((0, H, GET % 1), (0, S, b"rubbish\r\n\r\n"), (0, H, GET % 2), (0, S, OK % 2))
    assert [it["response"]["status"] for it in told] == [0, 200]


def test_an_upgrade_is_answered() -> None:
    asked = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
    said = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nhello"
    assert entry(asked, said)["response"]["status"] == 101


def test_events_are_no_entries() -> None:
    assert entries((0, Event.REFUSED, b"")) == []
