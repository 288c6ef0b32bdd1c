"""What RFC 6265 demands of a client, as cases: walks of a few requests, and the Cookie field of the last.

The cases are data, in cases.toml. This module imports nothing but aiohttp.web, so that it works with releases
of aiohttp that are older than the lab's. `labs.cookies.live` runs cases in a town, by any client;
`labs.cookies.alone` runs them by aiohttp alone.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

from aiohttp import web

__all__ = ["BIS", "KEY", "RFC", "Case", "cases", "fields", "judge", "judge_all", "servers", "site", "start"]

FILE = Path(__file__).with_name("cases.toml")
RFC, BIS = "RFC 6265", "6265bis"
KEY = MappingProxyType(
    {
        "=": "sends what both demand",
        "6": "sends what RFC 6265 demands, and 6265bis no longer",
        "b": "sends what 6265bis demands, and RFC 6265 did not",
        "+": "sends a cookie that neither allows",
        "–": "keeps back a cookie that both demand",
        "x": "sends the cookies with other values, or in another order",
        "!": "never makes the last request",
    }
)


@dataclass(frozen=True)
class Case:
    """Hold one case. `walk` is URLs in order, each with the Set-Cookie fields of its answer.

    `clause` is a section of RFC 6265, `bis_clause` of its successor where that demands something else.
    `demands` and `bis` are the Cookie field that the last request must carry; "" is no such field.
    """

    id: str
    topic: str
    clause: str
    says: str
    walk: tuple[tuple[str, tuple[str, ...]], ...]
    demands: str
    bis: str
    bis_clause: str = ""
    bis_says: str = ""

    def __str__(self) -> str:
        lines = [f"{self.id}: {self.says}"]
        for url, fields in self.walk[:-1]:
            lines.append("   ".join([f"    {url}", *(f"Set-Cookie: {field}" for field in fields)]))
        lines.append(f"    {self.walk[-1][0]}   must hear {_said(self.demands)} ({RFC}, {self.clause})")
        if self.bis != self.demands:
            lines.append(f"    but {self.bis_says}: {_said(self.bis)} ({BIS}, {self.bis_clause})")
        return "\n".join(lines)


@cache
def cases(path: Path = FILE) -> Mapping[str, Case]:
    """Read the cases by id, in the order of the file. Raise ValueError for an id that stands twice."""
    found: dict[str, Case] = {}
    for entry in tomllib.loads(path.read_text("utf-8"))["case"]:
        if entry["id"] in found:
            raise ValueError(f"The case {entry['id']} stands twice in {path.name}: give one a new id.")
        found[entry["id"]] = _case(**entry)
    return MappingProxyType(found)


def _case(walk: list[list[str]], demands: str, bis: Mapping[str, str] | None = None, **words: Any) -> Case:
    steps = tuple((url, tuple(fields)) for url, *fields in walk)
    if bis is None:
        return Case(walk=steps, demands=demands, bis=demands, **words)
    other = {"bis": bis["demands"], "bis_clause": bis["clause"], "bis_says": bis["says"]}
    return Case(walk=steps, demands=demands, **other, **words)


def start(case: Case) -> str:
    """Return the URL that a walk begins with; each answer leads to the next."""
    return _url(case, 0)


def _url(case: Case, number: int) -> str:
    # The query says where in which walk we are, so that the server keeps no state; no cookie heeds it.
    return f"{case.walk[number][0]}?{case.id}.{number}"


async def site(request: web.Request) -> web.StreamResponse:
    """Answer any request of any walk: set what the case says, and redirect to its next URL."""
    name, _, number = request.query_string.rpartition(".")
    if name not in cases():
        raise web.HTTPNotFound()  # a browser asks for an icon, too
    case, step = cases()[name], int(number)
    answer = web.Response(status=204)  # at the end nothing, so that a browser has nothing to draw
    if step + 1 < len(case.walk):
        answer = web.Response(status=302, headers={"Location": _url(case, step + 1)})
    for field in case.walk[step][1]:
        answer.headers.add("Set-Cookie", field)
    return answer


def servers(chosen: Iterable[Case] | None = None) -> tuple[tuple[str, int, bool], ...]:
    """Return (host, port, whether TLS) of every server that the walks visit."""
    urls = (urlsplit(url) for it in (cases().values() if chosen is None else chosen) for url, _ in it.walk)
    tls = ((it, it.scheme == "https") for it in urls)
    return tuple(dict.fromkeys((it.hostname or "", it.port or (443 if s else 80), s) for it, s in tls))


def fields(targets: Iterable[tuple[str, str | None]]) -> dict[str, str | None]:
    """Find by case id, in the order of the cases, the Cookie field that ended each walk; "" is no field.

    `targets` are request-targets and Cookie fields, as recorded. Where the last request was never made the
    value is None.
    """
    last = {f"{it.id}.{len(it.walk) - 1}": it.id for it in cases().values()}
    begun = {f"{it.id}.0": it.id for it in cases().values()}
    found: dict[str, str | None] = {}
    for target, field in targets:
        query = target.partition("?")[2]
        if query in begun:
            found.setdefault(begun[query], None)
        if query in last:
            found[last[query]] = field or ""
    return {name: found[name] for name in cases() if name in found}


def judge(case: Case, sent: str | None) -> str:
    """Return the letter of KEY for what was sent."""
    if sent is None:
        return "!"
    if sent in (case.demands, case.bis):
        return "=" if case.demands == case.bis else "6" if sent == case.demands else "b"
    came, allowed = _pairs(sent), {*_pairs(case.demands), *_pairs(case.bis)}
    names = {it.partition("=")[0] for it in allowed}
    if any(it.partition("=")[0] not in names for it in came):
        return "+"
    return "–" if set(came) <= allowed and len(came) < len(_pairs(case.demands)) else "x"


def judge_all(sent: Mapping[str, str | None]) -> dict[str, str]:
    """Return the letters by case id."""
    return {name: judge(cases()[name], field) for name, field in sent.items()}


def _said(field: str) -> str:
    return f"Cookie: {field}" if field else "no cookie"


def _pairs(field: str) -> list[str]:
    return field.split("; ") if field else []
