"""What several tests of the course need: a made-up lesson, its ledger, and what is done to it."""

from collections.abc import Sequence
from pathlib import Path

from labs.course import build, check
from labs.exercises.registry import Attempt, Exercise, yes
from labs.trial.claims import Claim, Kind, Verdict

NAME = "01_count_to_two"
SOURCE = """\
# %% [markdown]
# # 01 · Does one come before two?

# %% [markdown]
# *Minutes*: 3, exercises 3

# %%
import os

import labs

TRIED = []


def check(found, readings):
    return sorted(readings)


async def attempt(name, answer):
    return f"{name}: {'not tried yet' if answer(0) is ... else 'yes' if answer(0) == 1 else 'not yet'}"


class guard:
    async def clean():
        return None


# %%
async def count():
    return [1, 2]


found = await count()
print("counted in", os.path.basename(os.getcwd()))
found

# %%
check(found, {"C01": {}})

# %% [markdown]
# One comes first [C01]. See [C99](elsewhere).

# %% exercise="add-one"
def more(number):
    ...  # TODO: return one more
    # solution
    return number + 1
    # end


# %%
await attempt("add-one", lambda n: ... if more(n) is None else more(n))

# %%
await guard.clean()
"""


def claim(id: str, lesson: str = NAME) -> Claim:
    """Make a claim of a lesson."""
    return Claim(id, "One comes first.", "nobody in particular", Kind.ASSUMED, Verdict.HOLDS, lesson)


def task(
    name: str, lesson: str = NAME, *, stars: int = 1, minutes: int = 3, hint: str = "What is 0 + 1?"
) -> Exercise:
    """Make an exercise of a lesson; its check is never asked."""

    async def right(answer: object) -> Attempt:
        return yes()

    return Exercise(name, lesson, stars, minutes, hint, "value", right, {})


LEDGER = {"C01": claim("C01")}
EXERCISES = [task("add-one")]


def rebuild(notebooks: Path, *, everything: bool = False) -> list[str]:
    """Build a made-up course beside its made-up package."""
    beside = notebooks.parent
    package, memory = beside / "labs", beside / "memory.json"
    return build.build(notebooks, memory=memory, package=package, everything=everything)


def change(notebooks: Path, old: str, new: str) -> None:
    """Edit the source of the made-up lesson."""
    file = notebooks / "source" / f"{NAME}.py"
    text = file.read_text("utf-8")
    assert old in text
    file.write_text(text.replace(old, new), "utf-8")


def findings(notebooks: Path, exercises: Sequence[Exercise] = tuple(EXERCISES)) -> str:
    """Check the whole made-up course, and join what was found."""
    return "\n".join(check.check(LEDGER, exercises, notebooks))
