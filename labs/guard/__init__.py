"""Silent failures made loud: what a lesson lost, and what it left behind.

It may hook the loop, the loggers and the warnings of this process, and puts them back. It takes from
`town`.
"""

from labs.guard.guard import Guard, Unclean, forgiving
from labs.guard.logs import ServerLog, server_log

__all__ = ["Guard", "ServerLog", "Unclean", "forgiving", "server_log"]
