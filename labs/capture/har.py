"""Export a trace as HTTP Archive 1.2."""

from __future__ import annotations

import base64
from collections import deque
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

from labs.capture.message import Latin1, Message
from labs.capture.part import Part
from labs.capture.recording import Call, Event
from labs.capture.said import Said

__all__ = ["archive"]

LOST = "not recorded further"


def archive(said: Iterable[Said], calls: Sequence[Call] = ()) -> dict[str, Any]:
    """Return what was said as HAR 1.2: one entry a request, with its final answer, in order.

    `calls` say of each connection where it leads, and whether over TLS. Times are those of the recording. A
    request that got no answer has status 0, as browsers write it, and so has a TLS handshake that failed,
    which has no method. What was not kept has no text, and a comment.
    """
    waiting: dict[int, deque[tuple[Said, dict[str, Any]]]] = {}
    entries: list[dict[str, Any]] = []
    for it in said:
        call = calls[it.connection] if it.connection < len(calls) else Call(it.who, it.whom)
        message = it.message
        if message is None:
            if it.event.startswith(Event.TLS_FAILED):
                entries.append({**_entry(it, call, _unread(call, it.event)), "response": _none(it.event)})
        elif message.kind == "request":
            entry = _entry(it, call, _request(message, call))
            entries.append(entry)
            waiting.setdefault(it.connection, deque()).append((it, entry))
        elif message.kind == "answer" and not message.interim and waiting.get(it.connection):
            asked, entry = waiting[it.connection].popleft()
            entry["response"] = _answer(message)
            entry["time"] = entry["timings"]["wait"] = max(0.0, (it.at - asked.at) * 1000)
    creator = {"name": "aiohttp side-by-side lab", "version": "1"}
    return {"log": {"version": "1.2", "creator": creator, "entries": entries}}


def _entry(said: Said, call: Call, request: dict[str, Any]) -> dict[str, Any]:
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


def _request(message: Message, call: Call) -> dict[str, Any]:
    if message.headless:
        return _unread(call, LOST)
    query = parse_qsl(message.target.partition("?")[2], keep_blank_values=True)
    pairs = [pair.strip() for value in message.all("Cookie") for pair in value.split(";") if pair.strip()]
    request = {
        "method": message.method,
        "url": _url(message, call),
        "httpVersion": message.version,
        "headers": _fields(message),
        "queryString": [{"name": name, "value": value} for name, value in query],
        "cookies": [_cookie(pair) for pair in pairs],
        **_sizes(message),
    }
    if isinstance(message.body, Part) or message.body:
        text = _text(message.body)
        why = text.get("comment") or text.get("encoding")
        request["postData"] = {
            "mimeType": message.field("Content-Type") or "",
            "text": text.get("text", ""),
            **({"comment": why} if why else {}),
        }
    return request


def _unread(call: Call, why: str) -> dict[str, Any]:
    return {
        "method": "", "url": f"{_origin(call)}/", "httpVersion": "", "headers": [], "queryString": [],
        "cookies": [], "headersSize": -1, "bodySize": -1, "comment": why,
    }  # fmt: skip


def _answer(message: Message) -> dict[str, Any]:
    if message.headless:
        return _none(LOST)
    size = message.body.size if isinstance(message.body, Part) else len(message.body)
    mime = message.field("Content-Type") or ""
    content = {"size": -1 if size is None else size, "mimeType": mime, **_text(message.body)}
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


def _none(why: str = "") -> dict[str, Any]:
    content = {"size": 0, "mimeType": "", "text": ""}
    return {
        "status": 0, "statusText": "", "httpVersion": "", "headers": [], "cookies": [], "content": content,
        "redirectURL": "", "headersSize": -1, "bodySize": -1, **({"comment": why} if why else {}),
    }  # fmt: skip


def _origin(call: Call) -> str:
    port = "" if call.port == (443 if call.secure else 80) else f":{call.port}"
    host = f"[{call.host}]" if ":" in call.host else call.host or call.whom
    return f"{_scheme(call)}://{host}{port}"


def _scheme(call: Call) -> str:
    return "https" if call.secure else "http"


def _url(message: Message, call: Call) -> str:
    # The target URI: RFC 9110 section 7.1.
    target = message.target
    if message.method == "CONNECT":
        return f"{_scheme(call)}://{target}"
    if target.startswith("/") or "://" not in target:
        host = message.field("Host")
        return (f"{_scheme(call)}://{host}" if host else _origin(call)) + target.removeprefix("*")
    return target


def _cookie(pair: str) -> dict[str, str]:
    name, _, value = pair.partition("=")
    return {"name": name.strip(), "value": value.strip()}


def _sizes(message: Message) -> dict[str, int]:
    return {"headersSize": len(message.head), "bodySize": len(message.framed)}


def _fields(message: Message) -> list[dict[str, str]]:
    return [
        {"name": name, "value": value, **({"comment": "Latin-1"} if isinstance(value, Latin1) else {})}
        for name, value in message.fields
    ]


def _text(body: bytes) -> dict[str, str]:
    if isinstance(body, Part):
        return {"comment": f"{LOST}: {len(body.kept)} bytes of it were kept"}
    try:
        return {"text": body.decode()}
    except UnicodeDecodeError:
        return {"text": base64.b64encode(body).decode(), "encoding": "base64"}
