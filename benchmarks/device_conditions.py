"""Conditions of a device that nobody watches, each made for one process and gone with it.

Namespaces (unshare), cgroups and libfaketime make them, so that nothing is pretended to the code
that runs inside. Each ends with a proof that it holds; a process without the proof exits with 99.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

NOT_HELD = 99
"""Exit status of a process whose condition could not be made."""
_CGROUPS = Path("/sys/fs/cgroup")


@dataclass(frozen=True)
class Condition:
    """What surrounds a process."""

    name: str
    script: str = ""
    """Of a shell, run as root in namespaces of its own; `$BUNDLE` is the bundle, `$@` the command,
    which it may change."""
    environment: Mapping[str, str | None] = field(default_factory=dict)
    """Variables to set; None takes one away."""
    streams: str = ""
    """Redirections of the command's standard streams."""


def _refuses(*folders: str) -> str:
    """A proof that nothing can be written in folders."""
    tries = (f"touch {folder}/proof 2>/dev/null && exit {NOT_HELD}" for folder in folders)
    return "\n".join([*tries, "true"])


# The repository may lie there too; a bundle inside it is moved last.
_BUNDLE_ALONE_IN_TMP = f"""
mount --bind "$BUNDLE" /mnt
TREE={shlex.quote(str(Path(__file__).resolve().parent.parent))}
case "$TREE" in /tmp/*) mount --bind "$TREE" /media ;; esac
mount -t tmpfs none /tmp
case "$TREE" in /tmp/*) mkdir -p "$TREE"; mount --move /media "$TREE" ;; esac
mkdir -p "$BUNDLE"
mount --move /mnt "$BUNDLE"
mount -o remount,ro /tmp
"""

_READ_ONLY = """
cut -d' ' -f5 /proc/self/mountinfo | while read -r place; do
    mount -o remount,bind,ro "$place"
done
"""

_NOWHERE = "/nowhere"
_FIRST_PROCESSOR = min(os.sched_getaffinity(0))

ORDINARY = Condition("ordinary")
READ_ONLY = Condition(
    "everything read-only", _READ_ONLY + _refuses("/", "/tmp", "/dev/shm", "~", '"$BUNDLE"')
)
NO_TMP = Condition(
    "no /tmp",
    f"{_BUNDLE_ALONE_IN_TMP}mount -t tmpfs -o ro none /var/tmp\n"
    f"mount -t tmpfs -o ro none /dev/shm\n{_refuses('/tmp', '/var/tmp', '/dev/shm')}\ncd /proc",
    {"TMPDIR": _NOWHERE},
)
NO_NETWORK = Condition(
    "no network",
    f'test "$(tail -n +3 /proc/net/dev | cut -d: -f1 | tr -d " ")" = lo || exit {NOT_HELD}\n'
    f"test $(cat /proc/net/route | wc -l) -le 1 || exit {NOT_HELD}",
)
CONDITIONS = (
    READ_ONLY,
    Condition("HOME unset", environment={"HOME": None}),
    Condition("HOME points nowhere", environment={"HOME": _NOWHERE}),
    Condition(
        "a user without name or home",
        "set -- setpriv --reuid 54321 --regid 54321 --clear-groups "
        '--inh-caps +dac_read_search --ambient-caps +dac_read_search "$@"',
        {"HOME": None, "USER": None, "LOGNAME": None},
    ),
    NO_TMP,
    NO_NETWORK,
    Condition(
        "clock at 1970",
        "set -- faketime --exclude-monotonic '1970-01-01 00:00:01' \"$@\"\n"
        f"faketime '1970-01-01 00:00:01' date +%Y | grep -qx 1970 || exit {NOT_HELD}",
        {"TZ": "UTC"},
    ),
    Condition(
        "one core",
        f"taskset -cp {_FIRST_PROCESSOR} $$ >/dev/null\ntest $(nproc) = 1 || exit {NOT_HELD}",
        {"OMP_NUM_THREADS": None},
    ),
    Condition(
        "no /proc/cpuinfo",
        "mount --bind /dev/null /proc/cpuinfo\n"
        f"test $(cat /proc/cpuinfo | wc -c) = 0 || exit {NOT_HELD}",
    ),
    Condition(
        "no /sys", f"mount -t tmpfs none /sys\ntest $(ls /sys | wc -l) = 0 || exit {NOT_HELD}"
    ),
    Condition(
        "neither /sys nor /proc",
        "mount -t tmpfs none /sys\nmount -t tmpfs none /proc\n"
        f"test $(ls /sys /proc | wc -w) = 2 || exit {NOT_HELD}",
    ),
    Condition("standard streams closed", streams="<&- >&- 2>&-"),
    Condition(
        "locale C in ASCII",
        environment={"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    ),
)
"""Each of those that any process may meet; memory and locales of other encodings need more."""


def command(condition: Condition, arguments: list[str]) -> list[str]:
    """`arguments` as a command that runs under the condition."""
    last = f'exec "$@" {condition.streams}'
    script = f"set -e\n{condition.script}\n{last}"
    if not condition.script:
        return ["sh", "-c", script, "sh", *arguments]
    # The namespace of a network holds nothing but a loopback that is down.
    network = ["--net"] if condition is NO_NETWORK else []
    root = [] if os.geteuid() == 0 else ["--map-root-user"]
    return ["unshare", *root, "--mount", *network, "sh", "-c", script, "sh", *arguments]


def environment(condition: Condition, bundle: Path) -> dict[str, str]:
    """This process's variables as the condition changes them."""
    changed = {**os.environ, "BUNDLE": str(bundle.resolve()), **condition.environment}
    return {name: value for name, value in changed.items() if value is not None}


def refusal(condition: Condition, bundle: Path) -> str | None:
    """Why the condition cannot be made here; None if it can."""
    done = subprocess.run(
        command(condition, ["true"]),
        env=environment(condition, bundle),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    if done.returncode == 0:
        return None
    return done.stderr.strip() or f"{shlex.join(command(condition, ['true']))} fails"


@contextlib.contextmanager
def memory_limit(limit: int) -> Iterator[Path]:
    """A cgroup of at most `limit` bytes, without swap; yields the file that a process joins by.

    Memory of the kernel and pages of files count too, except for those that another process read
    before and that are still kept.

    Raises:
        OSError: if this system lets nobody make one.
    """
    version1 = (_CGROUPS / "memory").is_dir()
    parent = _CGROUPS / "memory" if version1 else _CGROUPS
    if not version1:
        (parent / "cgroup.subtree_control").write_text("+memory")
    group = parent / f"edgebert-{os.getpid()}"
    group.mkdir()
    try:
        if version1:
            (group / "memory.swappiness").write_text("0")
            (group / "memory.limit_in_bytes").write_text(str(limit))
        else:
            (group / "memory.swap.max").write_text("0")
            (group / "memory.max").write_text(str(limit))
        yield group / "cgroup.procs"
    finally:
        group.rmdir()


def within(procs: Path) -> Condition:
    """The condition of a cgroup."""
    return Condition("low memory", f"echo $$ > {shlex.quote(str(procs))}")


def used_most(procs: Path) -> int:
    """The most bytes that a cgroup ever held."""
    version1 = procs.with_name("memory.max_usage_in_bytes")
    peak = version1 if version1.exists() else procs.with_name("memory.peak")
    return int(peak.read_text())


def locale(folder: Path, language: str, encoding: str) -> Condition:
    """A locale whose encoding is not UTF-8, compiled in `folder`.

    Raises:
        subprocess.CalledProcessError, OSError: if the system cannot compile it.
    """
    name = f"{language}.{encoding}"
    made = ["localedef", "-i", language, "-f", encoding, str(folder / name)]
    subprocess.run(made, check=True, capture_output=True)
    return Condition(
        f"locale {name}", environment={"LOCPATH": str(folder), "LC_ALL": name, "PYTHONUTF8": "0"}
    )


def forget_files(folder: Path) -> None:
    """Drop pages of files from the kernel's cache, so that who reads them next is charged."""
    for path in folder.rglob("*"):
        if path.is_file() and not path.is_symlink():
            with contextlib.suppress(OSError):
                descriptor = os.open(path, os.O_RDONLY)
                os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
                os.close(descriptor)
