"""Durations on a scale: weather, whose text holds no measured number."""

from __future__ import annotations

from labs.draw import sheet
from labs.draw.scale import scale
from labs.draw.views import weather_view
from labs.instruments.timing import Weather
from tests.draw.support import FINDING, WEATHER, Words, drawn


def test_the_text_of_the_weather_holds_no_measured_number() -> None:
    figure, words = drawn("weather")
    other = {name: tuple(3 * value for value in values) for name, values in WEATHER.values.items()}
    again = weather_view(Weather(other), finding=FINDING)
    assert repr(figure) == repr(again)
    assert figure.png != again.png
    assert "weather" in figure.alt
    assert "200 µs" in [said for said, _ in words]


def test_the_scale_is_drawn_and_a_duration_of_none_stands_at_its_start(written: Words) -> None:
    weather_view(Weather({"a": (1e-4, 0.0), "b": (1.5e-2, 1e-2)}), finding=FINDING)
    small = [it for it, size in written if size == sheet.SMALL]
    assert [it for it in small if it[0].isdigit()] == ["0.1", "0.2", "0.5", "1", "2", "5", "10", "20"]
    assert "ms, log" in small
    assert scale([1e-4, 0.0, 1.5e-2]).place(0.0, 430.0) == 0.0
