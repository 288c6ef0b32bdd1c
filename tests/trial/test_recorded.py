"""What the lesson recorded is read from its kept outputs, and nothing is told where there are none."""

import json
from pathlib import Path

import pytest

from labs.course import lesson
from labs.trial import claims
from labs.trial.claims import Kind, Verdict
from labs.trial.recorded import recorded

TOLD = """✓ C1 holds: It holds. (posted: x)
✗ C2 refuted: It asks: twice. (posted: x)
    it would show   requests: proxy 2
    recorded        requests: proxy 1; redirect 2
    recorded        who: client: front
    rather          It asks once."""


def written(folder: Path, text: object) -> Path:
    cells = [{"source": ""}, {"outputs": [{"name": "stdout"}, {"data": {"text/plain": text}}]}]
    (folder / "01_x.ipynb").write_text(json.dumps({"cells": cells}), "utf-8")
    return folder


@pytest.mark.parametrize("text", [TOLD, TOLD.splitlines(keepends=True)])
def test_what_was_recorded_is_read_by_question(text: object, tmp_path: Path) -> None:
    folder = written(tmp_path, text)
    assert recorded("C2", "01_x", folder) == {"requests": "proxy 1; redirect 2", "who": "client: front"}
    assert recorded("C1", "01_x", folder) == {} == recorded("C3", "01_x", folder)


@pytest.mark.parametrize("text", ["", "no JSON", "[]", '{"cells": [3]}', '{"cells": null}'])
def test_what_is_no_notebook_tells_nothing(text: str, tmp_path: Path) -> None:
    (tmp_path / "01_x.ipynb").write_text(text, "utf-8")
    assert recorded("C2", "01_x", tmp_path) == {} == recorded("C2", "02_not_there", tmp_path)


def test_every_refuted_claim_of_the_course_has_its_record() -> None:
    built = {it.stem for it in lesson.sources()}
    for claim in claims.ledger().values():
        if claim.verdict is Verdict.REFUTED and claim.lesson in built:
            assert recorded(claim.id, claim.lesson), f"{claim.id}: build the lesson with `make lessons`"
    assert Kind.POSTED in {it.kind for it in claims.ledger().values()}
