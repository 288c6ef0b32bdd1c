"""The claims over releases of aiohttp, each in an environment of its own.

The only package that calls pip.
"""
