"""A prediction is set beside the recording; nobody grades it, and nothing breaks it."""

from __future__ import annotations

from typing import Any

import pytest

from labs.capture.trace import Trace
from labs.host import learner
from labs.trial.comparison import Broken, Comparison, NotTested
from labs.trial.prediction import score


def table(*answers: object) -> Comparison:
    asked, sides = ("how many", "who"), ("redirect", "proxy")
    places = [(question, side) for question in asked for side in sides]
    traces = {side: Trace((), ()) for side in sides}
    return Comparison(asked, sides, dict(zip(places, answers, strict=True)), traces)


FOUND = table(2, 1, ["client"], ["front.test"])


def test_a_score() -> None:
    who: dict[str, object] = {"redirect": "client", "proxy": "Front.test "}
    prediction: dict[str, dict[str, object]] = {"how many": {"redirect": 2, "proxy": 2}, "who": who}
    expected = """\
✓ how many / redirect: you said 2
✗ how many / proxy: you said 2, recorded 1
✓ who / redirect: you said client
✓ who / proxy: you said Front.test
3 of 4 as recorded"""
    assert score(prediction, FOUND) == expected
    assert repr(score(prediction, FOUND)) == expected


@pytest.mark.parametrize(
    "prediction",
    [..., {}, {"how many": ...}, {"how many": {}}, {"how many": {"redirect": ..., "proxy": ...}, "who": ...}],
)
def test_unfilled(prediction: Any) -> None:
    told = (
        "No prediction filled in. Replace a ... in the cell of the prediction, run that cell, then this one."
    )
    assert score(prediction, FOUND) == told


@pytest.mark.parametrize("guess", [[...], ("client", ...)])
def test_a_list_with_a_gap_is_not_filled(guess: object) -> None:
    told = score({"how many": {"proxy": 1}, "who": {"redirect": guess}}, FOUND)
    assert told == "✓ how many / proxy: you said 1\n1 of 1 as recorded"


def test_partly_filled() -> None:
    prediction: Any = {"how many": {"redirect": ..., "proxy": 1}, "who": ...}
    assert score(prediction, FOUND) == "✓ how many / proxy: you said 1\n1 of 1 as recorded"


@pytest.mark.parametrize("prediction", [None, 3, "2", [2], {...}, {"who": 2}, {"who": ["redirect"]}, int])
def test_another_shape_gets_one_clear_sentence(prediction: Any) -> None:
    with pytest.raises(ValueError, match="A prediction is {question: {side: answer}}, as in ") as caught:
        score(prediction, FOUND)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("prediction", [3, {"how may": {"redirect": 1}}, {"how many": {"poxy": 1}}])
def test_a_learner_reads_the_sentence_in_the_place_of_the_score(
    prediction: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ValueError, match=r"^[A-Z].+\.$") as caught:
        score(prediction, FOUND)
    monkeypatch.setattr(learner, "strict", lambda: False)
    assert score(prediction, FOUND) == str(caught.value)


def test_what_the_table_does_not_have_is_named() -> None:
    with pytest.raises(ValueError, match="The table has no question 'how may'. It has: how many; who."):
        score({"how may": {"redirect": 1}}, FOUND)
    with pytest.raises(ValueError, match="The table has no side 'poxy'. It has: redirect, proxy."):
        score({"how many": {"poxy": ...}}, FOUND)
    with pytest.raises(ValueError, match="The table has no question 3."):
        score({3: {"redirect": 1}}, FOUND)  # type: ignore[dict-item]


@pytest.mark.parametrize("guess", [2, 2.0, "2", " 2 "])
def test_a_right_guess_in_other_words(guess: object) -> None:
    assert score({"how many": {"redirect": guess}}, FOUND).endswith("1 of 1 as recorded")


@pytest.mark.parametrize(
    ("guess", "answer"),
    [
        ("POST 5 bytes", "POST, 5 bytes"),
        ("post, five bytes.", "POST, 5 bytes"),
        ("ClientConnectorError heard 0", "ClientConnectorError, heard 0"),
        ("heard 0, ClientConnectorError", "ClientConnectorError, heard 0"),
        ("heard once", 1),
        ("once", 1),
        ("2 times", 2),
        ("Two", 2),
        ("never", 0),
        ("zero", 0),
        (2, "2"),
        ("origin.test/page", "http://origin.test/page"),
        ("http://origin.test", "http://origin.test/"),
        ('"client"', ["client"]),
        ("'GET' `/page`", "GET /page"),
        (["GET 0 bytes"], "GET, 0 bytes"),
        ("nothing", None),
        ("sock_read", "sock read".replace(" ", "_")),
        ("twenty", 20),
        ("True", True),
        ("false", False),
    ],
)
def test_what_was_said_counts_and_not_its_form(guess: object, answer: object) -> None:
    told = score({"how many": {"redirect": guess}}, table(answer, 1, [], None))
    assert told.startswith("✓") and told.endswith("1 of 1 as recorded")


@pytest.mark.parametrize(
    ("guess", "answer"),
    [
        ("ClientConnectorError, heard 1", "ClientConnectorError, heard 0"),
        ("ClientError, heard 0", "ClientConnectorError, heard 0"),
        ("localhost", "localhost of laptop"),
        ("client", ["client", "front.test"]),
        (["client", "nobody"], ["client", "front.test"]),
    ],
)
def test_half_right_is_said(guess: object, answer: object) -> None:
    lines = score({"how many": {"redirect": guess}}, table(answer, 1, [], None)).split("\n")
    assert lines[0].startswith("½ how many / redirect: you said ") and lines[0].endswith(": half right")
    assert lines[1] == "0 of 1 as recorded, 1 half right"


@pytest.mark.parametrize(
    ("guess", "answer"),
    [
        ("1 or 2", 2),  # both is no guess
        ("1 and 2", 2),
        ("12", 2),
        ("https://origin.test/page", "http://origin.test/page"),
        ("/page", "/pages"),
        ("not POST, 5 bytes", "POST, 4 bytes"),
        ("", "POST"),
        ("-", "POST"),
        ("client", None),
        (False, 0),
        (1, True),
        ("True", False),
        ("not 2", 2),
        ("more than 2", 2),
        ("at least two", 2),
        ("twice or more", 2),
    ],
)
def test_another_answer_is_wrong(guess: object, answer: object) -> None:
    told = score({"how many": {"redirect": guess}}, table(answer, 1, [], None))
    assert told.startswith("✗") and told.endswith("0 of 1 as recorded")


def test_neither_side_is_ever_cut() -> None:
    long = "a name " * 60
    told = score({"how many": {"redirect": long}}, table("another " * 60, 1, [], None))
    assert long.strip() in told and ("another " * 60) in told


def test_a_prediction_is_noted_for_whoever_made_it(monkeypatch: pytest.MonkeyPatch) -> None:
    noted: list[dict[str, object]] = []
    monkeypatch.setattr(learner, "note", lambda **what: noted.append(what))
    score({"how many": {"redirect": 2, "proxy": 3}, "who": {"redirect": "the client"}}, FOUND)
    score({"how many": ...}, FOUND)  # type: ignore[dict-item]
    assert noted == [{"prediction": ["how many", "who"], "right": 1, "half": 0, "of": 3}]


def test_yes_and_none() -> None:
    found = table(True, None, [], False)
    prediction: dict[str, dict[str, object]] = {
        "how many": {"redirect": "Yes", "proxy": None},
        "who": {"redirect": [], "proxy": "no"},
    }
    assert score(prediction, found).endswith("4 of 4 as recorded")


@pytest.mark.parametrize(("guess", "answer"), [(True, 1), (1, True), (0, False), ([True], [1])])
def test_yes_is_not_one(guess: object, answer: object) -> None:
    assert score({"how many": {"redirect": guess}}, table(answer, 1, [], None)).endswith("0 of 1 as recorded")


@pytest.mark.parametrize("guess", [["b", "A"], " B ,a", "b,a", ("a", "b")])
def test_case_spaces_and_order_do_not_count(guess: object) -> None:
    found = table(["a", "b"], 1, [], None)
    assert score({"how many": {"redirect": guess}}, found).endswith("1 of 1 as recorded")


@pytest.mark.parametrize("guess", ["a", "a, c", "a, b, b", "ab", None])
def test_another_list_is_wrong(guess: object) -> None:
    found = table(["a", "b"], 1, [], None)
    assert "\n0 of 1 as recorded" in score({"how many": {"redirect": guess}}, found)


@pytest.mark.parametrize("guess", [None, "None", "nobody", "–", "-", []])
def test_none_is_the_dash(guess: object) -> None:
    found = table(["a", "b"], 1, [], None)
    assert score({"who": {"redirect": guess, "proxy": guess}}, found).endswith("2 of 2 as recorded")


SILLY = [-1, 10**30, "", "a\n\nb", None, [], [[]], {"a": {}}, b"\xff", 2j, float("nan"), len]


@pytest.mark.parametrize("guess", SILLY)
def test_a_silly_guess_is_only_wrong(guess: object) -> None:
    shown = score({"how many": {"redirect": guess}}, FOUND)
    first, last = shown.split("\n")
    assert first.startswith("✗ how many / redirect: you said ") and first.endswith(", recorded 2")
    assert last == "0 of 1 as recorded"


class Mute:
    def __repr__(self) -> str:
        raise RuntimeError("nothing to say")


NEST: list[Any] = []
NEST.append(NEST)


@pytest.mark.parametrize("guess", [Mute(), NEST, 10**5000], ids=["mute", "nest", "huge"])
def test_a_guess_that_cannot_be_said_is_one_sentence(guess: object, monkeypatch: pytest.MonkeyPatch) -> None:
    told = (
        "What you said of 'how many' / 'redirect' cannot be shown: write a word, a number, or a list of them."
    )
    with pytest.raises(ValueError) as caught:
        score({"how many": {"redirect": guess}}, FOUND)
    assert str(caught.value) == told
    monkeypatch.setattr(learner, "strict", lambda: False)
    assert score({"how many": {"redirect": guess}}, FOUND) == told


def test_a_side_that_did_not_answer_is_not_scored() -> None:
    found = table(NotTested("no curl"), 1, Broken("OSError: x", OSError()), ["front.test"])
    shown = score({"how many": {"redirect": 2, "proxy": 1}, "who": {"redirect": "client"}}, found)
    expected = """\
? how many / redirect: you said 2, not tested: no curl
✓ how many / proxy: you said 1
? who / redirect: you said client, broken: OSError: x
1 of 1 as recorded"""
    assert shown == expected
