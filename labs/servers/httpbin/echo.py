"""An origin's echo: what it was asked, as JSON."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable
from typing import Any
from urllib.parse import parse_qsl

from aiohttp import web

from labs.servers.httpbin.limits import LIMITS

__all__ = ["asked_of", "echo_of", "fields_of", "headers_of", "json_answer"]

DEEP = 20  # levels of JSON that are shown: each level is indented, and a body of brackets would fill memory


def json_answer(value: object, *, status: int = 200, headers: Iterable[tuple[str, str]] = ()) -> web.Response:
    """Return a value as indented JSON with a line end, so that a terminal shows it well."""
    text = json.dumps(value, indent=2) + "\n"
    answer = web.Response(text=text, status=status, content_type="application/json")
    for name, field in headers:
        answer.headers.add(name, field)
    return answer


def fields_of(request: web.Request) -> list[list[str]]:
    """Return the request's fields in order, names as written; bytes as Latin-1, so that none is lost."""
    return [[name.decode("latin-1"), value.decode("latin-1")] for name, value in request.raw_headers]


def headers_of(request: web.Request) -> dict[str, str]:
    """Return the fields by name, as httpbin does: those of one name are one, with commas between."""
    names: dict[str, str] = {}
    found: dict[str, list[str]] = {}
    for name, value in fields_of(request):
        found.setdefault(names.setdefault(name.lower(), name), []).append(value)
    return {name: ",".join(values) for name, values in found.items()}


def asked_of(request: web.Request) -> dict[str, object]:
    """Return what httpbin says of every request: url, args (the query), headers, origin (who asked)."""
    whole = f"{request.scheme}://{request.host}" if request.raw_path.startswith("/") else ""
    return {
        "url": whole + request.raw_path,
        "args": _by_name(request.query.items()),
        "headers": headers_of(request),
        "origin": request.remote,
    }


async def echo_of(request: web.Request) -> dict[str, object]:
    """Return what was asked, in httpbin's words and in the lab's own.

    httpbin's: those of `asked_of`; the body as `json` where it is some, as `form` where it is an urlencoded
    one, and else as `data`. What `multipart/form-data` holds is not taken apart. The lab's own: method, raw
    target, fields in order, body (base64 where it is not UTF-8), its length.
    """
    try:
        body = await request.read()
    except web.HTTPRequestEntityTooLarge as error:
        error.text = f"The body must be at most {request.app[LIMITS].body} bytes long.\n"
        raise
    try:
        text, is_base64 = body.decode("utf-8"), False
    except UnicodeDecodeError:
        text, is_base64 = base64.b64encode(body).decode("ascii"), True
    is_form = request.content_type == "application/x-www-form-urlencoded" and not is_base64
    return {
        **asked_of(request),
        "data": "" if is_form else f"data:application/octet-stream;base64,{text}" if is_base64 else text,
        "form": _by_name(parse_qsl(text, keep_blank_values=True)) if is_form else {},
        "json": None if is_form or is_base64 else _json_of(text),
        "method": request.method,
        "target": request.raw_path,
        "fields": fields_of(request),
        "body": text,
        "base64": is_base64,
        "length": len(body),
    }


def _by_name(pairs: Iterable[tuple[str, str]]) -> dict[str, str | list[str]]:
    found: dict[str, list[str]] = {}
    for name, value in pairs:
        found.setdefault(name, []).append(value)
    return {name: values if len(values) > 1 else values[0] for name, values in found.items()}


def _json_of(text: str) -> Any:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value if _is_flat(value, DEEP) else None


def _is_flat(value: Any, levels: int) -> bool:
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return not inside or (levels > 0 and all(_is_flat(it, levels - 1) for it in inside))
