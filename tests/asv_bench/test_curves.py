"""The growth curves: what is measured, and what is drawn of it."""

import xml.etree.ElementTree as ElementTree

import curves
import drawing
import pytest

SVG = "{http://www.w3.org/2000/svg}"


def drawn(panels):
    return ElementTree.fromstring(drawing.curves(panels))


def test_a_reading_is_in_the_unit_of_its_curve_and_per_operation():
    curve = curves.Curve("rows", "update_many", curves.growth.UpdateByBatch, "time_update_many", 1_000_000)
    assert 1.0 < curves.reading(curve, 1_000_000)() < 10_000.0  # ns a row: not s, and not of the whole batch


def test_every_point_of_every_line_is_drawn_with_its_figure():
    root = drawn({"by rows": {"ours": {1: 200.0, 1_000: 15.5}, "dict": {1: 60.0, 1_000: 61.0}}})
    assert len(root.findall(f".//{SVG}circle")) == 4
    texts = {text.text for text in root.iter(f"{SVG}text")}
    assert {"by rows", "ours", "dict", "200", "15.5", "60", "61"} <= texts


def test_a_tenfold_cost_is_a_power_of_ten_higher_on_the_drawing():
    root = drawn({"by rows": {"ours": {1: 10.0, 10: 100.0, 100: 1_000.0}}})
    low, middle, high = (float(point.get("cy")) for point in root.findall(f".//{SVG}circle"))
    assert low - middle == pytest.approx(middle - high)
    assert low > high


def test_a_flat_line_has_an_axis_too():
    assert drawn({"by rows": {"ours": {1: 10.0, 10: 10.0}}}).findall(f".//{SVG}polyline")


def test_panels_stand_side_by_side():
    root = drawn({"a": {"ours": {1: 1.0, 10: 2.0}}, "b": {"ours": {1: 1.0, 10: 2.0}}})
    assert [group.get("transform") for group in root.findall(f"{SVG}g")] == ["translate(0 0)", "translate(400 0)"]
