"""Make stable, when printed, what differs from run to run though nothing about HTTP does, and declare it."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TypeAlias

__all__ = ["DECLARED", "Settle", "settle"]

Settle: TypeAlias = Callable[[str, str], str]  # from a field's name and value to the value that is printed

DECLARED = (
    "Made stable when printed: dates, product versions, ports that the system chose,\n"
    "content codings that only some Pythons can undo, multipart boundaries, WebSocket keys."
)

_DATES = {"date", "last-modified", "expires", "if-modified-since", "if-unmodified-since"}
_RULES = (
    (_DATES, re.compile(r"\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT"), "<date>"),
    ({"server", "user-agent", "via"}, re.compile(r"(?<=/)(?<!HTTP/)\d[\w.]*"), "<version>"),
    # Clients ask for br and zstd where Python has a module that undoes them; Python 3.14 brings one for zstd.
    ({"accept-encoding"}, re.compile(r"(?<=gzip, deflate)(, br)?(, zstd)?$"), ", <others>"),
    ({"host", "location", "origin", "referer"}, re.compile(r"(?<=127\.0\.0\.1:)\d{5}"), "<port>"),
    ({"content-type"}, re.compile(r"(?<=boundary=)[^;]+"), "<boundary>"),
    ({"sec-websocket-key", "sec-websocket-accept"}, re.compile(r"\S+"), "<key>"),
)


def settle(name: str, value: str) -> str:
    """Return the value of a field as it is printed: volatile parts replaced by a word in angle brackets."""
    for names, pattern, word in _RULES:
        if name.lower() in names:
            value = pattern.sub(word, value)
    return value
