"""The leg that lets aiohttp's ClientSession speak.

It takes nothing from labs but the gateway's own modules.
"""
