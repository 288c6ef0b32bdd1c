"""What several tests of the course need: a made-up lesson, its ledger, and what is done to it."""

from pathlib import Path
from types import SimpleNamespace

from labs.course import build, check

NAME = "01_count_to_two"
SOURCE = """\
# %% [markdown]
# # 01 · Does one come before two?

# %% [markdown]
# *Minutes*: 5, exercises 3

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
LEDGER = {"C01": SimpleNamespace(lesson=NAME)}
EXERCISES = [SimpleNamespace(name="add-one", lesson=NAME, stars=1, minutes=3, hint="What is 0 + 1?")]


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


def findings(notebooks: Path, ledger=LEDGER, exercises=EXERCISES) -> str:
    return "\n".join(check.check(ledger, exercises, notebooks))
