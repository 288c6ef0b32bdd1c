"""Each failure stands where its name says, and what came of it is counted."""

import pytest
from aiohttp import (
    ClientConnectorCertificateError,
    ClientConnectorError,
    ClientConnectorSSLError,
    ClientSession,
    ServerDisconnectedError,
)

from labs import failures
from labs.failures import EVERY, heard, stand, table, view
from labs.faults import FAULTS
from labs.noted import noted
from labs.recording import Kind
from labs.town import Town
from labs.trace import Said, Trace
from tests.support import run

CALL = Said("client", "origin", None, "refused", 0, 0, 0.0)
BARE = Trace((CALL,), ("client", "origin"))


async def ask(town: Town, name: str) -> str:
    url, gate = await stand(town, name)
    assert gate.is_open
    async with ClientSession(connector=town.connector("client", ssl=town.ca.client_context())) as client:
        try:
            async with client.get(url) as answer:
                return await answer.text()
        except ClientConnectorError as error:
            return type(error).__name__


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("unknown-name", "ClientConnectorDNSError"),
        ("refused", "ClientConnectorError"),
        ("not-tls", ClientConnectorSSLError.__name__),
        ("wrong-name", "hello\n"),  # whose name is wrong is the client's to say
        ("unknown-ca", "hello\n"),  # and whom it trusts, too
    ],
)
def test_before_there_is_anybody(name, said):
    async def main():
        async with Town() as town:
            assert await ask(town, name) == said
            assert heard(name, town.trace) == (said == "hello\n")

    run(main)


def test_a_certificate_is_good_for_the_name_of_its_failure_only():
    async def main():
        async with Town() as town:
            url, _ = await stand(town, "wrong-name")
            async with ClientSession(
                connector=town.connector("client", ssl=town.ca.client_context())
            ) as client:
                with pytest.raises(ClientConnectorCertificateError):
                    await client.get(url, server_hostname="other.test")

    run(main)


@pytest.mark.parametrize("name", FAULTS)
def test_every_fault_stands_at_its_name_and_its_gate_waits_for_the_head(name):
    async def main():
        async with Town() as town:
            url, gate = await stand(town, name)
            assert url == f"http://{name}.test/order"
            assert gate.is_open is not FAULTS[name].after_head
            assert list(town.names()) == [f"{name}.test:80"]
            assert not [it for it in town.recording.pieces if it.kind is Kind.OPENED]

    run(main)


def test_a_name_that_is_no_failure_says_which_there_are():
    async def main():
        async with Town() as town:
            with pytest.raises(ValueError, match="no failure of the lab: choose one of unknown-name, "):
                await stand(town, "crash")

    run(main)


NOTES = {name: "nothing" if name == "slow" else "SomeError" for name in EVERY}


def test_the_table_has_every_failure_under_its_phase():
    lines = table({"GET": noted(BARE, NOTES), "POST": noted(BARE, NOTES)}).splitlines()
    assert lines[0].split() == ["GET", "raises", "heard", "POST", "raises", "heard"]
    assert [it.split()[0] for it in lines if it.startswith("  ")][1:] == list(EVERY)
    assert lines[1] == "before there is anybody to speak to" and "in the body" in lines
    assert next(it for it in lines if it.startswith("  slow")).split() == [
        "slow",
        "nothing",
        "0",
        "nothing",
        "0",
    ]


def test_the_map_has_a_cell_for_every_end_that_is_a_fault():
    grid = view({"GET": noted(BARE, NOTES)})
    ends = [name for name in FAULTS if name.partition("-")[0] in failures.ENDS]
    assert len(grid.cells) == len(ends) == 29
    assert set(grid.cells.values()) == {"1"}


def test_the_map_tells_once_from_twice_and_silence_from_an_exception():
    async def main():
        async with Town() as town:
            url, _ = await stand(town, "close-before-head")
            async with ClientSession(connector=town.connector("client")) as client:
                for times in (1, 2):
                    with pytest.raises(ServerDisconnectedError):
                        await client.post(url)
                    for note, letter in (("SomeError", "12"[times - 1]), ("nothing", "=!"[times - 1])):
                        trace = noted(town.trace, {**NOTES, "close-before-head": note})
                        assert view({"POST": trace}).cells["POST", "before-head", "close"] == letter

    run(main)
