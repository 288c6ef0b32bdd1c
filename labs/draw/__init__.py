"""The figures. The only package that imports matplotlib.

It draws values of `capture` and `instruments`, and never runs anything.
"""

from labs.draw.views import (
    Figure,
    bytes_view,
    deadlines_view,
    distance_view,
    flow_view,
    heat_map,
    lifelines,
    memory_view,
    mosaic,
    weather_view,
)

__all__ = [
    "Figure",
    "bytes_view",
    "deadlines_view",
    "distance_view",
    "flow_view",
    "heat_map",
    "lifelines",
    "memory_view",
    "mosaic",
    "weather_view",
]
