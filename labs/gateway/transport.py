"""What asyncio has no word for: whether a connection is quiet, what of it waits to leave, and a reset."""

from __future__ import annotations

import asyncio
import contextlib
import select
import socket
import struct
import sys
from typing import Any

from labs.proactor import mend

__all__ = ["quiet", "reset", "waiting"]


def _lowest(transport: asyncio.BaseTransport) -> Any:
    # Below TLS is another transport (CPython's `sslproto.SSLProtocol`).
    return getattr(getattr(transport, "_ssl_protocol", None), "_transport", transport)


def quiet(transport: asyncio.BaseTransport) -> bool:
    """Tell whether nothing has come that the loop has not seen: no byte, and no end of the connection.

    Asked before a kept connection is used again. On Windows the system fills the loop's buffer by itself, and
    nobody finds these bytes at the socket; so the loop's read is asked, by names that are not public
    (CPython's `proactor_events._ProactorReadPipeTransport`, `windows_events._OverlappedFuture`).
    """
    if (read := getattr(_lowest(transport), "_read_fut", None)) is not None:
        return not read.done() and bool(read._ov.pending)
    try:
        number = transport.get_extra_info("socket").fileno()
        if sys.platform != "win32" and hasattr(select, "poll"):  # select knows no number above 1023
            poll = select.poll()
            poll.register(number, select.POLLIN)
            return not poll.poll(0)
        return not select.select([number], [], [], 0)[0]
    except (AttributeError, OSError, ValueError):
        return True  # no socket to ask, or it is gone


def waiting(transport: asyncio.WriteTransport) -> int:
    """Count the bytes that were written and have not left for the system, those below TLS too."""
    lowest = _lowest(transport)
    if lowest is transport or lowest is None:
        return transport.get_write_buffer_size()
    return transport.get_write_buffer_size() + int(lowest.get_write_buffer_size())


def reset(transport: asyncio.Transport) -> None:
    """End a connection with a reset (RST): an abort alone closes in order where nothing was left unread."""
    mend()  # Windows' loop says goodbye in order, whatever was asked for
    if (sock := transport.get_extra_info("socket")) is not None:
        # struct linger: two unsigned shorts on Windows, two ints elsewhere
        linger = struct.pack("HH" if sys.platform == "win32" else "ii", 1, 0)
        with contextlib.suppress(OSError):  # it may be gone already
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    transport.abort()
