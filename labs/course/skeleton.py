"""A new lesson that builds: source, exercise and claim, with marks where only its author can write.

What stands behind a mark says what to write there; `labs lesson` lists the marks that are left.
"""

import os
import re
import unicodedata
from collections.abc import Iterable, Mapping
from pathlib import Path
from string import Template

from labs.course.lesson import LessonError, sources
from labs.host.paths import ROOT

__all__ = ["write"]

LONGEST = 40  # characters of a name that is made of the question; the words up to there
LONGEST_EXERCISE = 32  # what labs/exercises allows

SOURCE = Template("""\
# %% [markdown]
# # $number · $question
#
# **You will** WRITE: what the reader does and finds out, in one sentence.
#
# **You need** lesson 00.
#
# **Minutes:** 6 to read and run, 5 for the exercise.

# %%
from functools import partial

from aiohttp import ClientSession, web

from labs import Guard, Town, attempt, check, clients, compare, draw, score

guard = Guard()

# %% tags=["nbval-ignore-output"]
clients.versions()

# %% [markdown]
# ## The scene
#
# WRITE: who speaks to whom, and the one thing in which the two sides differ.


# %%
async def first(request):
    return web.Response(text="here\\n")  # WRITE: the handler of the first side, and call it by what it does.


async def second(request):
    raise web.HTTPNotFound(text="not here\\n")  # WRITE: the second side, with one difference.


# %% [markdown]
# ## Predict
#
# WRITE: what is sent, and two to four questions to guess before it is seen.
#
# Write your answers over the `...`. Nobody grades them. A wrong guess is what makes the recording worth
# reading.

# %%
prediction = {
    # one of: 200, 302, 404
    "status the client hears": {"first": ..., "second": ...},
}

# %% [markdown]
# ## The experiment
#
# WRITE: what the experiment sends, the same for every side.


# %%
async def ask(side):
    async with Town() as town:
        await town.open("front.test", side)
        async with (
            ClientSession(connector=town.connector("client")) as client,
            client.get("http://front.test/page") as answer,
        ):
            await answer.read()
    return town.trace


# %%
found = await compare(
    {"first": partial(ask, first), "second": partial(ask, second)},
    ask={"status the client hears": lambda t: t.answers(whom="client")[0].status},
)
found

# %% [markdown]
# ## What was said
#
# WRITE: what to look at in the lanes.

# %%
found["first"].lanes()

# %%
found["second"].lanes()

# %%
draw.lifelines({it: found[it] for it in found.sides}, finding="WRITE: what the figure shows, in a sentence")

# %%
score(prediction, found)

# %% [markdown]
# ## What happened
#
# WRITE: what came, and why, in three to six sentences, each behind its claim's id, as here [$id].
#
# The next cell computes the verdict. It says what the table would show *if the sentence were true*.

# %%
check(found, {"$id": {"status the client hears": {"first": 200, "second": 404}}})

# %% [markdown]
# ## Exercise
#
# It is tried on real traffic. The reply is *not tried yet*, *not yet* with what went wrong, or *yes*. The
# [solution](solutions/$stem.ipynb) is in a notebook of its own.
#
# ### ★ $exercise (5 minutes)
#
# WRITE: what the handler must do, so that there is no doubt whether it does.


# %% exercise="$exercise"
async def answer(request):
    ...  # TODO: WRITE: the same in a few words.
    # solution
    raise web.HTTPNotFound()
    # end


# %%
await attempt("$exercise", answer)

# %% [markdown]
# <details><summary>Hint</summary>
# WRITE: what helps, without the answer.
# </details>
#
# ## In practice
#
# * WRITE: what to do tomorrow at work, now that this is known.
#
# ## Where this comes from
#
# * WRITE: links to the sections of the RFC and of aiohttp's documentation.

# %%
await guard.clean()
""")

EXERCISE = Template('''\
"""The exercise of lesson $number."""

from __future__ import annotations

from typing import Any

from aiohttp import ClientError, ClientSession

from labs.capture.trace import Trace
from labs.exercises.registry import Attempt, exercise, not_yet, yes
from labs.town.town import Town

LESSON = "$stem"


async def _ask(handler: Any) -> Trace:
    async with Town() as town:
        await town.open("front.test", handler)
        async with ClientSession(connector=town.connector("client")) as client:
            try:
                async with client.get("http://front.test/page") as answer:
                    await answer.read()
            except ClientError:
                pass  # the trace tells what came
    return town.trace


@exercise(
    "$exercise",
    lesson=LESSON,
    stars=1,
    minutes=5,
    hint="WRITE: the hint of the lesson, in one sentence.",
    wrong={  # WRITE: the usual wrong answers, each with a word that the reply to it must hold.
        "async def answer(request):\\n    return web.Response(text='404')": "heard 200",
        "async def answer(request):\\n    return 404": "returned 404",
    },
)
async def $function(handler: Any) -> Attempt:
    """WRITE: what is demanded, in a sentence; and below, what is wrong with each wrong answer."""
    trace = await _ask(handler)
    statuses = [it.status for it in trace.answers(whom="client")]
    if not statuses:
        return not_yet("The client heard no answer.", trace)
    if statuses[0] != 404:
        return not_yet(f"The client heard {statuses[0]}.", trace)
    return yes(trace)
''')

CLAIM = Template("""
# ── $number · $question $line

[[claim]]
id = "$id"
sentence = "WRITE: one sentence that the table can refute; set its kind and the verdict you expect below."
source = "WRITE: who says so, such as RFC 9110 section 15.4, or a common assumption."
kind = "observed"
verdict = "holds"
lesson = "$stem"
""")


def write(number: str, question: str, *, name: str = "", root: Path = ROOT) -> list[Path]:
    """Write the source, the exercise and the claim of a new lesson, and return these three files.

    The lesson is called by `name`, or by the words of the question. Raises LessonError, in one sentence, for
    what is no number, no question or no name, and for what is taken; then nothing has been written, and
    nothing either where a file cannot be written or the writing is interrupted.
    """
    lessons = sources(root / "notebooks")
    question = " ".join(question.split())
    if not re.fullmatch(r"\d\d", number, re.ASCII):
        raise LessonError(f"{number!r} is no number of a lesson: write two digits, such as {_free(lessons)}.")
    if taken := [it.stem for it in lessons if it.stem.startswith(number)]:
        raise LessonError(f"The number {number} is {taken[0]}'s: write another, such as {_free(lessons)}.")
    if not re.fullmatch(r".*\w.*\?", question):
        raise LessonError(
            f"{question!r} is no question: a title ends in a question mark, and stands in quotes."
        )
    slug = name or _slug(question)
    if not re.fullmatch(r"[a-z0-9]+(_[a-z0-9]+)*", slug):
        raise LessonError(
            f"{slug!r} is no name: give --name a verb phrase in small letters, as in name_the_error."
        )
    if taken := [it.stem for it in lessons if it.stem[3:] == slug]:
        raise LessonError(
            f"{taken[0]} has this name already: give another with --name, as in name_the_error."
        )
    files = {
        "source": root / "notebooks" / "source" / f"{number}_{slug}.py",
        "exercise": root / "labs" / "exercises" / f"lesson_{number}.py",
        "ledger": root / "labs" / "trial" / "claims.toml",
    }
    if files["exercise"].exists():
        raise LessonError(f"labs/exercises/lesson_{number}.py is there without its lesson: delete it first.")
    try:
        ledger = files["ledger"].read_text("utf-8")
        exercise = _exercise(slug, number, files["exercise"].parent)
        words = {
            "number": number,
            "question": question,
            "stem": f"{number}_{slug}",
            "exercise": exercise,
            "function": re.sub(r"^(?=\d)", "e_", exercise.replace("-", "_")),
            "id": _id(number, [ledger, *(it.read_text("utf-8") for it in (root / "results").glob("*.json"))]),
            "line": "─" * max(3, 114 - len(question) - len(number)),
        }
        _write_all(
            {
                files["source"]: SOURCE.substitute(words),
                files["exercise"]: EXERCISE.substitute(words),
                files["ledger"]: ledger.rstrip("\n") + "\n" + CLAIM.substitute(words),
            }
        )
    except OSError as error:
        where = Path(error.filename or root).parent
        raise LessonError(f"{where} cannot be written ({error.strerror}): nothing was written.") from error
    return list(files.values())


def _free(lessons: Iterable[Path]) -> str:
    taken = {it.stem[:2] for it in lessons}
    return next((free for n in range(100) if (free := f"{n:02}") not in taken), "none, all are taken")


def _slug(question: str) -> str:
    plain = unicodedata.normalize("NFKD", question).encode("ascii", "ignore").decode().lower()
    return _short(re.findall(r"[a-z0-9]+", plain.replace("'", "")), "_", LONGEST)


def _short(words: list[str], between: str, longest: int) -> str:
    """Join as many words as fit."""
    while len(words) > 1 and len(between.join(words)) > longest:
        words = words[:-1]
    return between.join(words)[:longest]


def _exercise(slug: str, number: str, folder: Path) -> str:
    known = "".join(file.read_text("utf-8") for file in folder.glob("lesson_*.py"))
    plain = _short(slug.split("_"), "-", LONGEST_EXERCISE - 3)
    return f"{plain}-{number}" if f'"{plain}"' in known else plain


def _id(number: str, known: list[str]) -> str:
    """Return an id of this lesson that is used neither in the ledger nor in the stored results."""
    ids = (f"L{number}{letter}" for letter in "abcdefghijklmnopqrstuvwxyz")
    for id in ids:
        if not any(f'"{id}"' in text for text in known):
            return id
    raise LessonError(f"Every id from L{number}a to L{number}z has been used: choose another number.")


def _write_all(texts: Mapping[Path, str]) -> None:
    """Write all files or none, also when this is interrupted: drafts first, then each takes its place."""
    before = {file: file.read_bytes() if file.exists() else None for file in texts}
    drafts = {file: file.with_name(f"{file.name}.draft") for file in texts}
    try:
        for file, text in texts.items():
            drafts[file].write_text(text, "utf-8", newline="\n")
        for file, draft in drafts.items():
            os.replace(draft, file)
    except BaseException:
        for file, kept in before.items():
            if kept is None:
                file.unlink(missing_ok=True)
            elif file.read_bytes() != kept:
                file.write_bytes(kept)
        raise
    finally:
        for draft in drafts.values():
            draft.unlink(missing_ok=True)
