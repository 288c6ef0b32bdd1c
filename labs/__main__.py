"""The maintainer's commands and the learner's: python -m labs ..."""

from __future__ import annotations

import argparse
import importlib
import sys

from labs.paths import README, ROOT


def parser() -> argparse.ArgumentParser:
    """Describe every command in one sentence."""
    whole = argparse.ArgumentParser(prog="python -m labs", description="Build, check and open the lessons.")
    some = whole.add_subparsers(dest="command", required=True, metavar="COMMAND")
    some.add_parser("lab", help="Open JupyterLab at the first lesson; what follows goes to JupyterLab.")
    some.add_parser("link", help="Let every program of this virtual environment import labs.")
    some.add_parser("doctor", help="Say what is missing on this machine and how to get it.")
    build = some.add_parser("build", help="Build the lessons and solutions that are stale.")
    build.add_argument(
        "--all", action="store_true", help="Build all of them, and write pictures that differ, too."
    )
    build.add_argument("lesson", metavar="NN", nargs="*", help="Only these lessons.")
    some.add_parser("check", help="Check that notebooks, sources, claims and exercises fit together.")
    table = some.add_parser("list", help="Print the table of lessons.")
    table.add_argument("--write", action="store_true", help="Write it into README.md instead.")
    repeat = some.add_parser("repeat", help="Execute all notebooks again and compare every byte of text.")
    repeat.add_argument("lesson", metavar="NN", nargs="*", help="Only these lessons.")
    repeat.add_argument("--times", type=int, default=20, help="How often; 20 if not given.")
    repeat.add_argument("--busy", action="store_true", help="Keep every core busy meanwhile.")
    run = some.add_parser("run", help="Run one lesson in this process and print the value of each cell.")
    run.add_argument("lesson", metavar="NN", help="Its number, or how its name begins.")
    run.add_argument("--unsolved", action="store_true", help="Run the lesson instead of the solution.")
    # These read their own arguments, -h included.
    some.add_parser("mutants", help="Plant faults and see that the tests find each one.", add_help=False)
    words = "Measure what the town and the tap cost, or with `proxies`: proxies side by side."
    some.add_parser("bench", help=words, add_help=False)
    words = "Run the claims over releases of aiohttp, each in an environment of its own."
    some.add_parser("versions", help=words, add_help=False)
    words = "Put the list of what a reverse proxy owes to the lab's proxies, or to one of yours."
    some.add_parser("conformance", help=words, add_help=False)
    return whole


def main(argv: list[str] | None = None) -> int:
    """Do one command and return its exit status."""
    argv = sys.argv[1:] if argv is None else argv
    known, rest = parser().parse_known_args(argv)
    if known.command == "doctor":  # before anything else: it must work where no package is installed
        return int(importlib.import_module("labs.course.doctor").main())
    if known.command in ("mutants", "bench"):
        return int(
            importlib.import_module(
                {"mutants": "labs.course.mutants", "bench": "labs.bench.town"}[known.command]
            ).main(argv[1:])
            or 0
        )
    if known.command == "versions":
        return int(importlib.import_module("labs.releases.measure").main(argv[1:]))
    if known.command == "conformance":
        return int(importlib.import_module("labs.conformance.__main__").main(argv[1:]))
    if rest and known.command != "lab":
        parser().error(f"unrecognized arguments: {' '.join(rest)}")
    try:
        return _do(known, rest)
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("labs"):
            raise
        print(f"The package {error.name} is not installed: run `python -m labs doctor`.", file=sys.stderr)
        return 1


def _do(known: argparse.Namespace, rest: list[str]) -> int:
    if known.command in ("lab", "link"):
        from labs.course import launcher

        if known.command == "lab":
            return launcher.open_lab([word for word in rest if word != "--"])
        print(launcher.link())
        return 0
    from labs.course.lesson import LessonError

    try:
        return _course(known)
    except LessonError as error:
        print(error, file=sys.stderr)
        return 1


def _course(known: argparse.Namespace) -> int:
    from labs.course import build as course
    from labs.course import lesson, syllabus

    if known.command == "build":
        done = course.build(only=known.lesson, everything=known.all)
        done += [f"wrote {file.relative_to(ROOT)}" for file in course.illustrate()]
        print("\n".join(done) or "Every notebook is as its source yields it: nothing to do.")
    elif known.command == "check":
        return _check()
    elif known.command == "list":
        table = syllabus.table(map(syllabus.entry, lesson.sources()))
        if known.write:
            README.write_text(syllabus.refresh(README.read_text("utf-8"), table), "utf-8", newline="\n")
        else:
            print(table)
    elif known.command == "repeat":
        same, summary = course.repeat(only=known.lesson, times=known.times, busy=known.busy)
        print(summary)
        return int(not same)
    elif known.command == "run":
        for value in lesson.run(lesson.find(known.lesson), solved=not known.unsolved).values:
            if value is not None:
                print(value, end="\n\n")
    return 0


def _check() -> int:
    from labs.course import check, lesson
    from labs.exercises.registry import registered
    from labs.releases import apart, page, store
    from labs.trial import claims

    try:
        found = check.check(claims.ledger(), registered().values())
        found += [*store.findings(claims.ledger(), store.digests()), *page.stale()]
        found += apart.idle(claims.ledger())
    except (claims.LedgerError, apart.ApartError) as error:
        found = [str(error)]
    for sentence in found:
        print(sentence)
    print(f"{len(lesson.sources())} lessons, {len(found) or 'no'} findings.")
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main())
