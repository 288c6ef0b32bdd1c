"""Export a trace as HTTP Archive 1.2."""

from __future__ import annotations

import base64
from collections import deque
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

from labs.capture.message import Message
from labs.capture.said import Said

__all__ = ["archive"]


def archive(said: Iterable[Said]) -> dict[str, Any]:
    """Return what was said as HAR 1.2: one entry a request, with its final answer, in order.

    Times are those of the recording. A request that got no answer has status 0, as browsers write it.
    """
    waiting: dict[int, deque[tuple[Said, dict[str, Any]]]] = {}
    entries: list[dict[str, Any]] = []
    for it in said:
        message = it.message
        if message is None:
            continue
        if message.kind == "request":
            entry = _entry(it, message)
            entries.append(entry)
            waiting.setdefault(it.connection, deque()).append((it, entry))
        elif message.kind == "answer" and not message.interim and waiting.get(it.connection):
            asked, entry = waiting[it.connection].popleft()
            entry["response"] = _answer(message)
            entry["time"] = entry["timings"]["wait"] = max(0.0, (it.at - asked.at) * 1000)
    creator = {"name": "aiohttp side-by-side lab", "version": "1"}
    return {"log": {"version": "1.2", "creator": creator, "entries": entries}}


def _entry(said: Said, message: Message) -> dict[str, Any]:
    query = parse_qsl(message.target.partition("?")[2], keep_blank_values=True)
    pairs = [pair.strip() for value in message.all("Cookie") for pair in value.split(";") if pair.strip()]
    request = {
        "method": message.method,
        "url": _url(message, said.whom),
        "httpVersion": message.version,
        "headers": _fields(message),
        "queryString": [{"name": name, "value": value} for name, value in query],
        "cookies": [_cookie(pair) for pair in pairs],
        **_sizes(message),
    }
    if message.body:
        text = _text(message.body)
        comment = {"comment": text["encoding"]} if "encoding" in text else {}
        mime = message.field("Content-Type") or ""
        request["postData"] = {"mimeType": mime, "text": text["text"], **comment}
    return {
        "startedDateTime": datetime.fromtimestamp(said.at, UTC).isoformat(),
        "time": 0.0,
        "request": request,
        "response": _none(),
        "cache": {},
        "timings": {"send": 0, "wait": 0.0, "receive": 0},
        "connection": str(said.connection),
        "comment": f"{said.who} to {said.whom}",
    }


def _answer(message: Message) -> dict[str, Any]:
    mime = message.field("Content-Type") or ""
    content = {"size": len(message.body), "mimeType": mime, **_text(message.body)}
    return {
        "status": message.status,
        "statusText": message.reason,
        "httpVersion": message.version,
        "headers": _fields(message),
        "cookies": [_cookie(value.partition(";")[0]) for value in message.all("Set-Cookie")],
        "content": content,
        "redirectURL": message.field("Location") or "",
        **_sizes(message),
    }


def _none() -> dict[str, Any]:
    content = {"size": 0, "mimeType": "", "text": ""}
    return {
        "status": 0, "statusText": "", "httpVersion": "", "headers": [], "cookies": [], "content": content,
        "redirectURL": "", "headersSize": -1, "bodySize": -1,
    }  # fmt: skip


def _url(message: Message, whom: str) -> str:
    # The target URI: RFC 9110 section 7.1. The trace does not know of TLS, so the scheme is a guess.
    host, target = message.field("Host") or whom, message.target
    if message.method == "CONNECT":
        return f"http://{target}"
    if target.startswith("/") or "://" not in target:
        return f"http://{host}{target.removeprefix('*')}"
    return target


def _cookie(pair: str) -> dict[str, str]:
    name, _, value = pair.partition("=")
    return {"name": name.strip(), "value": value.strip()}


def _sizes(message: Message) -> dict[str, int]:
    return {"headersSize": len(message.head), "bodySize": len(message.framed)}


def _fields(message: Message) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in message.fields]


def _text(body: bytes) -> dict[str, str]:
    try:
        return {"text": body.decode()}
    except UnicodeDecodeError:
        return {"text": base64.b64encode(body).decode(), "encoding": "base64"}
