"""Windows' event loop over the sockets of another system: what asyncio.windows_events does, restated.

CPython's own transports run here (asyncio/proactor_events.py is the same file on every system). What stands
below them on Windows, I/O completion ports, is told by epoll: an operation is tried at once, and again when
its socket is ready. What is imitated, with its place in CPython 3.11; 3.12 to 3.14 differ in names at most:

* IocpProactor._register (windows_events.py): what can be done at once is done at once, its future with it.
* IocpProactor.accept: each future connection is awaited by a task of the loop, `accept_coro`, which closes
  the socket for it when it is cancelled. A connection that was reset while it waited in the backlog lets the
  accepting fail with WinError 64, and the loop closes the listening socket (python/cpython issue 93821).
* IocpProactor.connect: binds first (_overlapped.BindLocal). A refusal speaks as Windows does.
* IocpProactor.send: is done when all of it is taken (WSASend). On a connection that is gone it raises
  ConnectionResetError or ConnectionAbortedError, never BrokenPipeError.
* IocpProactor._poll: waits whole milliseconds.
* Overlapped.pending (overlapped.c): what the system has done is done, whether the loop has looked or not.
* _ProactorReadPipeTransport (proactor_events.py, the original): protocols hear bytearrays before 3.13.
* add_reader, add_writer, add_signal_handler, Unix sockets: events.py, AbstractEventLoop: NotImplementedError.
  tornado brings a thread of its own that selects (tornado/platform/asyncio.py, BaseAsyncIOLoop.initialize).
  zmq does so where the system is called Windows, so its calls, and nobody else's, are sent where they go
  there (zmq/asyncio.py, _get_selector_windows).
* _WindowsSubprocessTransport: a thread waits for the process (RegisterWaitWithQueue).

`install` makes it the loop of this process, with two more habits of Windows where they are asked for:

* `ticks`: time.monotonic and the loop's timers move 64 times a second (GetTickCount64, before Python 3.13).
* `refusals`: a refused connection takes two seconds, for Windows sends its SYN three times.

Not imitated: numbers and classes of all other errors; what the kernel does (how much a socket buffers, what a
reset throws away, where received bytes are cut, when shutdown() fails); datagrams and named pipes; signals,
which reach a program on Windows in another way; the selector loop that ipykernel gives its own threads there
(ipykernel/thread.py), for they run on this one.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import math
import os
import selectors
import socket
import subprocess
import sys
import threading
import time
import types
import warnings
import weakref
from asyncio import base_subprocess, proactor_events
from collections.abc import Callable
from typing import Any, TypeAlias

__all__ = ["OPTIONS", "IocpProactor", "ProactorEventLoop", "install"]

OPTIONS = ("ticks", "refusals")
TICK = 1 / 64  # seconds
REFUSED = 2.0  # seconds
READ, WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE
ERROR_NETNAME_DELETED = 64
Finish: TypeAlias = "Callable[[Any, Any, _Overlapped], Any]"

_os: Any = os  # what the imitation needs of it is not on Windows, which it is not for
_asyncio: Any = asyncio
_Loop: Any = proactor_events.BaseProactorEventLoop
_Subprocess: Any = base_subprocess.BaseSubprocessTransport
_now = time.monotonic
_chosen: frozenset[str] = frozenset()


class _Overlapped:
    """One operation; `attempt` does it, and raises BlockingIOError as long as that cannot be."""

    def __init__(self, thing: Any, way: int, attempt: Callable[[], Any]) -> None:
        self.number: int = thing.fileno()
        self.thing, self.way, self._attempt = thing, way, attempt
        self.over = False
        self.found: Callable[[], None] | None = None  # called when it was found done before the loop looked
        self._value: Any = None
        self.error: OSError | None = None

    @property
    def pending(self) -> bool:
        """Whether it is still to be done: the system does what can be done, whether the loop looks or not."""
        if not self.over and self.go() and self.found is not None:
            self.found()
        return not self.over

    def go(self) -> bool:
        """Try it; return whether it is over."""
        if self.over:
            return True
        try:
            self._value = self._attempt()
        except (BlockingIOError, InterruptedError):
            return False
        except OSError as error:
            self.error = error
        self.over, self._attempt = True, _done  # and lets go of what it sent or filled
        return True

    def getresult(self) -> Any:
        if self.error is not None:
            raise self.error
        return self._value


def _done() -> None:
    raise AssertionError("an operation is done once")


class _OverlappedFuture(asyncio.Future[Any]):
    """The future of one operation, which ends with it when it is cancelled."""

    def __init__(self, proactor: IocpProactor, ov: _Overlapped) -> None:
        super().__init__(loop=proactor.loop)
        self._proactor, self._ov = proactor, ov

    def cancel(self, msg: Any = None) -> bool:
        self._proactor.forget(self)
        return super().cancel(msg=msg)

    def fail(self, error: OSError) -> None:
        """Let whoever waits know; nobody may, meanwhile."""
        if not self.done():
            self.set_exception(error)


class IocpProactor:
    """Starts operations on sockets and pipes, and completes them."""

    loop: ProactorEventLoop

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()
        self._reset: weakref.WeakSet[Any] = weakref.WeakSet()  # this system says so once, and then "the end"
        self._waiting: dict[int, dict[_OverlappedFuture, Finish]] = {}  # by the file's number
        self._found: list[_OverlappedFuture] = []  # done, and not yet told
        self._results: list[_OverlappedFuture] = []

    def set_loop(self, loop: ProactorEventLoop) -> None:
        self.loop = loop

    # What the transports and the loop ask for.
    def recv(self, conn: Any, nbytes: int, flags: int = 0) -> _OverlappedFuture:
        if isinstance(conn, socket.socket):
            return self._do(conn, READ, lambda: conn.recv(nbytes, flags))

        def attempt() -> bytes:
            try:
                return os.read(conn.fileno(), nbytes)
            except ConnectionResetError:  # there, BrokenPipeError becomes the end
                return b""

        return self._do(conn, READ, attempt)

    def recv_into(self, conn: Any, buf: Any, flags: int = 0) -> _OverlappedFuture:
        def attempt() -> int:
            if conn in self._reset:
                raise ConnectionResetError(errno.ECONNRESET, os.strerror(errno.ECONNRESET))
            if isinstance(conn, socket.socket):
                return conn.recv_into(buf, 0, flags)
            return int(_os.readv(conn.fileno(), [buf]))

        return self._do(conn, READ, attempt)

    def send(self, conn: Any, buf: Any, flags: int = 0) -> _OverlappedFuture:
        view, sent = memoryview(buf), 0

        def attempt() -> int:
            nonlocal sent
            try:
                while sent < len(view):
                    rest = view[sent:]
                    is_socket = isinstance(conn, socket.socket)
                    sent += conn.send(rest, flags) if is_socket else os.write(conn.fileno(), rest)
            except ConnectionResetError:
                self._reset.add(conn)
                raise
            except BrokenPipeError as error:
                raise ConnectionAbortedError(errno.ECONNABORTED, os.strerror(errno.ECONNABORTED)) from error
            return sent

        return self._do(conn, WRITE, attempt)

    def sendfile(self, sock: socket.socket, file: Any, offset: int, count: int) -> _OverlappedFuture:
        return self._do(sock, WRITE, lambda: _os.sendfile(sock.fileno(), file.fileno(), offset, count))

    def accept(self, listener: socket.socket) -> asyncio.Future[Any]:
        conn = self._get_accept_socket(listener.family)
        waited = False

        def attempt() -> Any:
            nonlocal waited
            try:
                made, address = listener.accept()
            except BlockingIOError:
                waited = True
                raise
            with made:
                try:
                    made.getpeername()
                except OSError:
                    if not waited:
                        raise _win_error(ERROR_NETNAME_DELETED) from None
                os.dup2(made.fileno(), conn.fileno(), inheritable=False)  # AcceptEx fills the socket it got
            return address

        def finish_accept(trans: Any, key: Any, ov: _Overlapped) -> tuple[socket.socket, Any]:
            address = ov.getresult()
            conn.settimeout(listener.gettimeout())
            return conn, address

        async def accept_coro(future: asyncio.Future[Any], conn: socket.socket) -> None:
            try:
                await future
            except asyncio.CancelledError:
                conn.close()
                raise

        future = self._register(_Overlapped(listener, READ, attempt), listener, finish_accept)
        asyncio.ensure_future(accept_coro(future, conn), loop=self.loop)
        return future

    def connect(self, conn: socket.socket, address: Any) -> asyncio.Future[Any]:
        if conn.getsockname()[1] == 0:
            conn.bind(("::" if conn.family == socket.AF_INET6 else "0.0.0.0", 0))
        begun = False

        def attempt() -> socket.socket:
            nonlocal begun
            if begun:
                number = conn.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            else:
                begun, number = True, conn.connect_ex(address)
            if number in (errno.EINPROGRESS, errno.EAGAIN):
                raise BlockingIOError
            if number == errno.ECONNRESET:  # it was connected; who reads hears of it
                self._reset.add(conn)
                return conn
            if number == errno.ECONNREFUSED:
                raise ConnectionRefusedError(number, "The remote computer refused the network connection")
            if number:
                raise OSError(number, os.strerror(number))
            return conn

        return self._do(conn, WRITE, attempt)

    def wait_for_handle(self, process: subprocess.Popen[bytes]) -> asyncio.Future[bool]:
        future: asyncio.Future[bool] = self.loop.create_future()

        def over() -> None:
            if not future.done():
                future.set_result(True)

        def wait() -> None:
            process.wait()
            with contextlib.suppress(RuntimeError):  # the loop is closed, and nobody waits any more
                self.loop.call_soon_threadsafe(over)

        threading.Thread(target=wait, daemon=True).start()
        return future

    def _get_accept_socket(self, family: int) -> socket.socket:
        made = socket.socket(family)
        made.settimeout(0)
        return made

    def _stop_serving(self, obj: socket.socket) -> None:
        """The loop cancels the accepting and closes the socket: there is no more to do."""

    # What waits.
    def _do(self, thing: Any, way: int, attempt: Callable[[], Any]) -> _OverlappedFuture:
        return self._register(_Overlapped(thing, way, attempt), thing, lambda trans, key, ov: ov.getresult())

    def _register(self, ov: _Overlapped, obj: Any, callback: Finish) -> _OverlappedFuture:
        future = _OverlappedFuture(self, ov)
        queue = self._waiting.get(ov.number, {})
        for old in [
            it for it in queue if it._ov.thing.fileno() != ov.number
        ]:  # closed; its number is used again
            self.forget(old)
            old._ov.error = ConnectionResetError(errno.ECONNRESET, "closed")  # ERROR_OPERATION_ABORTED
            self._complete(old, queue[old])
        if not any(it._ov.way == ov.way for it in queue) and ov.go():
            self._complete(future, callback)
        else:
            ov.found = lambda: self._found.append(future)
            self._waiting.setdefault(ov.number, {})[future] = callback
            self._watch(ov.number)
        return future

    def _complete(self, future: _OverlappedFuture, callback: Finish) -> None:
        if future.done():
            return
        try:
            value = callback(None, None, future._ov)
        except OSError as error:
            slow = isinstance(error, ConnectionRefusedError) and "refusals" in _chosen
            self.loop.call_later(REFUSED, future.fail, error) if slow else future.fail(error)
        else:
            future.set_result(value)

    def forget(self, future: _OverlappedFuture) -> Finish | None:
        """Wait no longer for an operation; return what finishes it, or None when nobody waits."""
        finish = self._waiting.get(future._ov.number, {}).pop(future, None)
        if finish is not None:
            self._watch(future._ov.number)
        return finish

    def _watch(self, number: int) -> None:
        ways = 0
        for future in self._waiting.get(number, ()):
            ways |= future._ov.way
        with contextlib.suppress(KeyError, ValueError, OSError):  # one that was closed is unknown to epoll
            self._selector.unregister(number)
        if ways:
            self._selector.register(number, ways)
        else:
            self._waiting.pop(number, None)

    # The loop's side.
    def select(self, timeout: float | None = None) -> list[_OverlappedFuture]:
        if not self._results:
            self._poll(timeout)
        results, self._results = self._results, []
        return results

    def _poll(self, timeout: float | None) -> None:
        if timeout is not None:
            timeout = math.ceil(max(timeout, 0) * 1e3) / 1e3
            if timeout and "ticks" in _chosen:
                timeout = max(math.ceil((_now() + timeout) / TICK) * TICK - _now(), 0)
        for key, ways in self._selector.select(0 if self._found else timeout):
            self._found += [it for it in self._waiting.get(key.fd, ()) if it._ov.way & ways and it._ov.go()]
        found, self._found = dict.fromkeys(self._found), []
        for future in found:
            if (callback := self.forget(future)) is not None:
                self._complete(future, callback)
                self._results.append(future)

    def close(self) -> None:
        for future in [it for queue in self._waiting.values() for it in queue]:
            future.cancel()
        self._selector.close()


class ProactorEventLoop(_Loop):  # type: ignore[misc]
    """The loop. Its name is the one that tornado and zmq look for."""

    def __init__(self, proactor: IocpProactor | None = None) -> None:
        super().__init__(IocpProactor() if proactor is None else proactor)
        if "ticks" in _chosen:
            self._clock_resolution = TICK

    def run_forever(self) -> None:
        try:
            self.call_soon(self._loop_self_reading)
            super().run_forever()
        finally:
            reading, self._self_reading_future = self._self_reading_future, None  # type: ignore[has-type]
            if reading is not None:
                reading.cancel()

    def add_reader(self, fd: Any, callback: Callable[..., Any], *args: Any) -> None:
        self._selector_of(sys._getframe(1)).add_reader(fd, callback, *args)

    def remove_reader(self, fd: Any) -> bool:
        return bool(self._selector_of(sys._getframe(1)).remove_reader(fd))

    def _selector_of(self, caller: types.FrameType) -> Any:
        if caller.f_globals["__name__"] != "zmq.asyncio":
            raise NotImplementedError
        return caller.f_globals["_get_selector_windows"](self)

    async def _make_subprocess_transport(self, protocol: Any, *arguments: Any, **options: Any) -> Any:
        waiter = self.create_future()
        transport = _SubprocessTransport(self, protocol, *arguments, waiter=waiter, **options)
        try:
            await waiter
        except BaseException:
            transport.close()
            await transport._wait()
            raise
        return transport


class _SubprocessTransport(_Subprocess):  # type: ignore[misc]
    def _start(  # its caller names all of them
        self, args: Any, shell: bool, stdin: Any, stdout: Any, stderr: Any, bufsize: int, **kwargs: Any
    ) -> None:
        ours = None
        if stdin == subprocess.PIPE:  # pipes go both ways there: the transport reads, to hear of the end
            ours, stdin = socket.socketpair()
        self._proc = subprocess.Popen(
            args, shell=shell, stdin=stdin, stdout=stdout, stderr=stderr, bufsize=bufsize, **kwargs
        )
        if ours is not None:
            stdin.close()
            self._proc.stdin = os.fdopen(ours.detach(), "wb", 0)
        for pipe in (self._proc.stdin, self._proc.stdout, self._proc.stderr):
            if pipe is not None:
                _os.set_blocking(pipe.fileno(), False)
        over = self._loop._proactor.wait_for_handle(self._proc)
        over.add_done_callback(lambda _: self._process_exited(self._proc.poll()))


def _win_error(number: int) -> OSError:
    # There, OSError(22, text, None, 64); other systems drop the fourth argument.
    error = OSError(errno.EINVAL, f"[WinError {number}]")
    vars(error)["winerror"] = number
    return error


# ---- one process


def install(*options: str) -> None:
    """Make it the loop of this process; `options` are of OPTIONS. Raise ValueError for another."""
    global _chosen  # noqa: PLW0603  one process, one loop
    if unknown := set(options) - set(OPTIONS):
        raise ValueError(f"{', '.join(sorted(unknown))} is no habit of Windows' loop: {', '.join(OPTIONS)}.")
    _chosen = frozenset(options)
    _asyncio.ProactorEventLoop = ProactorEventLoop
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # from Python 3.14 on, policies are

        class Policy(asyncio.DefaultEventLoopPolicy):
            _loop_factory = ProactorEventLoop

        asyncio.set_event_loop_policy(Policy())
    if "ticks" in options:
        _tick()
    if "refusals" in options:
        _refuse_slowly()


def _tick() -> None:
    known = time.get_clock_info

    def get_clock_info(name: str) -> Any:
        info = known(name)  # type: ignore[arg-type]
        if name == "monotonic":
            info.resolution = TICK
        return info

    time.monotonic = lambda: math.floor(_now() / TICK) * TICK
    time.get_clock_info = get_clock_info


def _refuse_slowly() -> None:
    connect = socket.socket.connect

    def slow(self: socket.socket, address: Any) -> None:
        try:
            connect(self, address)
        except ConnectionRefusedError:
            limit = self.gettimeout()
            time.sleep(REFUSED if limit is None else min(limit, REFUSED))
            if limit is not None and limit < REFUSED:
                raise TimeoutError("timed out") from None
            raise

    socket.socket.connect = slow  # type: ignore[method-assign, assignment]
