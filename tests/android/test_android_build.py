"""android_demo is built, and what is built does what its sources say."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import android_build
import elf_alignment
import pytest
import this_machine

_MOST_BYTES = 20_000_000


def _python(script: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(android_build.TOOLS / script), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True)


def _check(apk: Path, bundle: Path) -> str:
    """What is wrong with an APK, or nothing."""
    kept = android_build.PROJECT / ".tools" / "onnxruntime" / "classes.jar"
    return _python("check_apk.py", "--bundle", bundle, "--kept", kept, apk).stderr.strip()


def _fetch_anew(project: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """tools/fetch.sh where nothing was fetched before."""
    shutil.copytree(android_build.TOOLS, project / "tools")
    return subprocess.run(
        [project / "tools" / "fetch.sh"],
        env={**os.environ, "EDGEBERT_ANDROID_DOWNLOADS": str(project / "downloads"), **environment},
        capture_output=True,
        text=True,
    )


@pytest.mark.usefixtures("toolchain")
def test_fetching_without_a_registry(tmp_path: Path) -> None:
    nowhere = f"http://127.0.0.1:{this_machine.free_port()}"
    done = _fetch_anew(tmp_path, npm_config_registry=nowhere, npm_config_fetch_retries="0")
    assert done.returncode == android_build.NOT_TO_BE_HAD
    assert done.stderr.splitlines()[-1] == "could not download kotlin-compiler-2.4.20.tgz"
    assert not list((tmp_path / "downloads").iterdir())


@pytest.mark.usefixtures("toolchain")
def test_what_a_registry_changed_is_refused(tmp_path: Path) -> None:
    npm = tmp_path / "bin" / "npm"
    npm.parent.mkdir()
    npm.write_text("#!/bin/sh\necho other >kotlin-compiler-2.4.20.tgz\n")
    npm.chmod(0o755)
    done = _fetch_anew(tmp_path, PATH=f"{npm.parent}:{os.environ['PATH']}")
    assert done.returncode == 1
    assert done.stderr == "kotlin-compiler-2.4.20.tgz is not the file that it was\n"


@pytest.mark.usefixtures("toolchain")
def test_sources_are_checked() -> None:
    assert "compared with the Android API, 0 wrong" in android_build.succeed("check")


def test_tests_pass_on_this_jvm(vectors: Path) -> None:
    output = android_build.succeed("test", EDGEBERT_VECTORS=str(vectors))
    sources = android_build.PROJECT.glob("*/src/test/kotlin/**/*Test.kt")
    written = sum(source.read_text().count("@Test") for source in sources)
    # One of them is asked once for each model.
    assert android_build.tests_passed(output) == written - 1 + len(android_build.MODELS)


@pytest.mark.slow
@pytest.mark.usefixtures("toolchain")
def test_a_larger_model_answers_as_python_does(tmp_path: Path) -> None:
    android_build.write_vectors("answers.py", tmp_path, "minilm")
    output = android_build.succeed("test", "AnswersTest", EDGEBERT_VECTORS=str(tmp_path))
    assert android_build.tests_passed(output) == 1


def test_apk_is_small_enough(apk: Path) -> None:
    assert apk.stat().st_size <= _MOST_BYTES


def test_from_a_checkpoint_to_answers_of_the_dex(demo: tuple[Path, str]) -> None:
    *_, answers = demo[1].split("== Answers")
    assert len(re.findall(r"\b(?:negative|positive)\b", answers)) >= 4


def test_other_answers_are_noticed(apk: Path, tmp_path: Path) -> None:
    """Of an APK that does not know what letters are in lower case."""
    tables = "org/edgebert/tokenization/unicode.txt"
    other = tmp_path / "other.apk"
    with zipfile.ZipFile(apk) as whole, zipfile.ZipFile(other, "w") as altered:
        for name in whole.namelist():
            content = whole.read(name)
            if name == tables:
                content = re.sub(rb"(\[lowercase\]\n)[^\[]*", rb"\1c0=e0\n", content)
                assert content != whole.read(name)
            altered.writestr(name, content)
    compared = _python("compare_answers.py", other, "WONDERFUL, MOVING AND FUNNY")
    assert compared.returncode == 1
    assert compared.stderr.startswith("Python answers positive ")


@pytest.mark.slow
def test_building_again_gives_the_same_bytes(apk: Path, student: Path, tmp_path: Path) -> None:
    android_build.succeed(
        *("apk", "--bundle", student, "--output", tmp_path),
        EDGEBERT_ANDROID_BUILD=str(tmp_path / "build"),
    )
    assert (tmp_path / apk.name).read_bytes() == apk.read_bytes()


def test_checks_find_another_bundle(apk: Path, student: Path, tmp_path: Path) -> None:
    assert _check(apk, student) == ""
    other = tmp_path / "other.edgebert"
    other.write_bytes(student.read_bytes() + b" ")
    assert "assets/model.edgebert is not" in _check(apk, other)


def test_checks_find_a_broken_signature(apk: Path, student: Path, tmp_path: Path) -> None:
    content = bytearray(apk.read_bytes())
    place = content.index(b"classes.dex") + 100
    content[place] ^= 1
    altered = tmp_path / "altered.apk"
    altered.write_bytes(content)
    assert "apksigner says" in _check(altered, student)


def test_release_key(student: Path, tmp_path: Path) -> None:
    store = tmp_path / "release.keystore"
    name = "CN=Release of a test"
    made = ["keytool", "-genkeypair", "-keystore", str(store), "-alias", "mine", "-dname", name]
    made += ["-storepass", "secret-1", "-keyalg", "RSA", "-validity", "9"]
    subprocess.run(made, check=True, capture_output=True)
    android_build.succeed(
        *("apk", "--bundle", student, "--output", tmp_path, "--abi", "x86_64"),
        EDGEBERT_KEYSTORE=str(store),
        EDGEBERT_KEY_ALIAS="mine",
        EDGEBERT_KEYSTORE_PASSWORD="secret-1",
        EDGEBERT_KEY_PASSWORD="secret-1",
    )
    verified = subprocess.run(
        ["apksigner", "verify", "--print-certs", tmp_path / "edgebert-demo-x86_64.apk"],
        check=True,
        capture_output=True,
        text=True,
    )
    assert name in verified.stdout


@pytest.mark.usefixtures("toolchain")
def test_page_sizes_of_libraries(tmp_path: Path) -> None:
    for size in (4096, 16384):
        library = tmp_path / f"aligned_to_{size}.so"
        option = f"-Wl,-z,max-page-size={size}"
        command = ["gcc", "-shared", "-nostdlib", option, "-x", "c", "-", "-o", str(library)]
        subprocess.run(command, input=b"int answer(void) { return 42; }", check=True)
        assert elf_alignment.page_size(library.read_bytes()) == size


@pytest.mark.usefixtures("toolchain")
@pytest.mark.parametrize(
    ("source", "fault"),
    [
        ("public class Activity extends android.view.ContextThemeWrapper {}", None),
        ("public class Activity extends Thread {}", "android.app.Activity is no java.lang.Thread"),
        ("public class Activity { public void fly() {} }", "no method android.app.Activity.fly()V"),
        (
            "public class Activity { public void finish(int code) {} }",
            "no method android.app.Activity.finish(I)V",
        ),
        (
            "public class Activity { public int finish() { return 0; } }",
            "no method android.app.Activity.finish()I",
        ),
        (
            "public class Activity { public static final int RESULT_OK = 0; }",
            "android.app.Activity.RESULT_OK has a constant value",
        ),
        ("public class Inactivity {}", "no class android.app.Inactivity"),
    ],
)
def test_stubs_are_held_against_the_api(source: str, fault: str | None, tmp_path: Path) -> None:
    name = source.split()[2]
    written = {f"app/{name}": f"package android.app; {source}"}
    if "ContextThemeWrapper" in source:
        written["view/ContextThemeWrapper"] = (
            "package android.view; public class ContextThemeWrapper {}"
        )
    for path, text in written.items():
        file = tmp_path / "android" / f"{path}.java"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    files = list(tmp_path.rglob("*.java"))
    subprocess.run(["javac", "-d", tmp_path / "classes", *files], check=True, capture_output=True)
    wheel = android_build.PROJECT / ".tools" / "android_api_36.whl"
    checked = _python("check_stubs.py", wheel, tmp_path / "classes")
    if fault is None:
        assert checked.returncode == 0, checked.stdout
    else:
        assert checked.returncode == 1
        assert fault in checked.stdout.splitlines()
