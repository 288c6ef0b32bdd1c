"""Run one lesson, or the cookie cases, in this process, and tell each verdict as soon as it is known.

`labs.releases.measure` starts it in the environment of each release as `python -m labs.releases.worker NN`.
It tells one JSON object a line: what is installed, each claim, last {"end": why it stopped early, or ""}.
"""

from __future__ import annotations

import asyncio
import importlib.metadata
import json
import os
import platform
import re
import signal
import sys
import threading
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, TextIO

from labs.paths import ROOT

if TYPE_CHECKING:  # an old aiohttp may keep the lab from being imported, and that is told, too
    from labs.trial.claims import Reading
    from labs.trial.comparison import Comparison

__all__ = ["COOKIES", "PURE", "main", "sentence"]

COOKIES = "cookies"  # instead of a lesson
PURE = "-pure"  # after a release: with the parser in Python, which PyPy and browsers run
SECONDS = 20  # for one cookie case
LONG = 240  # characters: a reason is one sentence
# Recorded as answers, and not in the prediction: the lesson calls what this release does not have.
MISUSE = re.compile(r"\b(Type|Attribute|Name|UnboundLocal|Import|ModuleNotFound)Error\b")
Tell = Callable[[dict[str, object]], None]


class LabError(Exception):
    """Say that the lab itself does not work with this release."""


def sentence(reason: str | Exception) -> str:
    """Say a reason in one line, without what belongs to one run or one machine."""
    own = type(reason).__module__.startswith(
        ("labs.", "__main__")
    )  # what the lab raises is a sentence already
    words = str(reason) if own or isinstance(reason, str) else f"{type(reason).__name__}: {reason}"
    line = " ".join(words.split()).rstrip(" :")  # some errors say no more than their name
    for folder in (sys.prefix, str(ROOT)):
        line = line.replace(folder + os.sep, "")
    line = re.sub(r"\b0x[0-9a-fA-F]{6,}\b", "0x…", line)
    return line if len(line) <= LONG else line[: LONG - 1] + "…"


def installed() -> dict[str, object]:
    """Return the versions of Python, of aiohttp and of the packages that aiohttp brings.

    The one of aiohttp ends in PURE where its parser is the one in Python.
    """
    brought = [it for it in importlib.metadata.requires("aiohttp") or [] if "extra" not in it]
    packages = {}
    for name in sorted({re.split(r"[^\w.-]", it)[0].lower() for it in brought}):
        try:
            packages[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:  # for another Python only
            continue
    release = importlib.metadata.version("aiohttp") + (PURE if _is_pure() else "")
    versions = {"aiohttp": release, "python": platform.python_version()}
    return {**versions, "system": platform.system(), "packages": packages}


def _is_pure() -> bool:
    try:
        from aiohttp import http_parser
    except Exception:  # it cannot be imported, and the lesson says why
        return False
    return http_parser.HttpRequestParser is http_parser.HttpRequestParserPy


async def _prove() -> None:
    # Where the lab cannot record one request, a verdict says nothing about aiohttp.
    from aiohttp import ClientSession, web

    from labs.town.town import Town

    async def hello(request: web.Request) -> web.Response:
        return web.Response(text="hello")

    async with Town() as town:
        await town.open("front.test", hello)
        async with (
            ClientSession(connector=town.connector("client")) as client,
            client.get("http://front.test/") as answer,
        ):
            body = await answer.text()
    said = [(it.who, it.whom) for it in town.trace.said]
    if body != "hello" or said != [("client", "front.test"), ("front.test", "client")]:
        raise LabError(f"the lab asked for one page, and recorded {said}")


def run(word: str, tell: Tell) -> None:
    """Run a lesson, solved, and tell each claim's verdict. Raise what stops the lesson, or LabError."""
    from labs.course import lesson
    from labs.trial import claims

    try:
        asyncio.run(_prove())
    except Exception as error:
        raise LabError(f"the lab itself does not work with this release: {sentence(error)}") from error

    ledger, REFUTED = claims.ledger(), claims.Verdict.REFUTED

    def report(found: Comparison, readings: Mapping[str, Reading]) -> None:
        for name, reading in readings.items():
            try:
                verdict, why = claims.read(found, reading), _why(found, reading)
                expected = ledger[name].verdict if name in ledger else None
                if verdict is REFUTED and expected is not REFUTED and MISUSE.search(why):
                    verdict, why = claims.Verdict.BROKEN, sentence(f"a call that is not known here: {why}")
            except (KeyError, ValueError) as error:
                verdict, why = claims.Verdict.BROKEN, sentence(error)
            tell({"id": name, "verdict": verdict, "why": why})

    with claims.reporting(report):  # judged by the ledger, the lesson would stop at the first disagreement
        lesson.run(lesson.find(word))


def _why(found: Comparison, reading: Reading) -> str:
    from labs.trial.comparison import Broken, NotTested, say

    came = {(it, side): found.answers[it, side] for it, sides in reading.items() for side in sides}
    for kind in (Broken, NotTested):
        for (_, side), answer in came.items():
            if isinstance(answer, kind):
                return sentence(f"{side}: {answer.reason}")
    wrong = {where: it for where, it in came.items() if it != reading[where[0]][where[1]]}
    said: dict[str, list[str]] = {}
    for (question, side), answer in (wrong or came).items():  # a claim that holds, holds for all of it
        said.setdefault(question, []).append(f"{side} {say(answer)}")
    return sentence("; ".join(f"{question}: {', '.join(sides)}" for question, sides in said.items()))


async def walk(tell: Tell) -> None:
    """Walk the cookie cases with the installed aiohttp, without the town, and tell what came of each."""
    from labs import cookies
    from labs.cookies import alone

    for name, case in cookies.cases().items():
        try:
            async with asyncio.timeout(SECONDS):
                sent = await alone.run([case])
            if name not in sent:
                raise LabError("not even the first request arrived")
        except Exception as error:
            tell({"id": name, "verdict": "broken", "why": sentence(error)})
            continue
        letter = cookies.judge(case, sent[name])
        verdict = "passed" if letter in "=6b" else "failed"  # 6, b: the two demands differ, and it meets one
        came = f": {sent[name] or 'no cookie'}" if sent[name] is not None else ""
        tell({"id": name, "verdict": verdict, "why": sentence(cookies.KEY[letter] + came)})


def _end_with_parent() -> None:
    while os.read(0, 1):  # it says nothing, and holds the other end as long as it lives
        pass
    if sys.platform != "win32" and os.getpgrp() == os.getpid():
        os.killpg(os.getpid(), signal.SIGKILL)  # with the programs that this process has started
    os._exit(1)


def _own_output() -> TextIO:
    """Keep the standard output for what is told: what a lesson prints goes nowhere."""
    sys.stdout.flush()
    own = os.fdopen(os.dup(1), "w", encoding="utf-8")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.close(nowhere)
    return own


def main(argv: list[str]) -> int:
    """Tell everything about one lesson; return 0 also where it stopped early, for that is told, too."""
    output = _own_output()
    threading.Thread(target=_end_with_parent, daemon=True).start()

    def tell(what: dict[str, object]) -> None:
        print(json.dumps(what), file=output, flush=True)

    tell(installed())
    try:
        asyncio.run(walk(tell)) if argv[0] == COOKIES else run(argv[0], tell)
        tell({"end": ""})
    except Exception as error:
        tell({"end": sentence(error).removeprefix(f"{argv[0]}, ")})  # which lesson is known
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
