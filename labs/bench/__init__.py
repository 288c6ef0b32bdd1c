"""What the lab, and proxies, cost on this machine.

It may start processes. Nothing rests on its figures.
"""
