"""The order of events decides whether a timeout has fired; what a slow computer does is no verdict."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from labs.capture.trace import Trace
from labs.instruments import timeouts
from labs.instruments.timeouts import Run, Trial, Unsettled, outlast, shut
from labs.town import gates, town
from labs.town.gates import GateStuck
from tests.support import hello, tasks
from tests.virtual import VirtualClock, virtual_clock


@pytest.fixture(autouse=True)
async def clock(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[VirtualClock]:
    """Take the clock in hand, so that no busy computer adds a run that says nothing."""
    with virtual_clock() as clock:
        monkeypatch.setattr(timeouts, "time", clock)
        yield clock


async def test_a_timeout_while_the_gate_is_shut_has_fired() -> None:
    async def ask(trial: Trial) -> None:
        async with asyncio.timeout(trial.begin()):
            await trial.gate

    found = await outlast(ask, 0.01)
    assert (found.raised, found.late) == ("TimeoutError", False)
    assert found.asked == 0.01
    assert found.took >= 0


async def test_a_request_that_goes_on_behind_the_gate_has_not() -> None:
    async def ask(trial: Trial) -> None:
        seconds = trial.begin()
        began = asyncio.get_running_loop().time()
        await trial.gate
        held.append((asyncio.get_running_loop().time() - began) / seconds)

    held: list[float] = []
    found = await outlast(ask, 0.05)
    assert (found.raised, found.error, found.late) == ("–", None, False)
    assert held[0] > 1.5  # the gate was shut for longer than the timeout


@pytest.mark.parametrize("fires", [True, False])
async def test_seconds_of_ones_own_are_waited_for_once(fires: bool) -> None:
    begun: list[float] = []

    async def ask(trial: Trial) -> None:
        async with asyncio.timeout(trial.begin(2) if fires else None):
            begun.append(trial.begin(2))
            await trial.gate

    found = await outlast(ask)
    assert (found.raised, found.late, found.asked) == ("TimeoutError" if fires else "–", False, 2)
    assert begun == [2]


async def test_a_timeout_without_its_beginning_is_told_at_once() -> None:
    tried: list[Trial] = []

    async def ask(trial: Trial) -> None:
        tried.append(trial)
        async with asyncio.timeout(2):
            await trial.gate

    with pytest.raises(
        Unsettled, match=r"its timeout is trial\.begin\(\), or trial\.begin\(2\) for your 2 s"
    ):
        await outlast(ask)
    assert len(tried) == 1


async def test_a_timeout_before_the_phase_is_reached_is_no_verdict() -> None:
    async def ask(trial: Trial) -> None:
        asked.append(seconds := trial.begin())
        if len(asked) < 3:
            raise TimeoutError
        async with asyncio.timeout(seconds):
            await trial.gate

    asked: list[float] = []
    assert (await outlast(ask, 0.01)).raised == "TimeoutError"
    assert asked == [0.01, 0.02, 0.04]


@pytest.mark.parametrize("own", [True, False])
async def test_a_timeout_of_a_computer_that_stands_still_is_no_verdict(
    own: bool, clock: VirtualClock
) -> None:
    async def ask(trial: Trial) -> None:
        asked.append(seconds := trial.begin())
        async with asyncio.timeout(seconds):
            if own:
                trial.block()  # on purpose: that is what is measured
            elif len(asked) == 1:
                trial.gate.on_open(lambda: None)
                clock.sleep(1.5 * seconds)  # the computer stands still
            await trial.gate

    asked: list[float] = []
    assert (await outlast(ask, 0.1)).raised == "TimeoutError"
    assert asked == ([0.1] if own else [0.1, 0.2])


async def test_a_timeout_behind_the_gate_counts_when_it_comes_twice_in_a_row() -> None:
    async def ask(trial: Trial) -> None:
        asked.append(trial.begin())
        await trial.gate
        if len(asked) in late:
            raise TimeoutError

    asked: list[float] = []
    late = {1}
    assert (await outlast(ask, 0.01)).raised == "–"
    assert len(asked) == 2
    asked, late = [], {1, 2}
    found = await outlast(ask, 0.01)
    assert (found.raised, found.late, len(asked)) == ("TimeoutError", True, 2)


async def test_a_timeout_before_the_phase_stands_between_two_late_ones() -> None:
    async def ask(trial: Trial) -> None:
        asked.append(trial.begin())
        if len(asked) == 2:
            raise TimeoutError
        await trial.gate
        if len(asked) < 4:
            raise TimeoutError

    asked: list[float] = []
    assert (await outlast(ask, 0.01)).raised == "–"
    assert len(asked) == 4


async def test_blocking_counts_as_being_held() -> None:
    async def ask(trial: Trial) -> None:
        async with asyncio.timeout(trial.begin()):
            trial.block()
            await asyncio.sleep(0)
            await trial.gate

    found = await outlast(ask, 0.01)
    assert (found.raised, found.late) == ("TimeoutError", False)


async def test_the_reference_timer_is_longer_also_when_the_loop_stands_still(clock: VirtualClock) -> None:
    loop = asyncio.get_running_loop()
    fired: list[str] = []
    loop.call_later(0.05, fired.append, "under test")
    reference = asyncio.create_task(timeouts._longer_than(0.05))
    reference.add_done_callback(lambda _: fired.append("reference"))
    await asyncio.sleep(0)
    clock.sleep(0.2)  # every timer that is set now is due
    await reference
    assert fired == ["under test", "reference"]


async def test_a_phase_that_is_not_held_is_told_apart_from_a_verdict(monkeypatch: pytest.MonkeyPatch) -> None:
    async def quick(trial: Trial) -> None:
        trial.begin()
        await asyncio.sleep(0)
        trial.gate.on_open(lambda: None)
        await asyncio.sleep(0)

    async def never(trial: Trial) -> None:
        trial.begin()
        raise TimeoutError

    monkeypatch.setattr(timeouts, "ATTEMPTS", 2)
    with pytest.raises(Unsettled, match="while the gate was shut"):
        await outlast(quick, 0.05)
    with pytest.raises(Unsettled, match="2 runs gave no verdict, the last with 0.02 s"):
        await outlast(never, 0.01)


async def test_any_other_exception_is_raised() -> None:
    async def wrong(trial: Trial) -> None:
        trial.begin()
        raise KeyError("wrong")

    with pytest.raises(KeyError):
        await outlast(wrong, 0.01)


async def test_a_gate_that_nobody_reaches_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    async def wrong(trial: Trial) -> None:
        trial.begin()
        await asyncio.Event().wait()

    monkeypatch.setattr(gates, "PATIENCE", 0.01)
    with pytest.raises(GateStuck, match="0 of 1 came"):
        await outlast(wrong, 0.01)


async def test_an_interrupt_ends_the_request_and_closes_the_town() -> None:
    async def ask(trial: Trial) -> None:
        await trial.town.open("origin.test", hello)
        try:
            async with asyncio.timeout(trial.begin()):
                begun.set()
                await trial.gate
        finally:
            ended.append(True)

    begun = asyncio.Event()
    ended: list[bool] = []
    trying = asyncio.create_task(outlast(ask, 5))
    await begun.wait()
    trying.cancel()
    await asyncio.wait([trying])
    assert trying.cancelled() and ended == [True]
    assert tasks() == [] and len(town.OPEN_TOWNS) == 0


async def test_what_goes_round_while_the_gate_is_shut_stops_when_it_opens() -> None:
    async def ask(trial: Trial) -> None:
        trial.begin()
        while await shut(trial.gate):
            rounds.append(trial.gate.arrived)

    rounds: list[int] = []
    assert (await outlast(ask, 0.01)).raised == "–"
    assert len(rounds) > 1
    assert set(rounds) == {1}


async def test_times_are_weather_and_not_compared() -> None:
    assert Run(None, False, Trace((), ()), 0.05, 0.1) == Run(None, False, Trace((), ()), 0.1, 0.3)
