"""Run the claims over releases of aiohttp, each in an environment of its own, and store what came."""

from __future__ import annotations

import argparse
import re
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from labs.course import lesson
from labs.paths import RESULTS
from labs.releases import apart, page, store
from labs.releases.environments import EnvironmentFailed, environment, newest
from labs.releases.process import Outcome, Told, run_in, settle
from labs.releases.store import ReleaseResults, cookie_cases
from labs.releases.worker import COOKIES, PURE
from labs.trial.claims import ledger

__all__ = ["RELEASES", "every", "main", "measure"]

RELEASES = ("3.8.6", "3.9.5", "3.10.11", "3.11.18", "3.12.15", "3.13.5", "3.14.0", "3.14.5")
TIMES = 5  # as often must a verdict come that is not the expected one
COOKIES_OF = "08"  # the lesson whose cases they are


def measure(
    python: Path, words: Sequence[str], before: ReleaseResults | None = None, *, pure: bool = False
) -> ReleaseResults:
    """Run lessons, one after the other, and the cookie cases with lesson 08; keep `before` of the others.

    What has a verdict that is not the expected one runs five times: news must come again. With `pure`,
    aiohttp takes its parser in Python.
    """
    before = before or ReleaseResults("", "", "", {}, {})
    claims, cases, why = dict(before.claims), dict(before.cases), dict(before.why)
    lessons = dict(before.lessons)
    installed: dict[str, Any] = {}
    for source in map(lesson.find, words):
        expected = {name: str(it.verdict) for name, it in ledger().items() if it.lesson == source.stem}
        first, settled = _run(python, source.stem, expected, pure)
        installed = dict(first.installed) or installed
        lessons[source.stem] = lesson.digest(source)
        claims |= {name: verdict for name, (verdict, _) in settled.items()}
        reasons = {name: reason for name, (_, reason) in settled.items()}
        why |= reasons
        why[source.stem] = "" if first.end in reasons.values() else first.end  # said already of its claims
        if source.stem.startswith(COOKIES_OF):
            first, settled = _run(python, COOKIES, dict.fromkeys(cookie_cases(), store.PASSED), pure)
            cases |= {name: verdict for name, (verdict, _) in settled.items()}
            why |= {name: reason for name, (_, reason) in settled.items()}
    if not installed:
        raise EnvironmentFailed(f"{python} does not run: {first.end}")
    found = ReleaseResults(**installed, claims=claims, cases=cases, why=why, lessons=lessons)
    return store.known(found, ledger())


def _run(python: Path, word: str, expected: Mapping[str, str], pure: bool) -> tuple[Told, dict[str, Outcome]]:
    sittings = [run_in(python, word, pure=pure)]
    if any(verdict != expected.get(name) for name, (verdict, _) in sittings[0].told.items()):
        sittings += [run_in(python, word, pure=pure) for _ in range(TIMES - 1)]
    return sittings[0], settle(expected, sittings)


def every() -> tuple[str, ...]:
    """Return what is run where nothing is named: the list, the pinned one, with either parser, the newest."""
    return tuple(dict.fromkeys((*RELEASES, store.pinned(), store.pinned() + PURE, "newest")))


def main(argv: Sequence[str] | None = None, folder: Path = RESULTS) -> int:
    """Measure the releases that are named, or all of the list; return 1 if one could not be measured."""
    parser = argparse.ArgumentParser(prog="python -m labs versions", description=__doc__)
    words = "3.10.11, for one, or newest, or 3.14.5-pure (its parser in Python); the list if none is given"
    parser.add_argument("releases", nargs="*", metavar="RELEASE", help=words)
    words = "run only this lesson; what is stored of the others stays"
    parser.add_argument("--lesson", action="append", metavar="NN", help=words)
    parser.add_argument("--list", action="store_true", help="say which releases there are; run nothing")
    parser.add_argument("--page", action="store_true", help="write the page of what is stored, run nothing")
    asked = parser.parse_args(argv)
    if wrong := [it for it in asked.releases if not re.fullmatch(rf"newest|\d+\.\d+\.\d+({PURE})?", it)]:
        parser.error(f"{wrong[0]!r} is no release: write 3.10.11, 3.10.11{PURE}, or newest")
    if asked.list:
        print(_listed(folder))
        return 0
    try:
        apart.reasons(folder)
    except apart.ApartError as error:  # before anything is run
        parser.error(str(error))
    lessons = [lesson.find(it).stem for it in asked.lesson or []] or [it.stem for it in lesson.sources()]
    for kept in store.stored(folder) if asked.page else ():
        store.write(store.known(kept, ledger()), folder)
    done: set[str] = set()
    failed = 0
    for name in () if asked.page else asked.releases or every():
        try:
            release = newest() if name == "newest" else name
            if release not in done:
                print(_measured(release, lessons, folder, whole=not asked.lesson), flush=True)
            done.add(release)
        except EnvironmentFailed as error:  # what is stored stays as it was
            print(error, file=sys.stderr)
            failed = 1
    print(f"wrote {folder.name}/{page.write(folder).name}")
    return failed


def _measured(release: str, words: Sequence[str], folder: Path, whole: bool) -> str:
    kept = {it.aiohttp: it for it in store.stored(folder) if not whole}
    python = environment(release.removesuffix(PURE))
    found = measure(python, words, kept.get(release), pure=release.endswith(PURE))
    if found.aiohttp != release:
        raise EnvironmentFailed(f"{python} has {found.aiohttp}, not {release}: nothing is stored.")
    store.write(found, folder)
    found = apart.set_apart(found, apart.reasons(folder))
    news = [name for name, claim in ledger().items() if page.is_news(found, claim)]
    counts = Counter(found.claims.values())
    said = ", ".join(f"{count} {verdict}" for verdict, count in sorted(counts.items()))
    return f"aiohttp {release}: {said}; news: {', '.join(news) or 'none'}"


def _listed(folder: Path) -> str:
    kept = {it.aiohttp: f"{len(it.claims)} claims stored" for it in store.stored(folder)}
    rows = {**dict.fromkeys(every(), "nothing stored"), **kept, "newest": "whatever pip calls so"}
    return "\n".join(f"{release:<12}  {rows[release]}" for release in sorted(rows, key=_place))


def _place(release: str) -> tuple[tuple[int, ...], str]:
    numbers, name = store.order(release)
    return numbers or (sys.maxsize,), name
