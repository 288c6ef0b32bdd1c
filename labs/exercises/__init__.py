"""A learner's answer tried on real traffic, and the reply: not tried yet, not yet, or yes.

It may use everything below, and never prints. A lesson's exercises are in the module of its number.
"""

from labs.exercises.registry import Attempt, Exercise, attempt

__all__ = ["Attempt", "Exercise", "attempt"]
