"""Debian roots for ARM, and commands in them under QEMU's user-mode emulation; needs root."""

from __future__ import annotations

import fcntl
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CACHE = ROOT / ".cache"


@dataclass(frozen=True)
class Processor:
    """What QEMU plays, and its /proc/cpuinfo, where libraries read what kernels they may use."""

    name: str
    option: str
    """What QEMU calls it."""
    part: str
    features: str
    architecture: int = 8

    def cpuinfo(self) -> str:
        """Two of these, as Linux writes it."""
        return "".join(
            f"processor\t: {each}\nFeatures\t: {self.features}\nCPU implementer\t: 0x41\n"
            f"CPU architecture: {self.architecture}\nCPU variant\t: 0x0\nCPU part\t: {self.part}\n"
            "CPU revision\t: 3\n\n"
            for each in range(2)
        )


_V7 = "half thumb fastmult vfp edsp neon vfpv3 tls vfpv4 idiva idivt vfpd32 lpae evtstrm"
_V8 = "fp asimd evtstrm crc32 cpuid"
_DOT = f"{_V8} aes pmull sha1 sha2 atomics fphp asimdhp asimdrdm lrcpc dcpop asimddp"

PROCESSORS = {
    architecture: {each.name: each for each in processors}
    for architecture, processors in {
        "arm64": (
            Processor("cortex-a72", "cortex-a72", "0xd08", _V8),
            Processor("cortex-a76", "cortex-a76", "0xd0b", _DOT),
            # QEMU 7.2 has no real processor with i8mm. Its SME gives wrong products of bytes, and
            # phones' kernels leave SVE off.
            Processor("i8mm", "max,sme=off,sve=off", "0xd4f", f"{_DOT} i8mm bf16"),
        ),
        "armhf": (
            Processor("cortex-a7", "cortex-a7", "0xc07", _V7, architecture=7),
            # QEMU 7.2 has no real processor with dot products that runs 32-bit programs.
            Processor("asimddp", "max", "0xd0b", f"{_V7} aes pmull crc32 asimdhp asimddp"),
        ),
    }.items()
}
"""Raspberry Pi 4 (no products of bytes), Raspberry Pi 5 (dot products), phones since 2021; with 32
bits, Raspberry Pi 2 and 5."""


@dataclass(frozen=True)
class Machine:
    """An architecture, the processor that QEMU plays, and what is installed there."""

    debian: str
    emulator: str
    processor: Processor
    packages: tuple[str, ...]
    more: tuple[str, ...]
    """What pip installs there beside what the example's script does."""
    backends: tuple[str, ...]


MACHINES = {
    "arm64": Machine(
        debian="arm64",
        emulator="qemu-aarch64",
        processor=PROCESSORS["arm64"]["cortex-a76"],
        packages=("python3-venv",),
        more=("onnxruntime",),
        backends=("tflite", "onnx"),
    ),
    "armhf": Machine(
        debian="armhf",
        emulator="qemu-arm",
        processor=PROCESSORS["armhf"]["cortex-a7"],
        packages=("python3-venv", "python3-numpy"),
        more=(),
        backends=("tflite",),
    ),
}


def has_root(machine: Machine) -> bool:
    """Whether there is a root for it already."""
    return (_place(machine) / "complete").exists()


def root(machine: Machine) -> Path:
    """A Debian root whose packages are unpacked, and not set up: that would all be emulated.

    Made once, in half a minute.
    """
    folder = _place(machine)
    CACHE.mkdir(exist_ok=True)
    # Tests run in several processes, and two may want the same one.
    with (CACHE / f".{folder.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not has_root(machine):
            shutil.rmtree(folder, ignore_errors=True)
            _unpack(machine, folder)
            (folder / "complete").touch()
    return folder


def _place(machine: Machine) -> Path:
    return CACHE / f"{machine.debian}-root"


def _unpack(machine: Machine, folder: Path) -> None:
    command = ["debootstrap", "--foreign", "--variant=minbase", f"--arch={machine.debian}"]
    included = ",".join(machine.packages)
    mirror = ["bookworm", str(folder), "http://deb.debian.org/debian"]
    subprocess.run([*command, f"--include={included}", *mirror], check=True, stdout=sys.stderr)
    for package in sorted((folder / "var/cache/apt/archives").glob("*.deb")):
        unpack = ["dpkg-deb", "--fsys-tarfile", package]
        extract = ["tar", "-x", "--keep-directory-symlink", "-C", str(folder)]
        with subprocess.Popen(unpack, stdout=subprocess.PIPE) as unpacked:
            subprocess.run(extract, stdin=unpacked.stdout, check=True)
    # What setting up would have made, and debootstrap a link to ours in place of.
    for name in ("proc", "dev"):
        if (folder / name).is_symlink():
            (folder / name).unlink()
        (folder / name).mkdir(exist_ok=True)
    for name in ("libblas.so.3", "liblapack.so.3"):
        for library in folder.glob(f"usr/lib/*/*/{name}"):
            place = library.parent.parent / name
            if not place.exists():
                place.symlink_to(library.relative_to(place.parent))
    (folder / "etc/resolv.conf").write_text(Path("/etc/resolv.conf").read_text())
    shutil.copy("/etc/ssl/certs/ca-certificates.crt", folder / "etc/certificates.crt")


def inside(machine: Machine, folder: Path) -> list[str]:
    """The command before a command that runs in the root, with its own /proc/cpuinfo."""
    register(machine)
    cpuinfo = f"cpuinfo of {machine.processor.name}"
    (folder / "etc" / cpuinfo).write_text(machine.processor.cpuinfo(), encoding="ascii")
    script = (
        f'mount -t proc proc "$0/proc" && mount --bind "$0/etc/{cpuinfo}" "$0/proc/cpuinfo" && '
        'mount --rbind /dev "$0/dev" && mount --rbind /sys "$0/sys" && exec chroot "$0" "$@"'
    )
    return ["unshare", "--mount", "sh", "-c", script, str(folder)]


def register(machine: Machine) -> None:
    """Have the kernel start this architecture's programs with QEMU."""
    formats = Path("/proc/sys/fs/binfmt_misc")
    if not (formats / "register").exists():
        subprocess.run(["mount", "-t", "binfmt_misc", "none", str(formats)], check=True)
    if not (formats / machine.emulator).exists():
        line = Path(f"/usr/lib/binfmt.d/{machine.emulator}.conf").read_text(encoding="ascii")
        (formats / "register").write_text(line, encoding="ascii")


def environment(machine: Machine) -> dict[str, str]:
    """Variables for programs in the root."""
    return {
        "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
        "HOME": "/root",
        "LC_ALL": "C.UTF-8",
        "QEMU_CPU": machine.processor.option,
        "PIP_CERT": "/etc/certificates.crt",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "OPENBLAS_NUM_THREADS": "1",
    }


def wheelhouse() -> Path:
    """All wheels that an arm64 machine needs for both backends, kept in .cache."""
    from edgebert.profiler.wheelhouse import build

    folder = CACHE / "wheelhouse-linux-aarch64"
    if not folder.is_dir():
        build(folder, "linux-aarch64", "3.11", ("onnx", "tflite"), progress=print)
    return folder


def wheel(folder: Path) -> Path:
    """This tree's wheel, built there."""
    build = [sys.executable, "-m", "build", "--no-isolation", "--wheel", "--outdir", str(folder)]
    subprocess.run([*build, str(ROOT)], check=True, stdout=sys.stderr)
    (built,) = folder.glob("*.whl")
    return built


def packages(python: list[str], variables: dict[str, str] | None = None) -> dict[str, str]:
    """Versions of what pip lists for an interpreter, by name as PyPI spells them."""
    listing = [*python, "-m", "pip", "list", "--format=freeze"]
    done = subprocess.run(listing, env=variables, stdout=subprocess.PIPE, text=True, check=True)
    found = dict(line.split("==", 1) for line in done.stdout.splitlines() if "==" in line)
    return {name.lower().replace("_", "-"): version for name, version in found.items()}


def resident_bytes(process: int) -> int:
    """Resident memory of an emulated program, without the emulator's own.

    QEMU's are its program file, its heap, and the buffer of translated code, which alone may be
    both written and executed.
    """
    total, counted = 0, False
    for line in Path(f"/proc/{process}/smaps").read_text(encoding="utf-8").splitlines():
        fields = line.split()
        if "-" in fields[0] and not fields[0].endswith(":"):
            name = fields[5] if len(fields) > 5 else ""
            own = "qemu" in name or name == "[heap]" or fields[1].startswith("rwx")
            counted = not own
        elif fields[0] == "Rss:" and counted:
            total += int(fields[1]) * 1024
    return total
