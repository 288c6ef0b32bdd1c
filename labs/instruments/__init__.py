"""What one experiment holds, counts or times.

It may reach into aiohttp's client (`_resolver`, `_wrap_create_connection`), each time with the release
beside it. It may start pytest, and ends it on every path. It takes from `town`, `servers` and `clients`.
"""

from labs.instruments.disconnects import disconnected
from labs.instruments.failures import heard
from labs.instruments.flow import Flow
from labs.instruments.memory import KIB, MIB, Meter
from labs.instruments.phases import hold_connect, hold_lookup
from labs.instruments.suite import Suite, needed, run_tests
from labs.instruments.timeouts import outlast, shut
from labs.instruments.timers import clock_in_hand, in_force, recorded_timers
from labs.instruments.timing import weather

__all__ = [
    "KIB",
    "MIB",
    "Flow",
    "Meter",
    "Suite",
    "clock_in_hand",
    "disconnected",
    "heard",
    "hold_connect",
    "hold_lookup",
    "in_force",
    "needed",
    "outlast",
    "recorded_timers",
    "run_tests",
    "shut",
    "weather",
]
