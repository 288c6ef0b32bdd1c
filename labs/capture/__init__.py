"""What crossed the wire, as plain values: recorded pieces, messages, a trace, and its lanes, dump and HAR.

It opens nothing, waits for nothing and holds no aiohttp object. It may import h11, and takes from `show`.
"""

from labs.capture.distance import DistanceError, Schedule
from labs.capture.har import archive
from labs.capture.message import Message
from labs.capture.notes import Noted, noted
from labs.capture.parser import Spoken, parse
from labs.capture.recording import Call, Event, Piece, Recording
from labs.capture.said import Said
from labs.capture.trace import Trace, told

__all__ = [
    "Call",
    "DistanceError",
    "Event",
    "Message",
    "Noted",
    "Piece",
    "Recording",
    "Said",
    "Schedule",
    "Spoken",
    "Trace",
    "archive",
    "noted",
    "parse",
    "told",
]
