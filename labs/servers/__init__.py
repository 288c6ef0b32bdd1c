"""Servers to speak to: right ones, wrong ones, and the pairs in front.

They are handed to `Town.open`; none of them listens by itself, but for `python -m labs origin`. It takes
gates from `town`.
"""

from labs.servers.faulty import FaultyServer
from labs.servers.fronts import posted, redirecting, typical

__all__ = ["FaultyServer", "posted", "redirecting", "typical"]
