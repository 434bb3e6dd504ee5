import csv
import io
from dataclasses import replace

import profiles
import pytest

from edgebert.profiler import spreadsheet
from edgebert.profiler.profile import Profile


def rows(profile: Profile) -> list[dict[str, str]]:
    text = spreadsheet.render(profile).decode("utf-8")
    return list(csv.DictReader(io.StringIO(text, newline=""), strict=True))


def test_a_row_for_each_artifact_threads_tokens_and_batch(full_profile: Profile) -> None:
    found = rows(full_profile)
    keys = ("device", "model", "backend", "recipe", "threads", "input", "tokens", "batch")
    assert len({tuple(each[key] for key in keys) for each in found}) == len(found)
    # Three lengths of two batches, and the text.
    assert len(found) == 7 * len(full_profile.results)
    assert len({each["device"] for each in found}) == 3


def test_figures_are_as_measured(full_profile: Profile) -> None:
    result = full_profile.on("kitchen")[0]
    timing = result.timing(16, batch=4)
    assert timing is not None
    (row,) = (
        each
        for each in rows(full_profile)
        if (each["device"], each["threads"], each["backend"]) == ("kitchen", "1", "onnx")
        and (each["tokens"], each["batch"]) == ("16", "4")
    )
    assert float(row["p50_ms"]) == timing.p50_ms
    assert timing.interval_ms is None or float(row["p50_low_ms"]) == timing.interval_ms[0]
    assert float(row["joules_per_1000_sentences"]) == 4.0
    assert row["marks"] == profiles.MARK
    assert int(row["peak_bytes"]) == result.measurement.memory.peak_bytes
    assert float(row["score"]) == 0.9
    assert int(row["device_bytes"]) > int(row["artifact_bytes"]) > 0


def test_what_is_unknown_is_empty(profile: Profile) -> None:
    row = rows(profile)[0]
    assert (row["joules_per_1000_sentences"], row["score"]) == ("", "")


@pytest.mark.parametrize(
    "name",
    ["=1+1", "+1", "-2", "@sum", "\t=1", " =1", "\r\n=cmd", '=HYPERLINK("http://x","y")', "\n-1"],
)
def test_no_name_is_a_formula(profile: Profile, name: str) -> None:
    device = replace(profile.devices[0], name=name)
    renamed = replace(
        profile,
        devices=(device,),
        results=tuple(replace(each, device=name) for each in profile.results),
    )
    for row in rows(renamed):
        assert row["device"] == f"'{name}"


def test_negative_numbers_are_no_formulas(profile: Profile) -> None:
    measurement = profile.results[0].measurement
    cold = replace(measurement, facts=replace(measurement.facts, temperature_celsius=-3.5))
    results = (replace(profile.results[0], measurement=cold),)
    assert rows(replace(profile, results=results))[0]["temperature_celsius"] == "-3.5"


def test_the_file_is_of_rfc_4180(full_profile: Profile) -> None:
    content = spreadsheet.render(full_profile)
    assert not content.startswith(b"\xef\xbb\xbf")
    lines = content.split(b"\r\n")
    assert lines[-1] == b""
    assert lines[0].decode("ascii").split(",") == list(spreadsheet.COLUMNS)
    # Quotes, commas, an end of line and a lone surrogate in a name are a cell's content.
    hostile = {each["model"] for each in rows(full_profile)} - {"small"}
    assert hostile == {profiles.HOSTILE.replace("\udcff", "\ufffd")}
