"""The commands that build, list, repeat and run lessons, each with its own arguments. Raise LessonError."""

import argparse
import signal
import sys
from collections.abc import Sequence

from labs.course import build, documents, inspection, lesson, repeat, skeleton, syllabus
from labs.paths import ROOT

__all__ = ["build_lessons", "list_lessons", "new_lesson", "repeat_lessons", "run_lesson", "try_lesson"]


def build_lessons(argv: Sequence[str]) -> int:
    """Build the lessons and solutions that are stale."""
    parser = argparse.ArgumentParser(prog="python -m labs build", description=build_lessons.__doc__)
    parser.add_argument(
        "--all", action="store_true", help="Build all of them, and write pictures that differ, too."
    )
    parser.add_argument("lesson", metavar="NN", nargs="*", help="Only these lessons.")
    told = parser.parse_args(argv)
    done = build.build(only=told.lesson, everything=told.all)
    done += [f"wrote {file.relative_to(ROOT)}" for file in build.illustrate()]
    print("\n".join(done) or "Every notebook is as its source yields it: nothing to do.")
    return 0


def list_lessons(argv: Sequence[str]) -> int:
    """Print the table of lessons."""
    parser = argparse.ArgumentParser(prog="python -m labs list", description=list_lessons.__doc__)
    words = "Write it into README.md instead, and the packages into CONTRIBUTING.md."
    parser.add_argument("--write", action="store_true", help=words)
    if parser.parse_args(argv).write:
        print("\n".join(f"wrote {file.name}" for file in documents.write()) or "The documents are fresh.")
    else:
        print(syllabus.table(map(syllabus.entry, lesson.sources())))
    return 0


def repeat_lessons(argv: Sequence[str]) -> int:
    """Execute all notebooks again and compare every byte of text."""
    parser = argparse.ArgumentParser(prog="python -m labs repeat", description=repeat_lessons.__doc__)
    parser.add_argument("lesson", metavar="NN", nargs="*", help="Only these lessons.")
    parser.add_argument("--times", type=int, default=20, help="How often; 20 if not given.")
    parser.add_argument("--busy", action="store_true", help="Keep every core busy meanwhile.")
    told = parser.parse_args(argv)
    same, summary = repeat.repeat(only=told.lesson, times=told.times, busy=told.busy)
    print(summary)
    return int(not same)


def try_lesson(argv: Sequence[str]) -> int:
    """Try one lesson on its own: all that must be green, in half a minute."""
    parser = argparse.ArgumentParser(prog="python -m labs lesson", description=try_lesson.__doc__)
    parser.add_argument("lesson", metavar="NN", nargs="?", default="", help="Its number.")
    told = parser.parse_args(argv)
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)  # a kill ends, too, what was started
    try:
        return inspection.report(told.lesson)
    except KeyboardInterrupt:
        print("Stopped. What is built stays; run it again for the rest.", file=sys.stderr)
        return 130
    finally:
        signal.signal(signal.SIGTERM, before)


def new_lesson(argv: Sequence[str]) -> int:
    """Write a new lesson that builds, with marks where its author must write."""
    parser = argparse.ArgumentParser(prog="python -m labs new", description=new_lesson.__doc__)
    parser.add_argument("number", metavar="NN", help="Its number: two digits.")
    parser.add_argument("question", metavar="QUESTION", help='Its title, in quotes: "Who makes the request?"')
    parser.add_argument(
        "--name", default="", help="A verb phrase such as name_the_error; else the question's words."
    )
    told = parser.parse_args(argv)
    written = skeleton.write(told.number, told.question, name=told.name)
    print("\n".join(f"wrote {file.relative_to(ROOT)}" for file in written))
    print(f"Next: make lesson LESSON={told.number} lists what is yours to write.")
    return 0


def run_lesson(argv: Sequence[str]) -> int:
    """Run one lesson in this process and print the value of each cell."""
    parser = argparse.ArgumentParser(prog="python -m labs run", description=run_lesson.__doc__)
    parser.add_argument("lesson", metavar="NN", help="Its number, or how its name begins.")
    parser.add_argument("--unsolved", action="store_true", help="Run the lesson instead of the solution.")
    told = parser.parse_args(argv)
    for value in lesson.run(lesson.find(told.lesson), solved=not told.unsolved).values:
        if value is not None:
            print(value, end="\n\n")
    return 0
