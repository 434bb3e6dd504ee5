"""Tables and the picture, from the figures of conftest.py."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from peers import plot, report
from peers.catalogue import BASELINE


def test_a_ratio_is_taken_round_by_round() -> None:
    assert report.ratio([1.0, 10.0, 1.0], [2.0, 20.0, 4.0]) == 0.5


def test_a_spread_is_the_middle_half_over_the_median() -> None:
    assert report.spread([1.0, 2.0, 3.0, 4.0, 5.0]) == pytest.approx(2 / 3)
    assert report.spread([7.0]) == 0.0


def test_the_table_has_times_with_their_ratios(figures: dict[str, Any]) -> None:
    lines = report.table(figures, "tiny", 1).splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    assert cells[2][:4] == ["EdgeBERT TFLite", "14.5", "0.9877, 97.3 %", "1.10 (0.50)"]
    # The median of 4/8 and 4/16 seconds.
    assert cells[2][4:7] == ["4.00 (0.38)", "110", "80"]
    assert len(lines) == 5


def test_who_takes_texts_alone_has_no_time_for_ids(figures: dict[str, Any]) -> None:
    figures["models"]["tiny"]["peers"]["edgebert-tflite"]["threads"]["1"]["ids_ms"] = {}
    row = report.table(figures, "tiny", 1).splitlines()[2]
    assert row.split("|")[4].strip() == "–"


def test_the_document_says_what_failed_and_sums_up(figures: dict[str, Any]) -> None:
    text = report.document(figures)
    assert "- ExecuTorch XNNPACK int8: status 1: no such operator" in text
    assert "of optimum int8, --arm64: 0.50 at 16 tokens" in text
    assert "pipeline: 0.25 from text to answer, 0.10 from the process's start" in text
    assert "load average 0.0 beforehand" in text
    assert "onnxruntime 1.32.0; 2026-11-26, 3 minutes" in text


def test_without_a_baseline_there_are_times_alone(figures: dict[str, Any]) -> None:
    figures["models"]["tiny"]["peers"][BASELINE] = {"error": "no"}
    assert "1.10 |" in report.table(figures, "tiny", 1)
    assert report.summary(figures, "tiny", 1) == ""


def test_the_picture_names_who_was_measured(figures: dict[str, Any]) -> None:
    figures["models"]["other"] = copy.deepcopy(figures["models"]["tiny"])
    picture = plot.render(figures).decode()
    assert picture == plot.render(figures).decode()
    assert picture.count("<!-- EdgeBERT TFLite -->") == 1
    assert "<!-- tiny -->" in picture
    assert "pipeline" not in picture
