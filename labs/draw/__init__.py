from labs.draw.views import (
    Figure,
    bytes_view,
    deadlines_view,
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
    "flow_view",
    "heat_map",
    "lifelines",
    "memory_view",
    "mosaic",
    "weather_view",
]
