"""An echo in httpbin's words: what is one value, what is several, and what is too deep to be shown."""

from __future__ import annotations

import json
from typing import Any

import aiohttp
import pytest
from multidict import CIMultiDict

from labs.servers.httpbin import origin
from labs.servers.httpbin.echo import DEEP
from labs.town.town import Town


async def echo(path: str = "/anything", body: bytes | None = None, **headers: Any) -> dict[str, Any]:
    """Return what the origin says that it was asked."""
    async with Town() as town, aiohttp.ClientSession(connector=town.connector("client")) as client:
        await town.open("httpbin.org", origin())
        fields = CIMultiDict((it.replace("_", "-"), value) for it, all_ in headers.items() for value in all_)
        async with client.post(f"http://httpbin.org{path}", data=body, headers=fields) as answer:
            said: dict[str, Any] = await answer.json()
            return said


async def test_what_has_one_name_is_one_value_or_a_list() -> None:
    said = await echo("/anything?a=1&b=2&a=%203", X_Lab=["one", "two"])
    assert said["args"] == {"a": ["1", " 3"], "b": "2"}
    assert said["headers"]["X-Lab"] == "one,two"
    assert said["url"] == "http://httpbin.org/anything?a=1&b=2&a=%203"


async def test_a_form_is_read_by_name() -> None:
    kind = ["application/x-www-form-urlencoded"]
    said = await echo(body=b"a=1&a=%C3%BC&b=", Content_Type=kind)
    assert (said["form"], said["data"], said["json"]) == ({"a": ["1", "ü"], "b": ""}, "", None)
    said = await echo(body=b"\xff=1", Content_Type=kind)
    assert (said["form"], said["data"]) == ({}, "data:application/octet-stream;base64,/z0x")


@pytest.mark.parametrize(
    ("body", "found"),
    [
        (b'{"a": {"b": [1, null]}}', {"a": {"b": [1, None]}}),
        (b"order", None),
        (b"[" * DEEP + b"1" + b"]" * DEEP, json.loads("[" * DEEP + "1" + "]" * DEEP)),
        (b"[" * (DEEP + 1) + b"1" + b"]" * (DEEP + 1), None),
        (b"[" * 100_000 + b"]" * 100_000, None),
    ],
    ids=["an object", "no JSON", "deep", "too deep", "far too deep"],
)
async def test_json_is_read_where_it_is_some_and_not_too_deep(body: bytes, found: object) -> None:
    said = await echo(body=body)
    assert said["json"] == found
    assert said["body"] == said["data"] == body.decode()
