"""The leg that speaks to the origin itself: pool, connection, exchange, head, framing.

It takes nothing from labs.
"""
