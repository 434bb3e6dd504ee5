"""Which artifacts arguments name."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from edgebert.comparison.selection import select
from edgebert_runtime.errors import InputError, ManifestError


def names(*arguments: str | Path, **narrowed: tuple[str, ...]) -> list[str]:
    return [each.name for each in select([str(each) for each in arguments], **narrowed)]


def test_all_of_one_bundle(bundle: Path) -> None:
    assert set(names(bundle)) == {
        "onnx int8_dynamic",
        "tflite int8_dynamic",
        "torchscript int8_dynamic",
    }


def test_names_tell_bundles_apart(bundle: Path, larger: Path, tmp_path: Path) -> None:
    assert names(bundle, larger, backends=("onnx",)) == [
        "classifier onnx int8_dynamic",
        "larger onnx int8_dynamic",
    ]
    twin = shutil.copytree(bundle, tmp_path / "classifier")
    assert names(bundle, twin, larger, backends=("onnx",)) == [
        f"{bundle} onnx int8_dynamic",
        f"{twin} onnx int8_dynamic",
        "larger onnx int8_dynamic",
    ]


def test_parts_of_bundles_each_once(bundle: Path, larger: Path) -> None:
    assert names(f"{bundle}:onnx", f"{larger}:tflite/int8_dynamic", f"{bundle}:onnx", bundle) == [
        "classifier onnx int8_dynamic",
        "larger tflite int8_dynamic",
        *(f"classifier {name}" for name in names(bundle) if not name.startswith("onnx")),
    ]
    assert names(f"{bundle}:onnx", recipes=("int8_dynamic",)) == ["onnx int8_dynamic"]


def test_a_path_that_exists_is_no_part(colon: Path) -> None:
    assert len(names(colon)) == 3
    assert names(f"{colon}:tflite") == ["tflite int8_dynamic"]
    shutil.rmtree(colon)
    assert names(colon) == ["onnx int8_dynamic"]


def test_what_a_device_holds(bundle: Path) -> None:
    for each in select([str(bundle)]):
        files = (each.artifact.file, "tokenizer.json", "manifest.json")
        assert each.device_bytes == sum((bundle / file).stat().st_size for file in files)


def test_a_zip_holds_the_same(bundle: Path, zipped: Path) -> None:
    assert [each.device_bytes for each in select([str(zipped)])] == [
        each.device_bytes for each in select([str(bundle)])
    ]


def test_the_smallest_signature(larger: Path) -> None:
    onnx, tflite = sorted(select([str(larger)]), key=lambda each: each.artifact.backend)
    assert [onnx.signature(tokens) for tokens in (1, 16, 17, 64)] == [1, 16, 17, 64]
    assert [tflite.signature(tokens) for tokens in (1, 16, 17, 64)] == [16, 16, 64, 64]


@pytest.mark.parametrize(
    ("part", "message"),
    [
        (":coral", "backend: got 'coral', expected one of tflite, onnx, torchscript"),
        (":", "backend: got '', expected one of"),
        (":onnx/float8", "this bundle holds onnx int8_dynamic, tflite int8_dynamic"),
        (":onnx/", "this bundle holds"),
        (":torchscript", "this bundle holds"),
    ],
)
def test_a_part_that_is_not_there(larger: Path, part: str, message: str) -> None:
    with pytest.raises(InputError) as caught:
        names(f"{larger}{part}")
    assert message in str(caught.value)


@pytest.mark.parametrize("path", ["nowhere", "nowhere:onnx", ":onnx", "a" * 5000, "\udcff"])
def test_no_bundle(path: str, tmp_path: Path) -> None:
    with pytest.raises(ManifestError):
        names(f"{tmp_path}/{path}")


def test_no_path() -> None:
    with pytest.raises(InputError, match="bundle path"):
        names("nul\0")


@pytest.mark.parametrize("narrowed", [{"backends": ("torchscript",)}, {"recipes": ("float8",)}])
def test_nothing_left(larger: Path, narrowed: dict[str, tuple[str, ...]]) -> None:
    with pytest.raises(InputError, match="no bundle holds such an artifact"):
        names(larger, **narrowed)


def test_other_labels_are_not_compared(bundle: Path, other_labels: Path) -> None:
    with pytest.raises(InputError) as caught:
        names(bundle, other_labels)
    assert f"{str(bundle)!r} gives classification of negative, positive" in str(caught.value)
    assert f"{str(other_labels)!r} gives classification of good, bad" in str(caught.value)
