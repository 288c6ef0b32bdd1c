"""Let asyncio's loop of Windows end and accept connections as the loops of other systems do.

A notebook's cells run on Windows on asyncio.ProactorEventLoop (ipykernel/thread.py), and so do programs. This
is the one place where the project mends it, and `tests/proactor` is that loop for other systems. The lines
are CPython's, and the same in 3.11 to 3.14. It needs nothing but Python.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from asyncio import proactor_events
from typing import Any

__all__ = ["mend"]

_Transport: Any = proactor_events._ProactorBasePipeTransport
_Reading: Any = proactor_events._ProactorReadPipeTransport
_call_connection_lost, _data_received = _Transport._call_connection_lost, _Reading._data_received

# What Windows says of a connection that is gone before it is accepted: ERROR_NETNAME_DELETED,
# ERROR_CONNECTION_ABORTED, WSAECONNABORTED, WSAECONNRESET, WSAENOTCONN.
GONE = (64, 1236, 10053, 10054, 10057)


def mend() -> None:
    """Mend the running loop if it is the one of Windows, and do nothing where it is another, or none runs.

    * A transport calls `shutdown()` before `close()` (proactor_events.py, _call_connection_lost). Where the
      peer has reset, that raises: the loop reports an exception in a callback, and the socket stays open.
    * Where SO_LINGER asks for a reset, it says goodbye in order first, and the peer takes half an answer for
      a whole one.
    * What a protocol's data_received raises is told to the loop, and the connection stays as it is, so that
      the peer waits (proactor_events.py, _data_received). Other loops end it (selector_events.py,
      _read_ready__data_received).
    * A connection that was reset before it was accepted closes the listening socket (proactor_events.py,
      _start_serving; python/cpython issue 93821). It is now made, and lost at once.
    """
    loop = asyncio._get_running_loop()
    if isinstance(loop, proactor_events.BaseProactorEventLoop):
        _Transport._call_connection_lost, _Reading._data_received = _lost, _received
        proactor: Any = vars(loop)["_proactor"]
        if "accept" not in vars(proactor):
            proactor.accept = _Accepting(proactor).accept


class _Ending:
    """Be a socket at its end, whose `shutdown` raises nothing, and leaves a reset to `close`."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock, self.fileno, self.close = sock, sock.fileno, sock.close

    def shutdown(self, how: int) -> None:
        with contextlib.suppress(OSError):
            linger = self._sock.getsockopt(socket.SOL_SOCKET, socket.SO_LINGER, 8)
            # Two ints; on Windows two shorts.
            if struct.unpack("hh" if len(linger) == 4 else "ii", linger) != (1, 0):
                self._sock.shutdown(how)


def _lost(transport: Any, error: BaseException | None) -> None:
    if isinstance(transport._sock, socket.socket):
        transport._sock = _Ending(transport._sock)
    _call_connection_lost(transport, error)


def _received(transport: Any, data: bytes | bytearray, length: int) -> None:
    try:
        _data_received(transport, data, length)
    except (SystemExit, KeyboardInterrupt):
        raise
    except BaseException as error:
        transport._fatal_error(error, "Fatal error: protocol.data_received() call failed.")


class _Accepting:
    """Be a proactor (windows_events.py, IocpProactor) for its own method `accept`, and see what that does."""

    def __init__(self, proactor: Any) -> None:
        self._proactor, self._accept = proactor, type(proactor).accept

    def __getattr__(self, name: str) -> Any:
        return getattr(self._proactor, name)

    def accept(self, listener: socket.socket) -> Any:
        while True:
            try:
                return self._accept(self, listener)
            except ConnectionResetError:  # AcceptEx itself may say so, of this connection and no other
                self._conn.close()

    def _get_accept_socket(self, family: int) -> socket.socket:
        conn: socket.socket = self._proactor._get_accept_socket(family)
        self._conn = conn
        return conn

    def _register(self, ov: Any, listener: socket.socket, finish: Any) -> Any:
        conn = self._conn

        def finished(*told: Any) -> Any:
            try:
                return finish(*told)
            except OSError as error:
                if getattr(error, "winerror", None) not in GONE:
                    raise
                return conn, ("0.0.0.0", 0)  # nobody knows any more who it was

        return self._proactor._register(ov, listener, finished)
