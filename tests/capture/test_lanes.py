"""The picture in characters is exact: these texts are what a reader sees, to the character."""

from __future__ import annotations

import itertools
import random
import re
import unicodedata

from labs.capture.lanes import NARROWEST, WIDEST
from labs.capture.message import Latin1
from labs.capture.parser import Message
from labs.capture.trace import Trace
from tests.capture.support import FOUND, GET, OK, POST, asks, says, trace

# ── golden texts ──────────────────────────────────────────────────────────────────────────────────────────


def test_a_redirect() -> None:
    shown = trace(
        ("client", "front", POST),
        ("front", "client", FOUND),
        ("client", "origin", GET),
        ("origin", "client", OK),
    ).lanes()
    expected = """\
client            front           origin
│─── POST /page ─►│               │
│◄── 302 Found ───│               │
│─────────── GET /page ──────────►│
│◄──────────── 200 OK ────────────│"""
    assert shown == expected


def test_a_proxy() -> None:
    shown = trace(
        ("client", "front", POST),
        ("front", "origin", POST),
        ("origin", "front", OK),
        ("front", "client", OK),
    ).lanes()
    expected = """\
client            front             origin
│─── POST /page ─►│                 │
│                 │─── POST /page ─►│
│                 │◄──── 200 OK ────│
│◄──── 200 OK ────│                 │"""
    assert shown == expected


def test_refused_and_nobody() -> None:
    shown = trace(
        ("client", "front", GET),
        ("front", "origin", "refused"),
        ("front", "client", says("502 Bad Gateway")),
        ("client", "nobody", "unknown name"),
    ).lanes()
    expected = """\
client                 front                   origin          nobody
│───── GET /page ─────►│                       │               │
│                      │─── connect: refused ─✗│               │
│◄─ 502 Bad Gateway ───│                       │               │
│─────────────────── connect: unknown name ───────────────────✗│"""
    assert shown == expected


def test_closed_and_reset() -> None:
    shown = trace(
        ("client", "front", GET),
        ("front", "client", "closed"),
        ("client", "front", GET),
        ("front", "client", "reset"),
        ("client", "front", GET),
        ("client", "front", "closed"),
    ).lanes()
    expected = """\
client           front
│── GET /page ──►│
│✗─── closed ────│
│── GET /page ──►│
│✗─── reset ─────│
│── GET /page ──►│
│──── closed ───✗│"""
    assert shown == expected


def test_surplus() -> None:
    shown = trace(
        ("client", "front", GET),
        ("front", "client", says("200 OK", surplus=b"x" * 23)),
        ("front", "client", says("200 OK", surplus=b"x")),
    ).lanes()
    expected = """\
client                           front
│────────── GET /page ──────────►│
│◄─ 200 OK + 23 surplus bytes ───│
│◄── 200 OK + 1 surplus byte ────│"""
    assert shown == expected


def test_four_parties() -> None:
    shown = trace(
        ("client", "a", GET),
        ("a", "b", GET),
        ("b", "c", GET),
        ("c", "b", OK),
        ("client", "c", GET),
        ("c", "a", OK),
    ).lanes()
    expected = """\
client           a                b                c
│── GET /page ──►│                │                │
│                │── GET /page ──►│                │
│                │                │── GET /page ──►│
│                │                │◄─── 200 OK ────│
│─────────────────── GET /page ───────────────────►│
│                │◄──────────── 200 OK ────────────│"""
    assert shown == expected


def test_fields_stand_under_their_arrow() -> None:
    shown = trace(
        ("client", "front", asks("GET /page", ("Cookie", "a=1"), ("cookie", "b=2"))),
        ("front", "client", FOUND),
        ("client", "origin", asks("GET /page", ("Cookie", "a rather long cookie that needs room"))),
        ("origin", "front", says("200 OK", ("Set-Cookie", "in the last column"))),
    ).lanes("Location", "Cookie", "Set-Cookie")
    expected = """\
client                              front                            origin
│──────────── GET /page ───────────►│                                │
│ Cookie: a=1                       │                                │
│ Cookie: b=2                       │                                │
│◄─────────── 302 Found ────────────│                                │
│ Location: http://origin.test/page │                                │
│──────────────────────────── GET /page ────────────────────────────►│
│ Cookie: a rather long cookie that needs room                       │
│                                   │◄─────────── 200 OK ────────────│
│                                   │ Set-Cookie: in the last column │"""
    assert shown == expected


def test_what_one_says_to_oneself() -> None:
    shown = trace(
        ("client", "front", GET),
        ("front", "front", GET),
        ("front", "front", says("508 Loop Detected", ("Via", "front"))),
        ("front", "front", "refused"),
        ("front", "origin", GET),
    ).lanes("Via")
    expected = """\
client           front                    origin
│── GET /page ──►│                        │
│                │ ↺ GET /page            │
│                │ ↺ 508 Loop Detected    │
│                │ Via: front             │
│                │ ✗ connect: refused     │
│                │────── GET /page ──────►│"""
    assert shown == expected


def test_one_party_alone() -> None:
    assert trace(("front", "front", GET)).lanes() == "front\n│ ↺ GET /page"


def test_wide_names() -> None:
    name = "a name much wider than its column"
    shown = trace(("client", name, GET), (name, "客户", GET), ("客户", "z", GET)).lanes()
    expected = """\
client           a name much wider than its column  客户             z
│── GET /page ──►│                                  │                │
│                │─────────── GET /page ───────────►│                │
│                │                                  │── GET /page ──►│"""
    assert shown == expected


def test_what_is_wide_or_joined_stands_in_its_column() -> None:
    family = "\U0001f468\u200d\U0001f469\u200d\U0001f467"
    shown = trace(
        ("손님", "front", asks("GET /한국어", ("X", "값"))),
        ("front", "origin", asks(f"GET /{family}", ("X", family), ("X", "e\u0301"))),
        ("origin", "front", says("200 좋아요", ("X", Latin1("café")))),
    ).lanes("X")
    expected = f"""\
손님               front               origin
│── GET /한국어 ──►│                   │
│ X: 값            │                   │
│                  │───── GET /{family} ────►│
│                  │ X: {family}             │
│                  │ X: e\u0301              │
│                  │◄─── 200 좋아요 ───│
│                  │ X: café (Latin-1) │"""
    assert shown == expected


def test_a_long_label_ends_in_dots() -> None:
    target = "/" + "x" * 200
    shown = trace(("client", "front", asks(f"GET {target}")), ("front", "client", FOUND)).lanes()
    names, arrow, answer = shown.split("\n")
    assert re.fullmatch("│─+ GET /x{40,}… ─*►│", arrow)
    assert len(arrow) == len(answer) == WIDEST + 1 and names.index("front") == WIDEST


def test_a_long_value_ends_in_dots() -> None:
    long = ("X", "y" * 200)
    shown = trace(
        ("client", "front", asks("GET /", long)),
        ("front", "origin", asks("GET /", long)),
        ("front", "front", asks("GET /", long)),
        ("origin", "client", says("200 OK", long)),
        ("origin", "origin", asks("GET /", long)),
    ).lanes("X")
    first, second, third, fourth, fifth = (line for line in shown.split("\n") if "X: y" in line)
    assert re.fullmatch("│ X: y+… │ +│", first) and re.fullmatch("│ +│ X: y+… │", second)
    assert third == second
    assert re.fullmatch("│ X: y{100,}… │", fourth)  # over both columns
    assert re.fullmatch("│ +│ +│ X: y+…", fifth)


def test_control_characters_do_not_break_a_line() -> None:
    said = Message("answer", "HTTP/1.1 200 O\x85K", (("X", "a\0b\rc\x1b"),), problem="!")
    shown = trace(("client", "front", said)).lanes("X")
    assert len(shown.splitlines()) == 3
    assert "200 O·K (malformed)" in shown and "X: a\\x00b\\rc\\x1b" in shown


# ── any conversation ──────────────────────────────────────────────────────────────────────────────────────


def conversation(chance: random.Random) -> Trace:
    names = ["client", "front.test", "a long name for an origin", "x", "客户端"][: chance.randint(1, 5)]
    steps: list[tuple[str, str, Message | str]] = []
    for n in range(chance.randint(1, 12)):
        field = ("X", "v" * chance.choice([1, 20, 90]))
        whats: list[Message | str] = [
            asks(f"GET /{n}{'x' * chance.choice([0, 9, 80])}", field),
            says(f"{200 + n} OK", field, surplus=b"x" * chance.choice([0, 0, 12])),
            "refused",
            "closed",
        ]
        what = chance.choice(whats)
        steps.append((chance.choice(names), chance.choice(names), what))
    return trace(*steps)


def cells(line: str) -> str:
    """Give a wide character the two places that it takes."""
    return "".join(it + "\0" * (unicodedata.east_asian_width(it) in "WF") for it in line)


def test_lifelines_stand_in_columns_unless_an_arrow_covers_them() -> None:
    chance = random.Random(4)
    for _ in range(300):
        it = conversation(chance)
        names, *lines = it.lanes("X").split("\n")
        at = [cells(names).index(cells(name)) for name in it.parties]
        assert all(b - a >= NARROWEST for a, b in itertools.pairwise(at))
        rows = iter(lines)
        for said in it.said:
            left, right = sorted((it.parties.index(said.who), it.parties.index(said.whom)))
            fields = [] if said.message is None else said.message.all("X")
            for under in (False, *[True] * len(fields)):
                line = next(rows).ljust(at[-1] + 1)
                for n, x in enumerate(at):
                    if not left < n < right:
                        assert line[x] == "│", f"\n{it.lanes('X')}\n{line!r}"
                assert under == (" X: v" in line)
        assert not list(rows)


def test_every_label_appears() -> None:
    chance = random.Random(5)
    for _ in range(300):
        it = conversation(chance)
        lines = [line for line in it.lanes("X").split("\n")[1:] if " X: " not in line]
        for said, line in zip(it.said, lines, strict=True):
            label = said.label if len(said.label) < 40 else said.label[:40]
            assert f" {label}" in line
            if said.who != said.whom:
                ends = "✗" if said.event else "►◄"
                assert any(end in line for end in ends)
