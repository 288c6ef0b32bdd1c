"""This computer: where the project lies, which programs it has, what its environment and its loop are like.

It needs nothing but Python, and takes nothing from labs: the doctor and the gateway may take it along.
"""
