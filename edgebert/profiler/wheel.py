"""The wheel of the edgebert that runs, to install the same on a device."""

from __future__ import annotations

import base64
import hashlib
import importlib.metadata
import importlib.util
import io
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from edgebert_runtime.errors import DeviceError

_PACKAGES = ("edgebert", "edgebert_converters", "edgebert_runtime")
_TIME = (1980, 1, 1, 0, 0, 0)
"""Fixed, so that the same files make the same wheel, byte for byte."""
_WHEEL = "Wheel-Version: 1.0\nGenerator: edgebert\nRoot-Is-Purelib: true\nTag: py3-none-any\n"


@dataclass(frozen=True)
class Wheel:
    """A wheel in memory."""

    name: str
    """Of its file: "edgebert-0.1.0-py3-none-any.whl"."""
    content: bytes

    @property
    def sha256(self) -> str:
        """Of its content, in hexadecimal."""
        return hashlib.sha256(self.content).hexdigest()


def running_wheel() -> Wheel:
    """Packed from the packages as they are imported, so an editable installation serves, too.

    The format is PyPA's binary distribution format 1.0.

    Raises:
        DeviceError: if edgebert runs without having been installed.
    """
    try:
        distribution = importlib.metadata.distribution("edgebert")
    except importlib.metadata.PackageNotFoundError:
        raise DeviceError(
            "edgebert is not installed here, so there is no wheel of it for a device; install it "
            "(in its source tree: python -m pip install -e .)"
        ) from None
    name = f"edgebert-{distribution.version}"
    content, record = io.BytesIO(), ""
    with zipfile.ZipFile(content, "w") as archive:
        for path, data in [*_modules(), *_metadata(distribution, f"{name}.dist-info")]:
            _write(archive, path, data)
            digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=")
            record += f"{path},sha256={digest.decode()},{len(data)}\n"
        path = f"{name}.dist-info/RECORD"
        _write(archive, path, f"{record}{path},,\n".encode())
    return Wheel(f"{name}-py3-none-any.whl", content.getvalue())


def _write(archive: zipfile.ZipFile, path: str, data: bytes) -> None:
    entry = zipfile.ZipInfo(path, _TIME)
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.external_attr = 0o100644 << 16
    archive.writestr(entry, data)


def _modules() -> Iterator[tuple[str, bytes]]:
    for package in _PACKAGES:
        specification = importlib.util.find_spec(package)
        assert specification is not None
        assert specification.submodule_search_locations is not None
        folder = Path(next(iter(specification.submodule_search_locations)))
        for file in sorted(folder.rglob("*")):
            inside = file.relative_to(folder.parent)
            hidden = any(part.startswith(".") for part in inside.parts)
            if file.is_file() and "__pycache__" not in inside.parts and not hidden:
                yield inside.as_posix(), file.read_bytes()


def _metadata(
    distribution: importlib.metadata.Distribution, folder: str
) -> Iterator[tuple[str, bytes]]:
    licenses = distribution.metadata.get_all("License-File") or []
    for name in ("METADATA", "entry_points.txt", *(f"licenses/{each}" for each in licenses)):
        if text := distribution.read_text(name):
            yield f"{folder}/{name}", text.encode()
    yield f"{folder}/WHEEL", _WHEEL.encode()
