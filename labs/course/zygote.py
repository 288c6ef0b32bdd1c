"""A process that has loaded what every lesson loads, and forks itself into a kernel when it is asked to.

It is single-threaded, answers one line of JSON with one line, and ends with the end of its socket, its
kernels with it: see labs/course/warm.py, which starts and asks it. It takes nothing from labs but what it is
told to load, so that no kernel has loaded more than its lesson does.
"""

import contextlib
import gc
import importlib.util
import json
import os
import signal
import socket
import sys
from typing import Any

THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS")  # numpy starts some where it may; a fork loses them
INLINE = "module://matplotlib_inline.backend_inline"  # a kernel chooses it before a lesson loads matplotlib


def load(line: str) -> None:
    """Load what a kernel loads at its start, and what an import line loads, in a kernel's environment."""
    for name in THREADS:
        os.environ.setdefault(name, "1")
    os.environ.setdefault("MPLBACKEND", INLINE)
    import ipykernel.ipkernel
    import ipykernel.kernelapp  # noqa: F401

    exec(line, {})


def serve(end: socket.socket) -> dict[str, Any]:
    """Answer until the socket ends, then end every kernel and raise SystemExit; return in a child only.

    {"fork": what} is answered with a process id, or null where a fork is not safe; {"poll": id} with null
    while that process runs, then once with its status; {"signal": [id, number]} with null. What a child
    returns is `what`.
    """
    kernels: set[int] = set()
    if sys.platform == "linux":
        with end, end.makefile("rw", encoding="utf-8") as lines:
            for line in lines:
                answer = None
                match json.loads(line):
                    case {"poll": kernel}:
                        done, status = os.waitpid(kernel, os.WNOHANG)
                        if done:
                            kernels.discard(done)
                            answer = os.waitstatus_to_exitcode(status)
                    case {"signal": [kernel, number]}:
                        os.kill(kernel, number)
                    case {"fork": what} if len(os.listdir("/proc/self/task")) == 1:
                        answer = os.fork()
                        if not answer:
                            return dict(what)
                        kernels.add(answer)
                lines.write(json.dumps(answer) + "\n")
                lines.flush()
        for kernel in kernels:
            with contextlib.suppress(ProcessLookupError):  # it leads no group before its first line
                os.killpg(kernel, signal.SIGKILL)
            os.kill(kernel, signal.SIGKILL)
            os.waitpid(kernel, 0)
    sys.exit()


def become(arguments: list[str], cwd: str, env: dict[str, str]) -> None:
    """Be the kernel that `python -m ipykernel_launcher`, with these arguments, starts; return at its end."""
    if sys.platform == "linux":
        os.setsid()
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(env, JPY_PARENT_PID=str(os.getppid()))
    gc.enable()
    from ipykernel.kernelapp import IPKernelApp

    launcher = importlib.util.find_spec("ipykernel_launcher")
    sys.argv = [str(launcher and launcher.origin), *arguments]
    # It ends when its parent does, as every kernel: the option is for what was read before the fork.
    IPKernelApp.launch_instance([*arguments, f"--IPKernelApp.parent_handle={os.getppid()}"])


if __name__ == "__main__":
    gc.disable()  # as the documentation of gc.freeze() has it: what is loaded once is not looked at again
    del sys.path[0]  # where it was started, as ipykernel_launcher does
    load(sys.argv[2])
    gc.freeze()
    become(**serve(socket.socket(fileno=int(sys.argv[1]))))
