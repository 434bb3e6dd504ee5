"""The example service in an environment of its own: the runtime's libraries and no torch."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import environments
import mosquitto
import pytest
import this_machine
from device_service import EXAMPLE, Start

import edgebert

sys.path.insert(0, str(EXAMPLE))

_LIBRARIES = ("numpy", "onnxruntime", "tokenizers", "tqdm")


@pytest.fixture(scope="session")
def device_python() -> Path:
    """An interpreter with what the README of the example installs, of the versions tested."""
    pinned = (environments.ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    requirements = [line for line in pinned if line.partition("==")[0] in _LIBRARIES]
    assert len(requirements) == len(_LIBRARIES)
    return environments.environment("raspberry-pi", [*requirements, "paho-mqtt==2.2.0"])


@pytest.fixture(scope="session")
def onnx_bundle(checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("bundles") / "onnx"
    edgebert.convert(checkpoint, output, edgebert.ConvertOptions(formats=("onnx",)))
    return output


@pytest.fixture
def start(device_python: Path, onnx_bundle: Path) -> Iterator[Start]:
    """Starts services with `edgebert_runtime` alone on their path; none outlives the test."""
    services = []

    def started(*options: str, **environment: str) -> subprocess.Popen[bytes]:
        command = [str(device_python), str(EXAMPLE / "service.py"), str(onnx_bundle)]
        service = subprocess.Popen(
            [*command, "--threads", "1", *options],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={
                "PYTHONPATH": str(environments.ROOT / "runtime"),
                "PATH": os.environ["PATH"],
                **environment,
            },
        )
        services.append(service)
        return service

    yield started
    for service in services:
        service.kill()
        service.communicate()


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[mosquitto.Broker]:
    this_machine.need("mosquitto", "mosquitto")
    this_machine.need("mosquitto_pub", "mosquitto-clients")
    broker = mosquitto.Broker(tmp_path, this_machine.free_port())
    broker.start()
    yield broker
    broker.close()
