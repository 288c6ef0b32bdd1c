"""What a handler raised by mistake is collected, and what was raised on purpose is not."""

import logging

import pytest

from labs.guard.crashes import LOGGER, crashes, place
from labs.guard.guard import forgiving
from labs.guard.logs import quiet, server_log


def mistake() -> Exception:
    try:
        raise OSError("by mistake")  # the line that is told
    except OSError as error:
        logging.getLogger(LOGGER).exception("Error handling request")
        return error


def test_what_is_logged_with_an_exception_is_collected_in_order(caplog: pytest.LogCaptureFixture) -> None:
    with crashes() as raised:
        first, second = mistake(), mistake()
        logging.getLogger(LOGGER).error("no exception")
    mistake()
    assert raised == [first, second]


@pytest.mark.parametrize("around", [forgiving, server_log, quiet])
def test_what_is_raised_on_purpose_is_not(around: type) -> None:
    with crashes() as raised, around():
        mistake()
    assert raised == []


def test_the_place_is_the_last_line_that_is_no_librarys() -> None:
    assert place(mistake()) == 'raise OSError("by mistake")  # the line that is told'
    assert place(OSError("never raised")) == ""
    try:
        exec(compile("1/0", "<cell>", "exec"), {})  # a line that nobody keeps
    except ZeroDivisionError as error:
        assert place(error) == 'exec(compile("1/0", "<cell>", "exec"), {})  # a line that nobody keeps'
