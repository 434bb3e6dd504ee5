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
    _, converted, *answered, measured = done.stdout.split("\n== ")[:-1]
    following = done.stdout.split("\n== ")[-1]
    assert len(answered) == 3
    for backend, answers in zip(("tflite", "onnx", "torchscript"), answered, strict=True):
        assert f"{backend} int8_dynamic" in converted
        assert f"{backend} int8_dynamic" in measured
        assert backend in answers.splitlines()[0]
        labels = [
            next(word for word in line.split() if word in ("positive", "negative"))
            for line in answers.splitlines()
            if " positive " in line or " negative " in line
        ]
        assert labels == ["positive", "negative", "negative", "positive"]
    assert "edgebert inspect demo-bundle" in following
