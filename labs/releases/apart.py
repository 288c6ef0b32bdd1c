"""Verdicts that say nothing about their claim, because a release does not do what the claim speaks of."""

from __future__ import annotations

import dataclasses
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path

from labs.paths import RESULTS
from labs.releases.store import ReleaseResults, stored
from labs.trial.claims import Claim, Verdict

__all__ = ["NOT_COMPARABLE", "ApartError", "idle", "reasons", "set_apart"]

NOT_COMPARABLE = "not comparable"
NAME = "not_comparable.toml"
KEYS = {"claim": str, "releases": list, "reason": str}
Reasons = Mapping[tuple[str, str], str]  # by claim and release


class ApartError(Exception):
    """Say in one sentence what is wrong with results/not_comparable.toml."""


def reasons(folder: Path = RESULTS) -> Reasons:
    """Read why a claim cannot be compared in a release; nothing where there is no file. Raise ApartError."""
    file = folder / NAME
    try:
        book = tomllib.loads(file.read_text("utf-8")) if file.exists() else {}
    except tomllib.TOMLDecodeError as error:
        raise ApartError(f"{NAME} is not TOML: {error}.") from None
    entries = book.pop("apart", [])
    if book or not isinstance(entries, list):
        raise ApartError(f"{NAME} holds [[apart]] entries and nothing else.")
    found: dict[tuple[str, str], str] = {}
    for entry in entries:
        kinds = {key: type(it) for key, it in entry.items()} if isinstance(entry, dict) else {}
        if kinds != KEYS or not (entry["releases"] and entry["reason"].strip()):
            raise ApartError(f"{NAME}: write claim, releases (a list) and reason, not {entry}.")
        for release in entry["releases"]:
            if (entry["claim"], release) in found:
                raise ApartError(f"{NAME} has {entry['claim']} in {release} twice: take one of them out.")
            found[entry["claim"], release] = entry["reason"]
    return found


def set_apart(results: ReleaseResults, why: Reasons) -> ReleaseResults:
    """Return results in which each verdict that cannot be compared says so, with its reason."""
    here = {name: it for (name, release), it in why.items() if release == results.aiohttp}
    claims = {**results.claims, **dict.fromkeys(here, NOT_COMPARABLE)}
    return dataclasses.replace(results, claims=claims, why={**results.why, **here})


def idle(ledger: Mapping[str, Claim], folder: Path = RESULTS) -> Iterator[str]:
    """Find the entries that set nothing apart: of what is not stored, and of what is no news."""
    verdicts = {(name, it.aiohttp): verdict for it in stored(folder) for name, verdict in it.claims.items()}
    for name, release in reasons(folder):
        verdict = verdicts.get((name, release))
        if verdict is None or name not in ledger:
            yield f"{NAME} has {name} in {release}, of which nothing is stored: take it out."
        elif verdict == ledger[name].verdict or verdict not in (Verdict.HOLDS, Verdict.REFUTED):
            yield f"{NAME} has {name} in {release}, where it is {verdict}, which is no news: take it out."
