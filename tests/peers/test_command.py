from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from peers import command
from peers.catalogue import BASELINE, PEERS, REFERENCE


def test_figures_are_rendered_again_without_measuring(
    figures: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "figures.json"
    path.write_text(json.dumps(figures))
    command.main(["--render", "--json", str(path)])
    assert "| EdgeBERT TFLite | 14.5 |" in capsys.readouterr().out
    assert "ids to logits" in path.with_suffix(".svg").read_text()


def test_the_page_gets_the_figures_of_the_whole_measurement(
    figures: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = tmp_path / "peers.md"
    page.write_bytes(command.DOCUMENT.read_bytes())
    for name, path in {
        "FIGURES": "peers.json",
        "PICTURE": "peers.svg",
        "DOCUMENT": "peers.md",
    }.items():
        monkeypatch.setattr(command, name, tmp_path / path)
    (tmp_path / "peers.json").write_text(json.dumps(figures))
    command.main(["--render"])
    text = page.read_text()
    assert "](peers.svg)" in text
    assert "| EdgeBERT TFLite | 14.5 |" in text
    assert text.startswith("# Beside")
    assert "## To be read with care" in text
    assert (tmp_path / "peers.svg").stat().st_size > 1000


def test_the_baseline_and_the_float_model_always_run(
    figures: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = {}

    def run(subjects: Any, peers: Any, options: Any) -> list[dict[str, Any]]:
        asked.update(peers=[peer.name for peer in peers], options=options)
        return [figures]

    monkeypatch.setattr(command, "run", run)
    chosen = ["--models", "minilm", "--peers", "fastembed-int8", "--threads", "3,1,3"]
    command.main([*chosen, "--json", str(tmp_path / "figures.json")])
    assert asked["peers"] == [BASELINE, REFERENCE, "fastembed-int8"]
    assert asked["options"].threads == (3, 1)
    assert asked["options"].lengths == (16, 32, 64, 128)


@pytest.mark.parametrize("option", ["--models", "--peers"])
def test_an_unknown_name_is_refused(option: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        command.main([option, "nobody"])
    assert "nobody: expected some of" in capsys.readouterr().err


def test_versions_are_those_of_the_requirement_files() -> None:
    found = command.versions({peer.library for peer in PEERS})
    assert found["optimum-onnx"] == "0.1.0"
    assert found["transformers"] == "4.57.6 and 5.24.0"
    assert "numpy" not in found
