"""The leg that speaks to the origin itself: pool, connection, answer, head, framing.

It takes nothing from labs.
"""
