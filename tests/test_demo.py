"""The demo does what the README says: a bundle, answers, a table, and what is next."""

from __future__ import annotations

import subprocess

import environments


def test_demo() -> None:
    done = subprocess.run(
        [str(environments.ROOT / "scripts" / "demo")], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    _, converted, answered, measured, following = done.stdout.split("\n== ")
    for backend in ("tflite", "onnx", "torchscript"):
        assert f"{backend} int8_dynamic" in converted
        assert f"{backend} int8_dynamic" in measured
        assert backend in answered
    cosines = {
        line.rsplit(maxsplit=3)[0]: [float(cell) for cell in line.split()[-3:]]
        for line in answered.splitlines()
        if line.endswith(tuple("0123456789"))
    }
    nearest = "You can return a purchase and be repaid in full."
    for row, values in cosines.items():
        for column, value in enumerate(values):
            assert row == nearest or value < cosines[nearest][column] - 0.05
    assert "edgebert inspect demo-bundle" in following
