"""Each fault of the strict proxy is found by the checks that are there for it; without one, all pass."""

import asyncio

import pytest

from labs.conformance import Results, checks, in_town
from labs.conformance.runner import run
from tests.conformance.strict import FAULTS, strict
from tests.support import remains, tasks, turns


@pytest.fixture(scope="module")
def wrong() -> dict[str, Results]:
    """Put the strict proxy without a fault to all these checks, and with each fault to those that find it."""

    async def go() -> dict[str, Results]:
        sides = {"": set().union(*FAULTS.values()), **FAULTS}
        each = await asyncio.gather(*(run(in_town(strict(it)), only=ids) for it, ids in sides.items()))
        while others := tasks():
            await asyncio.wait(others)
        await turns(3)
        assert remains() == []
        return dict(zip(sides, each, strict=True))

    return asyncio.run(go())


def test_a_proxy_without_these_faults_passes(wrong: dict[str, Results]) -> None:
    results = wrong[""]
    assert {it.id: it.why for it in results.results if it.verdict != "passed"} == {}
    assert {it.id for it in checks() if it.needs} - {"ERROR-6", "LIMIT-5"} <= set(results.ids("passed"))


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_found_by_its_checks(fault: str, wrong: dict[str, Results]) -> None:
    assert {it.id: it.verdict for it in wrong[fault].results} == dict.fromkeys(FAULTS[fault], "failed")
