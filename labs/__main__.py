"""The maintainer's commands and the learner's: python -m labs ..."""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Sequence

from labs.host.console import take_any_character

__all__ = ["COMMANDS", "check_all", "main", "parser"]

# What each command does, and the function that does it: it reads its own arguments and returns a status.
COMMANDS = {
    "lab": (
        "Open JupyterLab at the first lesson; what follows goes to JupyterLab.",
        "labs.course.launcher:lab_command",
    ),
    "fresh": (
        "Give a new copy of one lesson; what was written in the old one is kept beside it.",
        "labs.course.launcher:fresh_command",
    ),
    "progress": (
        "Say which predictions were made in your lessons, and which exercises are done.",
        "labs.course.progress:progress_command",
    ),
    "link": (
        "Let every program of this virtual environment import labs.",
        "labs.course.launcher:link_command",
    ),
    "doctor": ("Say what is missing on this machine and how to get it.", "labs.course.doctor:main"),
    "build": ("Build the lessons and solutions that are stale.", "labs.course.commands:build_lessons"),
    "check": ("Check that notebooks, sources, claims and exercises fit together.", "labs.__main__:check_all"),
    "claims": (
        "Say of each post how many of its sentences hold.",
        "labs.course.verdicts:claims_command",
    ),
    "list": ("Print the table of lessons.", "labs.course.commands:list_lessons"),
    "repeat": (
        "Execute all notebooks again and compare every byte of text.",
        "labs.course.commands:repeat_lessons",
    ),
    "lesson": (
        "Try one lesson on its own: all that must be green, in half a minute.",
        "labs.course.commands:try_lesson",
    ),
    "new": (
        "Write a new lesson that builds, with marks where its author must write.",
        "labs.course.commands:new_lesson",
    ),
    "run": (
        "Run one lesson in this process and print the value of each cell.",
        "labs.course.commands:run_lesson",
    ),
    "mutants": ("Plant faults and see that the tests find each one.", "labs.course.mutants:main"),
    "bench": (
        "Measure what the town and the tap cost, or with `proxies`: proxies side by side.",
        "labs.bench.__main__:main",
    ),
    "versions": (
        "Run the claims over releases of aiohttp, each in an environment of its own.",
        "labs.releases.measure:main",
    ),
    "conformance": (
        "Put the list of what a reverse proxy owes to the lab's proxies, or to one of yours.",
        "labs.conformance.__main__:main",
    ),
    "origin": (
        "Serve an origin with the vocabulary of httpbin.org to a terminal, on loopback.",
        "labs.servers.httpbin.serve:main",
    ),
}


def parser() -> argparse.ArgumentParser:
    """Describe every command in one sentence."""
    whole = argparse.ArgumentParser(prog="python -m labs", description="Build, check and open the lessons.")
    some = whole.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for word, (does, _) in COMMANDS.items():
        some.add_parser(word, help=does, add_help=False)
    return whole


def main(argv: Sequence[str] | None = None) -> int:
    """Do one command and return its exit status; a lesson or a package that is not there is one sentence."""
    take_any_character()
    argv = sys.argv[1:] if argv is None else argv
    module, _, function = COMMANDS[parser().parse_args(argv[:1]).command][1].partition(":")
    try:  # nothing is imported before: the doctor must work where no package is installed
        return int(getattr(importlib.import_module(module), function)(argv[1:]))
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("labs"):
            raise
        told = f"The package {error.name} is not installed: run `python -m labs doctor`."
    except Exception as error:
        lesson = sys.modules.get("labs.course.lesson")  # whoever raises a LessonError has imported it
        if lesson is None or not isinstance(error, lesson.LessonError):
            raise
        told = str(error)
    print(told, file=sys.stderr)
    return 1


def check_all(argv: Sequence[str]) -> int:
    """Check that notebooks, sources, claims and exercises fit together, and with what is stored of releases.

    It stands here because it takes from the course and from the releases above it.
    """
    words = "Check that notebooks, sources, claims and exercises fit together."
    argparse.ArgumentParser(prog="python -m labs check", description=words).parse_args(argv)
    from labs.course import check, documents, lesson, questions
    from labs.exercises.registry import registered
    from labs.releases import apart, page, store
    from labs.trial import claims, posts

    try:
        found = check.check(claims.ledger(), registered().values(), posts=posts.passages())
        found += [
            *questions.amiss(),
            *documents.findings(),
            *store.findings(claims.ledger(), store.digests()),
            *page.stale(),
        ]
        found += apart.idle(claims.ledger())
    except (claims.LedgerError, apart.ApartError) as error:
        found = [str(error)]
    for sentence in found:
        print(sentence)
    print(f"{len(lesson.sources())} lessons, {len(found) or 'no'} findings.")
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main())
