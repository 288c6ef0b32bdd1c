"""The benchmark of the proxies runs and reports; its figures are weather and are not tested."""

import asyncio
import json
from pathlib import Path

import psutil  # type: ignore[import-untyped]
import pytest

from labs.bench import __main__, processes
from labs.bench import proxies as proxybench
from labs.bench.measures import Measured
from labs.bench.report import Findings
from labs.town.names import LOOPBACK

NOWHERE = (LOOPBACK, 9)


def test_every_proxy_answers_and_the_report_names_each(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    record, picture = tmp_path / "p.json", tmp_path / "p.png"
    asked = ["proxies", "--rounds", "2", "--size", "0.5", "--idle", "10"]
    assert __main__.main([*asked, "--json", str(record), "--figure", str(picture)]) == 0
    said = capsys.readouterr().out
    missing = [name for name, why in processes.installed().items() if why]
    names = [name for name in ("direct", *processes.FRONTS) if name not in missing]
    assert [line.partition("  ")[0] for line in said.split("\n\n")[0].splitlines()[1:]] == names
    assert all(f"{name} is left out" in said for name in missing)
    assert "posted lost the body." in said
    found = json.loads(record.read_text("utf-8"))
    for measure in ("request", "cpu", "first byte", "down"):
        assert list(found["values"][measure]) == names
        assert all(value >= 0 for values in found["values"][measure].values() for value in values)
    assert "posted" not in found["values"]["up"] and "typical" in found["values"]["up"]
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert not [it for it in psutil.Process().children(recursive=True) if "labs.bench.server" in it.cmdline()]


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (["--rounds", "1"], "--rounds must be 2 or more"),
        (["--size", "nan"], "--size and --idle more than 0"),
        (["--size", "inf"], "--size and --idle more than 0"),
        (["--json", "no-such-folder/p.json"], "no such folder; make it first"),
        (["--figure", "no-such-folder/p.png"], "no such folder; make it first"),
    ],
)
def test_what_cannot_be_done_is_refused_before_it_begins(
    wrong: list[str], told: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(proxybench, "measure", lambda *_, **__: pytest.fail("it began"))
    with pytest.raises(SystemExit):
        __main__.main(["proxies", *wrong])
    assert told in " ".join(capsys.readouterr().err.split())


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (TimeoutError(), "squid did not answer in time."),
        (ConnectionResetError("reset"), "squid broke off: reset."),
        (psutil.NoSuchProcess(1), "the process of squid has ended."),
        (processes.ProcessFailed("squid lost the body"), "squid lost the body."),
    ],
)
def test_who_cannot_do_it_is_left_out_with_a_note(error: Exception, told: str) -> None:
    async def call(side: Measured) -> dict[str, float]:
        if side.name == "squid":
            raise error
        return {"request": 1.0}

    found = Findings(rounds=2, size=1, idle=1, machine="")
    sides = [Measured(name, 0, NOWHERE, NOWHERE) for name in ("squid", "typical")]
    asyncio.run(proxybench._interleaved(sides, 2, call, found))
    assert (found.values, found.notes) == ({"request": {"typical": [1.0, 1.0]}}, [told])
