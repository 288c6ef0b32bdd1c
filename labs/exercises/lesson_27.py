"""The exercises of lesson 27."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from labs.exercises.registry import Attempt, exercise, not_yet, yes

LESSON = "27_read_the_verdicts"
WHY = {
    "b": "That an error comes is not said: somebody else may answer there.",
    "c": "It speaks of who is outside, and not of everybody.",
    "d": "That may be so, and yet it is not said here.",
}


@exercise(
    "what-is-said",
    lesson=LESSON,
    stars=1,
    minutes=5,
    hint="A sentence says no more than its words.",
    wants="value",
    wrong={
        "said = {'b'}": "somebody else",
        "said = {'a', 'b'}": "somebody else",
        "said = {'a', 'c'}": "outside",
        "said = {'a', 'd'}": "not said here",
        "said = {'a', 'b', 'c', 'd'}": "somebody else",
        "said = set()": "says something",
        "said = {'e'}": "no letter",
        "said = 3": "letters",
    },
)
async def what_is_said(said: Any) -> Attempt:
    """Demand the one sentence of four that is said."""
    if isinstance(said, str):
        said = set(said.replace(",", " ").split())
    if not isinstance(said, set | frozenset | list | tuple):
        return not_yet(f"This is of type {type(said).__name__}: give a set of letters.")
    letters = {str(it).strip().lower() for it in said}
    if strange := letters - {"a", *WHY}:
        return not_yet(f"{min(strange)!r} is no letter of the four.")
    if not letters:
        return not_yet("It says something: which of the four is no more than its words?")
    for letter, why in WHY.items():
        if letter in letters:
            return not_yet(f"{letter}: {why}")
    return yes()


@exercise(
    "write-a-reading",
    lesson=LESSON,
    stars=2,
    minutes=7,
    hint="Say only what the claim says: of which side does it speak?",
    wants="value",
    wrong={
        "reading = {'who asks the origin': {'redirect': ['client']}}": "of the proxy",
        "reading = {'who asks the origin': {'proxy': ['front.test'], 'redirect': ['client']}}": "no word of",
        "reading = {'who asks the origin': {'proxy': ['client']}}": "client does not",
        "reading = {'who asks the origin': {'proxy': 'front.test'}}": "a list",
        "reading = {'who asks the origin': {'proxy': ['front.test', 'client']}}": "client does not",
        "reading = {'proxy': {'who asks the origin': ['front.test']}}": "the question first",
        "reading = {'who asks the origin': ['front.test']}": "a side",
        "reading = {'who asks origin': {'proxy': ['front.test']}}": "no question",
        "reading = {}": "no question",
        "reading = ['front.test']": "a dict",
    },
)
async def write_a_reading(reading: Any) -> Attempt:
    """Demand a reading that says what a claim says, and no more."""
    question = "who asks the origin"
    if not isinstance(reading, Mapping):
        return not_yet(f"This is of type {type(reading).__name__}: give a dict.")
    if set(reading) & {"proxy", "redirect"}:
        return not_yet("It names a side where a question belongs: the question first, and then the side.")
    if set(reading) != {question}:
        return not_yet(f"The table has no question {next(iter(reading), '')!r}: its row is {question!r}.")
    sides = reading[question]
    if not isinstance(sides, Mapping):
        return not_yet("An answer stands under a side: {question: {side: answer}}.")
    if "proxy" not in sides:
        return not_yet("The claim speaks of the proxy, and your reading does not.")
    if set(sides) != {"proxy"}:
        return not_yet("It says too much: the claim has no word of a redirect.")
    names = sides["proxy"]
    if not isinstance(names, list | tuple):
        return not_yet("The answers of this row are lists: a list of one name.")
    if "client" in names:
        return not_yet(
            "With this the client would ask the origin, and the claim says that the client does not."
        )
    return yes() if list(names) == ["front.test"] else not_yet(f"Who is {names!r}? The front is front.test.")
