"""Debian roots for ARM, and commands in them under QEMU's user-mode emulation; needs root."""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

CACHE = Path(__file__).resolve().parent.parent / ".cache"


@dataclass(frozen=True)
class Machine:
    """An architecture, the processor that QEMU plays, and what is installed there."""

    debian: str
    emulator: str
    cpu: str
    cpuinfo: str
    """/proc/cpuinfo: libraries read there what kernels they may use."""
    packages: tuple[str, ...]
    more: tuple[str, ...]
    """What pip installs there beside what the example's script does."""
    backends: tuple[str, ...]


MACHINES = {
    "arm64": Machine(
        debian="arm64",
        emulator="qemu-aarch64",
        cpu="cortex-a76",
        cpuinfo="Features\t: fp asimd evtstrm aes pmull sha1 sha2 crc32 atomics fphp asimdhp cpuid "
        "asimdrdm lrcpc dcpop asimddp\nCPU implementer\t: 0x41\nCPU architecture: 8\n"
        "CPU variant\t: 0x4\nCPU part\t: 0xd0b\nCPU revision\t: 1\n",
        packages=("python3-venv",),
        more=("onnxruntime",),
        backends=("tflite", "onnx"),
    ),
    "armhf": Machine(
        debian="armhf",
        emulator="qemu-arm",
        cpu="cortex-a7",
        cpuinfo="Features\t: half thumb fastmult vfp edsp neon vfpv3 tls vfpv4 idiva idivt vfpd32 "
        "lpae evtstrm\nCPU implementer\t: 0x41\nCPU architecture: 7\n"
        "CPU variant\t: 0x0\nCPU part\t: 0xc07\nCPU revision\t: 5\n",
        packages=("python3-venv", "python3-numpy"),
        more=(),
        backends=("tflite",),
    ),
}


def root(machine: Machine) -> Path:
    """A Debian root whose packages are unpacked, and not set up: that would all be emulated."""
    folder = CACHE / f"{machine.debian}-root"
    if (folder / "complete").exists():
        return folder
    shutil.rmtree(folder, ignore_errors=True)
    packages = ",".join(machine.packages)
    command = ["debootstrap", "--foreign", "--variant=minbase", f"--arch={machine.debian}"]
    mirror = ["bookworm", str(folder), "http://deb.debian.org/debian"]
    subprocess.run([*command, f"--include={packages}", *mirror], check=True, stdout=sys.stderr)
    for package in sorted((folder / "var/cache/apt/archives").glob("*.deb")):
        unpacked = subprocess.Popen(["dpkg-deb", "--fsys-tarfile", package], stdout=subprocess.PIPE)
        extract = ["tar", "-x", "--keep-directory-symlink", "-C", str(folder)]
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
    (folder / "etc/cpuinfo").write_text(
        "".join(f"processor\t: {each}\n{machine.cpuinfo}\n" for each in range(2))
    )
    (folder / "complete").touch()
    return folder


def inside(machine: Machine, folder: Path) -> list[str]:
    """The command before a command that runs in the root, with its own /proc/cpuinfo."""
    register(machine)
    script = (
        'mount -t proc proc "$0/proc" && mount --bind "$0/etc/cpuinfo" "$0/proc/cpuinfo" && '
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
        "QEMU_CPU": machine.cpu,
        "PIP_CERT": "/etc/certificates.crt",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "OPENBLAS_NUM_THREADS": "1",
    }


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
