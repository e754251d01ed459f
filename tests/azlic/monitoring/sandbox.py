"""A unit's service run as its file says, where no systemd runs: its user, rights, mounts, network and variables.

In a mount namespace everything is read-only but ``ReadWritePaths``; a seccomp filter lets through only the sockets of
``RestrictAddressFamilies``. What is run by ``python sandbox.py`` is the inside of it.
"""

import ctypes
import fcntl
import json
import os
import platform
import pwd
import re
import shlex
import socket
import struct
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

_SOCKET = {"x86_64": 41, "aarch64": 198}[platform.machine()]
_PR_SET_SECCOMP, _PR_SET_MDWE, _FILTER, _ALLOW, _REFUSE = 22, 65, 2, 0x7FFF0000, 0x00050000 | 97
_LOAD, _JUMP_EQUAL, _RETURN = 0x20, 0x15, 0x06


def read_unit(path: Path) -> dict[str, list[str]]:
    """The values of a unit file by their names, of all sections."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    for line in path.read_text().splitlines():
        if re.match("[A-Z]", line):
            name, _, value = line.partition("=")
            found[name].append(value.replace("%%", "\0").replace("%n", path.name).replace("\0", "%"))
    return dict(found)


def start_unit(path: Path, notify: Path | None = None) -> "subprocess.Popen[str] | None":
    """Start a unit's service; None where a condition of it is not met."""
    unit = read_unit(path)
    if not all(Path(needed).exists() for needed in unit.get("ConditionPathExists", [])):
        return None
    environment = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8"}
    for file in unit.get("EnvironmentFile", []):
        environment |= dict(line.split("=", 1) for line in shlex.split(Path(file).read_text()))
    environment |= dict(text.split("=", 1) for value in unit.get("Environment", []) for text in shlex.split(value))
    environment |= {"NOTIFY_SOCKET": str(notify)} if notify else {}
    private = ["--net"] if unit["PrivateNetwork"] == ["yes"] or "azlic-serve" in path.name else []
    return subprocess.Popen(
        ["unshare", "--mount", "--propagation", "private", *private, sys.executable, __file__, json.dumps(unit)],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run_unit(path: Path) -> tuple[int, str]:
    """Run a unit's service to its end: whether systemd would call it a success, 0, or its status; what it said."""
    process = start_unit(path)
    assert process is not None
    out, err = process.communicate(timeout=120)
    fine = [int(status) for value in read_unit(path).get("SuccessExitStatus", []) for status in value.split()]
    return 0 if process.returncode in fine else process.returncode, out + err


def _enter(unit: dict[str, list[str]]) -> None:
    """Mount and become what the unit says, then go on with its command."""
    _raise_loopback()
    writable = [path for value in unit.get("ReadWritePaths", []) for path in shlex.split(value)]
    writable += [f"/var/lib/{name}" for name in unit.get("StateDirectory", [])]
    for path in writable:
        subprocess.run(["mount", "--bind", path, path], check=True)  # as systemd: fails where it is not there
    kept = {str(Path(path).resolve()) for path in writable}
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        place = re.sub(r"\\([0-7]{3})", lambda found: chr(int(found[1], 8)), line.split()[4])
        if place not in kept and not re.match("/(proc|sys|dev)(?!/shm)", place):
            subprocess.run(["mount", "-o", "remount,bind,ro", place], check=True)
    if unit.get("PrivateTmp") == ["yes"]:
        for place in ("/tmp", "/var/tmp"):  # noqa: S108 - of the unit's own
            subprocess.run(["mount", "-t", "tmpfs", "tmpfs", place], check=True)
    os.chdir(unit.get("WorkingDirectory", ["/"])[0])
    user = pwd.getpwnam(unit["User"][0]) if "User" in unit else None
    rights = _rights(unit["CapabilityBoundingSet"])
    identity = [f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"] if user else []
    if ambient := _rights(unit.get("AmbientCapabilities", [])):
        identity += [f"--inh-caps={ambient}", f"--ambient-caps={ambient}"]
    os.environ |= {"HOME": user.pw_dir} if user else {}
    (command,) = unit["ExecStart"]
    words = [word.replace("$$", "$") for word in shlex.split(command)]
    os.execvp(  # noqa: S606
        "setpriv",
        ["setpriv", *identity, f"--bounding-set=-all,{rights}", "--no-new-privs", sys.executable, __file__,
         unit["RestrictAddressFamilies"][0], *words],
    )  # fmt: skip


def _rights(values: list[str]) -> str:
    return ",".join(f"+{name.removeprefix('CAP_').lower()}" for value in values for name in value.split())


def _raise_loopback() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, 0x8914, struct.pack("16sH14x", b"lo", 1 | 64))  # SIOCSIFFLAGS: up, running


def _filter_sockets(families: str) -> None:
    """Refuse sockets of other families from here on, as ``RestrictAddressFamilies`` does."""
    allowed = [int(getattr(socket, name)) for name in families.split()]
    program = [(_LOAD, 0, 0, 0), (_JUMP_EQUAL, 0, len(allowed) + 2, _SOCKET), (_LOAD, 0, 0, 16)]
    program += [(_JUMP_EQUAL, len(allowed) - place, 0, family) for place, family in enumerate(allowed)]
    program += [(_RETURN, 0, 0, _REFUSE), (_RETURN, 0, 0, _ALLOW)]
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *step) for step in program))
    head = struct.pack("HxxxxxxP", len(program), ctypes.addressof(code))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_SECCOMP, _FILTER, head, 0, 0):
        raise OSError(ctypes.get_errno(), "seccomp")
    libc.prctl(_PR_SET_MDWE, 1, 0, 0, 0)  # Linux 6.3 and later; before, nothing


if __name__ == "__main__":
    if sys.argv[1].startswith("{"):
        _enter(json.loads(sys.argv[1]))
    _filter_sockets(sys.argv[1])
    os.execv(sys.argv[2], sys.argv[2:])  # noqa: S606
