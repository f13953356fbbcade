"""Runs one command as a container would: `python leash.py FD open|isolated COMMAND…`.

FD is a pipe's reading end. SIGTERM is passed on to the command alone, as docker's init does. When
the command ends, or when nobody holds the pipe's other end any more (the supervisor is gone),
everything below it is killed. It imports nothing of byoa, and starts in 20 ms.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import select
import signal
import socket
import struct
import sys
import time

PASSED = (signal.SIGTERM, signal.SIGINT)
SUBREAPER = 36  # prctl: whoever loses its parent below us becomes our child
NEW_USER, NEW_NET = 0x10000000, 0x40000000  # unshare
SET_FLAGS, UP_AND_RUNNING = 0x8914, 0x41  # ioctl of a network interface


def below(pid: int) -> list[int]:
    """The processes below one, the nearest first."""
    try:
        with open(f"/proc/{pid}/task/{pid}/children") as file:
            found = [int(word) for word in file.read().split()]
    except OSError:
        return []
    return [*found, *(other for child in found for other in below(child))]


def kill_all(child: int) -> None:
    """SIGKILL to all below us until none is left; where there is no /proc, to the child's group."""
    for _ in range(200):
        for pid in {child, *below(os.getpid())}:
            for send in (os.killpg, os.kill):
                try:
                    send(pid, signal.SIGKILL)
                except OSError:
                    continue
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            return
        time.sleep(0.01)


def run(pipe: int, isolated: bool, command: list[str]) -> int:
    try:
        ctypes.CDLL(None).prctl(SUBREAPER, 1, 0, 0, 0)
    except (OSError, AttributeError):
        pass  # not Linux
    wake, woken = os.pipe()
    os.set_blocking(woken, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(woken)
    # One that comes before we can pass it on waits: it must not end us and leave the command.
    signal.pthread_sigmask(signal.SIG_BLOCK, PASSED)
    child = os.fork()
    if child == 0:
        become(command, pipe, isolated)
    for number in PASSED:
        signal.signal(number, lambda given, _frame: forward(child, given))
    signal.pthread_sigmask(signal.SIG_UNBLOCK, PASSED)
    code = None
    while code is None:
        ready = select.select([pipe, wake], [], [])[0]
        if pipe in ready:
            break
        os.read(wake, 4096)
        code = reap(child)
    kill_all(child)
    return 137 if code is None else code


def become(command: list[str], pipe: int, isolated: bool) -> None:
    os.setsid()
    os.close(pipe)
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGCHLD, signal.SIGINT, signal.SIGPIPE):
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, PASSED)
    if isolated:
        leave_network()
    try:
        os.execvp(command[0], command)
    except OSError as error:
        print(f"exec {command[0]} failed: {error.strerror}", file=sys.stderr, flush=True)
        os._exit(126 if isinstance(error, PermissionError) else 127)


def leave_network() -> None:
    """A network with nothing in it but loopback; Linux lets even a plain user have one."""
    user, group = os.getuid(), os.getgid()
    try:
        unshare = ctypes.CDLL(None, use_errno=True).unshare
        if unshare(NEW_NET if user == 0 else NEW_NET | NEW_USER):
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))
        if user:
            for name, text in (("setgroups", "deny"), ("uid_map", user), ("gid_map", group)):
                with open(f"/proc/self/{name}", "w") as file:
                    file.write(text if isinstance(text, str) else f"{text} {text} 1")
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
            wanted = struct.pack("16sH14x", b"lo", UP_AND_RUNNING)
            fcntl.ioctl(any_socket, SET_FLAGS, wanted)
    except (OSError, AttributeError) as error:
        print(
            f"isolation: this machine keeps the network ({error}); --on docker does not", flush=True
        )


def forward(child: int, number: int) -> None:
    try:
        os.kill(child, number)
    except OSError:
        pass


def reap(child: int) -> int | None:
    """The child's exit code once it has ended; orphans of others are buried on the way."""
    code = None
    try:
        while True:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return code
            if pid == child:
                ended = os.waitstatus_to_exitcode(status)
                code = ended if ended >= 0 else 128 - ended
    except ChildProcessError:
        return code


if __name__ == "__main__":
    sys.exit(run(int(sys.argv[1]), sys.argv[2] == "isolated", sys.argv[3:]))
