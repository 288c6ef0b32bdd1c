"""The processes of a benchmark start, or say in one sentence why not, and end on every path."""

import pytest

from labs.bench import processes

GATEWAY = "gateway, direct leg"


def test_a_proxy_that_cannot_start_is_one_sentence() -> None:
    with (
        pytest.raises(processes.ProcessFailed, match="gateway.* did not start"),
        processes.started(GATEWAY, "no URL"),
    ):
        raise AssertionError("it started")


def test_the_processes_end_with_an_exception() -> None:
    with pytest.raises(KeyError), processes.started("origin") as (process, _):
        raise KeyError
    assert process.poll() is not None


def test_a_program_that_is_none_is_one_sentence() -> None:
    with (
        pytest.raises(processes.ProcessFailed, match="No proxy is called 'squid'"),
        processes.started("squid", "x"),
    ):
        raise AssertionError("it started")
