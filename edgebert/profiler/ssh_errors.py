"""What OpenSSH says when it fails, and what a person can do about it."""

from __future__ import annotations

from collections.abc import Sequence

from edgebert.profiler.ssh_address import Address

_ADVICE = (
    (
        ("HOST IDENTIFICATION HAS CHANGED",),
        "its host key is not the one known here: it was set up anew, or another machine answers; "
        "if you know why, run: ssh-keygen -R {known_as}; then once: ssh {command}",
    ),
    (
        ("host key is known", "Host key verification failed"),
        "its host key is not known here; run once: ssh {command}; compare the key, and accept it",
    ),
    (
        ("Too many authentication failures",),
        "it refuses the login after too many keys; name the right one in ~/.ssh/config "
        "(IdentityFile, with IdentitiesOnly yes)",
    ),
    (
        ("Permission denied",),
        "it refuses the login; install your key there: ssh-copy-id {command}",
    ),
    (
        ("Could not resolve hostname",),
        "its name is not known; check the name, or give its IP address",
    ),
    (
        ("Connection refused",),
        "nothing listens there; start its ssh server (there: sudo systemctl enable --now ssh), or "
        "give the right port: ssh://HOST:PORT",
    ),
    (
        ("not responding",),
        "it does not answer any more; nothing stays running there: profile again once it does",
    ),
    (
        ("timed out", "No route to host", "Network is unreachable"),
        "it does not answer; check that it is on, and on a network that this machine reaches",
    ),
    (
        ("Bad configuration option", "terminating, ", "Bad owner or permissions"),
        "ssh's configuration here can't be used; repair it",
    ),
)
"""Words of OpenSSH, whose messages are never translated → what it means and what to do."""


def explained(address: Address, lines: Sequence[str]) -> str | None:
    """What a failed ssh printed, in one line; None if it is nothing known."""
    for signs, advice in _ADVICE:
        for line in lines:
            if any(sign in line for sign in signs):
                what, _, then = advice.partition("; ")
                own = line.strip("@ \r")
                fields = {"known_as": address.known_as, "command": address.command}
                return f"{what} ({own}); {then.format(**fields)}"
    return None


def lost(lines: Sequence[str]) -> str:
    """What to say of a connection that ended by itself."""
    last = f" ({lines[-1]})" if lines else ""
    return f"the connection was lost{last}; nothing stays running there: profile again"
