"""The command `python -m labs conformance`: it is right about what it was told, and about what it found."""

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from labs.conformance import Results, Site, __main__, checks
from labs.conformance.runner import run
from tests.conformance.proxies import relay
from tests.support import remains


def test_the_command_prints_the_matrix_and_writes_the_json(capsys: Any, tmp_path: Path) -> None:
    file = tmp_path / "found.json"
    arguments = ["--proxy", "posted", "--only", "REDIR-1", "--only", "cookies", "--why", "--json", str(file)]
    assert __main__.main(arguments) == 0
    printed = capsys.readouterr().out
    assert "✗ REDIR-1" in printed and "posted: 1 of 5 passed" in printed and "hint: Do not follow" in printed
    assert json.loads(file.read_text("utf-8"))["posted"]["score"] == [1, 5]


def test_the_command_says_in_one_sentence_what_is_wrong(capsys: Any) -> None:
    assert __main__.main(["--only", "nonsense"]) == 2
    assert capsys.readouterr().err.startswith("No check and no topic is called 'nonsense'")
    assert __main__.main(["ftp://127.0.0.1:1", "--upstream-port", "2"]) == 2
    assert "the list speaks plain HTTP" in capsys.readouterr().err
    for url, told in (
        ("http://127.0.0.1:70000", "write http://host:port"),
        ("http://[::1", "write http://host:port"),
        ("http://me:secret@127.0.0.1:1", "write http://host:port"),
        ("http://127.0.0.1:1/under?here", "write http://127.0.0.1:1; each check has its path"),
    ):
        assert __main__.main([url, "--upstream-port", "2"]) == 2
        assert told in capsys.readouterr().err


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (["http://127.0.0.1:1"], "a URL and --upstream-port go together"),
        (["--upstream-port", "1"], "a URL and --upstream-port go together"),
        (["http://127.0.0.1:1", "--upstream-port", "70000"], "a number from 1 to 65535, not 70000"),
        (["http://127.0.0.1:1", "--upstream-port", "0"], "a number from 1 to 65535, not 0"),
        (["http://127.0.0.1:1", "--upstream-port", "2", "--proxy", "posted"], "leave out the URL"),
        (["--proxy", "posted", "--proxy", "squid"], "called squid; there are: posted, typical"),
        (["--only", "HOP-1", "--json", "no-such-folder/found.json"], "no such folder; make it first"),
    ],
)
def test_the_command_refuses_what_cannot_be_done_before_it_begins(
    wrong: list[str], told: str, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(__main__, "_run", lambda known: pytest.fail("it began"))
    with pytest.raises(SystemExit):
        __main__.main(wrong)
    assert told in " ".join(capsys.readouterr().err.split())


@contextlib.asynccontextmanager
async def running() -> AsyncIterator[tuple[str, int]]:
    """Run a relay outside of any town; yield its URL and where it looks for its origin."""
    with socket.socket() as some:
        some.bind(("127.0.0.1", 0))
        upstream: int = some.getsockname()[1]

    async def dial(host: str, port: int) -> tuple[str, int]:
        return "127.0.0.1", upstream

    site = Site("", lambda: None, dial, checks()[0])  # type: ignore[arg-type, return-value]
    server = await asyncio.get_running_loop().create_server(relay(site), "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", upstream
    finally:
        server.close()
        await server.wait_closed()


def test_any_proxy_can_be_put_to_the_list_by_its_url() -> None:
    async def go() -> Results:
        async with running() as (url, upstream):
            stand = __main__._outside(url, upstream)
            only = ["TARGET-1", "FORWARD-1", "HOP-1", "ERROR-1", "STOP-1", "RETRY-2", "TIME-1", "REDIR-5"]
            results = await run(stand, only=only, at_once=1)
        for _ in range(5):
            await asyncio.sleep(0)
        assert remains() == []
        return results

    results = asyncio.run(go())
    assert set(results.ids("passed")) == {"TARGET-1", "FORWARD-1", "RETRY-2"}
    assert set(results.ids("failed")) == {"HOP-1", "ERROR-1"}
    assert results["STOP-1"].why == "the lab did not start this proxy, and does not stop it"
    assert results["TIME-1"].why.startswith("nothing is known of this proxy's time limit")
    assert results["REDIR-5"].why == "this proxy does not stand under a prefix"
    assert set(results.ids("not applicable")) == {"STOP-1", "TIME-1", "REDIR-5"}


def test_a_url_where_nobody_listens_is_broken_and_not_failed(capsys: Any) -> None:
    with socket.socket() as nobody, socket.socket() as some:
        nobody.bind(("127.0.0.1", 0))
        some.bind(("127.0.0.1", 0))
        port, upstream = nobody.getsockname()[1], some.getsockname()[1]
        some.close()
        url = [f"http://127.0.0.1:{port}", "--upstream-port", str(upstream), "--only", "HOP-1"]
        assert __main__.main(url) == 1
    assert "! HOP-1" in capsys.readouterr().out
