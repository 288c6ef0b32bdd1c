"""The benchmark of the lab runs and reports; its figures are weather and are not tested."""

import asyncio

import pytest

from labs.bench import town


def test_the_report_names_every_ratio(capsys: pytest.CaptureFixture[str]) -> None:
    assert town.main(["--rounds", "2"]) == 0
    said = capsys.readouterr().out
    assert "A town of three servers, opened and closed:" in said
    assert [line.split("  ")[1] for line in said.splitlines() if line.startswith("  ")] == [
        "small",
        "small, control",
        "big",
        "big, control",
    ]


def test_too_few_rounds_are_refused_in_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        town.main(["--rounds", "1"])
    assert "--rounds must be 2 or more" in capsys.readouterr().err


def test_both_variants_answer_the_same_bytes() -> None:
    costs = asyncio.run(town.tap_costs(2))
    assert {(ratio.a, ratio.b) for ratio in costs.values()} == {("tapped", "plain"), ("plain again", "plain")}
