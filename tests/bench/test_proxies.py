"""The benchmark of the proxies runs and reports; its figures are weather and are not tested."""

import asyncio
import json
import os
from collections.abc import Awaitable, Callable
from pathlib import Path

import psutil  # type: ignore[import-untyped]
import pytest

from labs.bench import processes, town
from labs.bench import proxies as proxybench
from labs.bench.load import Counter
from labs.bench.measures import Side, blamed, down, opened, slow
from labs.bench.report import Findings
from labs.town.names import LOOPBACK

GATEWAY = "gateway, direct leg"
NOWHERE = (LOOPBACK, 9)


def test_every_proxy_answers_and_the_report_names_each(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    record, picture = tmp_path / "p.json", tmp_path / "p.png"
    asked = ["proxies", "--rounds", "2", "--size", "0.5", "--idle", "10"]
    assert town.main([*asked, "--json", str(record), "--figure", str(picture)]) == 0
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


def test_a_proxy_that_cannot_start_is_one_sentence() -> None:
    with (
        pytest.raises(processes.Failed, match="gateway.* did not start"),
        processes.started(GATEWAY, "no URL"),
    ):
        raise AssertionError("it started")


def test_the_processes_end_with_an_exception() -> None:
    with pytest.raises(KeyError), processes.started("origin") as (process, _):
        raise KeyError
    assert process.poll() is not None


def test_a_program_that_is_none_is_one_sentence() -> None:
    with pytest.raises(processes.Failed, match="No proxy is called 'squid'"), processes.started("squid", "x"):
        raise AssertionError("it started")


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
        town.main(["proxies", *wrong])
    assert told in " ".join(capsys.readouterr().err.split())


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (TimeoutError(), "squid did not answer in time."),
        (ConnectionResetError("reset"), "squid broke off: reset."),
        (psutil.NoSuchProcess(1), "the process of squid has ended."),
        (processes.Failed("squid lost the body"), "squid lost the body."),
    ],
)
def test_who_cannot_do_it_is_left_out_with_a_note(error: Exception, told: str) -> None:
    async def call(side: Side) -> dict[str, float]:
        if side.name == "squid":
            raise error
        return {"request": 1.0}

    found = Findings(rounds=2, size=1, idle=1, machine="")
    sides = [Side(name, 0, NOWHERE, NOWHERE) for name in ("squid", "typical")]
    asyncio.run(proxybench._interleaved(sides, 2, call, found))
    assert (found.values, found.notes) == ({"request": {"typical": [1.0, 1.0]}}, [told])


async def meeting(said: bytes, work: Callable[[Side], Awaitable[object]]) -> tuple[str, bytes]:
    """Let `work` ask a proxy that says this and ends; return its failure, and what was heard after it."""
    after: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    async def met(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(said)
        if b"Length: 100" in said:
            writer.close()
        after.set_result(await reader.read())
        writer.close()

    async with await asyncio.start_server(met, LOOPBACK, 0) as server:
        side = Side("squid", os.getpid(), server.sockets[0].getsockname(), NOWHERE)
        with pytest.raises(processes.Failed) as caught, blamed(side):
            await work(side)
        return str(caught.value), await asyncio.wait_for(after, 5)


def test_a_slow_body_that_breaks_off_is_no_measurement() -> None:
    said = b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nhalf"
    told, _ = asyncio.run(meeting(said, lambda side: slow(side, 1000, 30.0)))
    assert told == "squid broke off: The connection was closed inside a message."


def test_a_connection_with_another_answer_is_closed() -> None:
    told, after = asyncio.run(meeting(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", opened))
    assert told.startswith("squid gave no answer of 200 bytes") and after == b""


def test_a_body_that_is_short_is_told_in_one_sentence() -> None:
    short = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc"
    assert asyncio.run(meeting(short, lambda side: down(side, 7)))[0] == "squid delivered 3 bytes of 7"


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
