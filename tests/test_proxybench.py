"""The benchmark of the proxies runs and reports; its figures are weather and are not tested."""

import json
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from labs import bench, proxies
from labs.load import Counter

GATEWAY = "gateway, direct leg"


def test_every_proxy_answers_and_the_report_names_each(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    record, picture = tmp_path / "p.json", tmp_path / "p.png"
    asked = ["proxies", "--rounds", "2", "--size", "0.5", "--idle", "10"]
    assert bench.main([*asked, "--json", str(record), "--figure", str(picture)]) == 0
    said = capsys.readouterr().out
    missing = [name for name, why in proxies.installed().items() if why]
    names = [name for name in ("direct", *proxies.FRONTS) if name not in missing]
    assert [line.partition("  ")[0] for line in said.split("\n\n")[0].splitlines()[1:]] == names
    assert all(f"{name} is left out" in said for name in missing)
    assert "posted lost the body." in said
    found = json.loads(record.read_text("utf-8"))
    for measure in ("request", "cpu", "first byte", "down"):
        assert list(found["values"][measure]) == names
        assert all(value >= 0 for values in found["values"][measure].values() for value in values)
    assert "posted" not in found["values"]["up"] and "typical" in found["values"]["up"]
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert not [it for it in psutil.Process().children(recursive=True) if "labs.proxies" in it.cmdline()]


def test_a_proxy_that_cannot_start_is_one_sentence() -> None:
    with pytest.raises(proxies.Failed, match="gateway.* did not start"), proxies.started(GATEWAY, "no URL"):
        raise AssertionError("it started")


def test_the_processes_end_with_an_exception() -> None:
    with pytest.raises(KeyError), proxies.started("origin") as (process, _):
        raise KeyError
    assert process.poll() is not None


def test_too_few_rounds_are_refused() -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "labs", "bench", "proxies", "--rounds", "1"], capture_output=True, text=True
    )
    assert ran.returncode == 2 and "--rounds must be 2 or more" in ran.stderr


@pytest.mark.parametrize("step", [1, 3, 1000])
def test_the_counter_finds_the_end_in_pieces_of_any_size(step: int) -> None:
    chunks = (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;a=b\r\nabc\r\nA\r\n0123456789\r\n0\r\n\r\n"
    )
    for data, body in ((chunks, 13), (b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nabcd", 4)):
        counter = Counter()
        for at in range(0, len(data), step):
            assert not counter.over
            counter.feed(data[at : at + step])
        assert counter.over and counter.body == body and counter.raw == len(data)
