import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, get_args

import msgspec
import pytest

from engines.read import MODEL_VERSION, Line, Page, PageReading, Word
from engines.read.received import ReadOptions
from engines.read.result import analyze_result, operation_result, page_result

LINE = Line((Word("Tabs", (20, 40, 60, 52), 0.93312), Word("vs", (70, 44, 90, 50), 1.0)))


def result_of(page: Page, angle: float = 0.0) -> dict[str, Any]:
    line = replace(LINE, angle=angle)
    result: dict[str, Any] = json.loads(bytes(page_result(page, PageReading((line,), angle))))
    return result


def test_an_image_is_told_in_pixels() -> None:
    assert result_of(Page(1, 502, 252, b""), 2.12434) == {
        "page": 1,
        "angle": 2.1243,
        "width": 502,
        "height": 252,
        "unit": "pixel",
        "lines": [
            {
                "boundingBox": [20, 40, 90, 40, 90, 52, 20, 52],
                "text": "Tabs vs",
                "appearance": {"style": {"name": "other", "confidence": 0.0}},
                "words": [
                    {
                        "boundingBox": [20, 40, 60, 40, 60, 52, 20, 52],
                        "text": "Tabs",
                        "confidence": 0.933,
                    },
                    {
                        "boundingBox": [70, 44, 90, 44, 90, 50, 70, 50],
                        "text": "vs",
                        "confidence": 1.0,
                    },
                ],
            }
        ],
    }


def test_a_pdf_page_is_told_in_inches() -> None:
    result = result_of(Page(2, 1700, 2200, b"", dpi=200))
    assert (result["width"], result["height"], result["unit"]) == (8.5, 11, "inch")
    assert result["lines"][0]["boundingBox"] == [0.1, 0.2, 0.45, 0.2, 0.45, 0.26, 0.1, 0.26]


@pytest.mark.parametrize(
    ("angle", "first_corner"), [(2, [20, 40]), (91, [90, 40]), (180, [90, 52]), (-179, [90, 52]), (-90, [20, 52])]
)
def test_a_box_starts_at_the_top_left_of_its_text(angle: float, first_corner: list[int]) -> None:
    line = result_of(Page(1, 100, 100, b""), angle)["lines"][0]
    assert line["boundingBox"][:2] == first_corner


def test_keys_stand_in_the_documented_order() -> None:
    now = datetime(2027, 1, 1, 12, 0, 0, 5, UTC)
    body = operation_result("succeeded", now, now, analyzeResult=msgspec.Raw(analyze_result([])))
    assert body.decode() == (
        '{"status":"succeeded","createdDateTime":"2027-01-01T12:00:00.000005+00:00",'
        '"lastUpdatedDateTime":"2027-01-01T12:00:00.000005+00:00",'
        '"analyzeResult":{"version":"3.2.0","modelVersion":"tessdata-fast","readResults":[]}}'
    )


def test_the_model_that_is_named_can_be_asked_for() -> None:
    assert MODEL_VERSION in get_args(ReadOptions.model_fields["model_version"].annotation)
