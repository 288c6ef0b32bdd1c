"""An origin's echo: what it was asked, as JSON."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable

from aiohttp import web

from labs.servers.httpbin.limits import LIMITS

__all__ = ["echo_of", "fields_of", "json_answer"]


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


async def echo_of(request: web.Request) -> dict[str, object]:
    """Return what was asked: method, raw target, fields, body (base64 where it is not UTF-8), its length."""
    try:
        body = await request.read()
    except web.HTTPRequestEntityTooLarge as error:
        error.text = f"The body must be at most {request.app[LIMITS].body} bytes long.\n"
        raise
    try:
        text, is_base64 = body.decode("utf-8"), False
    except UnicodeDecodeError:
        text, is_base64 = base64.b64encode(body).decode("ascii"), True
    return {
        "method": request.method,
        "target": request.raw_path,
        "fields": fields_of(request),
        "body": text,
        "base64": is_base64,
        "length": len(body),
    }
