"""What the rows measure with: a line of the table, streams, echoes, and a transfer beside which something else is measured."""

import contextlib
import dataclasses
import os
import select
import statistics
import subprocess
import time

from setting import clean_environment, master_of


@dataclasses.dataclass
class Measure:
    """One line of the table. `target` is an upper bound unless `at_least`; without one there is no verdict."""

    row: str
    name: str
    value: float | None  # None: it can't be measured here
    unit: str
    target: float | None = None
    compared: str = ""
    at_least: bool = False

    @property
    def verdict(self):
        if self.target is None or self.value is None:
            return ""
        good = self.value >= self.target if self.at_least else self.value <= self.target
        return "reached" if good else "MISSED"


def stream(client, direction, size):
    """Seconds that `size` bytes take in one direction; the login isn't counted."""
    command = f"echo go; head -c {size} /dev/zero" if direction == "down" else "echo go; cat >/dev/null; echo done"
    process = client.popen(command, stdin=subprocess.PIPE)
    try:
        if os.read(process.stdout.fileno(), 3) != b"go\n":
            raise RuntimeError(process.communicate()[1].decode(errors="replace"))
        begun = time.perf_counter()
        if direction == "down":
            left = size
            while left > 0:
                block = os.read(process.stdout.fileno(), 1 << 20)
                if not block:
                    raise RuntimeError("the stream ended early")
                left -= len(block)
        else:
            zeros, left = bytes(1 << 17), size
            while left > 0:
                left -= os.write(process.stdin.fileno(), zeros[:min(left, len(zeros))])
            process.stdin.close()
            process.stdin = None
            os.read(process.stdout.fileno(), 5)
        taken = time.perf_counter() - begun
        # Left to end by itself: a program whose sshd is cut off isn't waited for, and its CPU would be lost.
        process.wait(30)
        return taken
    finally:
        process.kill()
        process.communicate()


def echo_times(client, count, seconds=60.0, warm_up=20):
    """Seconds of each of `count` echoes of one byte; fewer when `seconds` are over, but at least ten."""
    process = client.popen("cat")
    try:
        for _ in range(warm_up):
            echo_once(process)
        taken, end = [], time.monotonic() + seconds
        while len(taken) < count and (len(taken) < 10 or time.monotonic() < end):
            taken.append(echo_once(process))
        return taken
    finally:
        process.kill()
        process.communicate()


def echo_once(process):
    """Seconds until a byte comes back from the `cat` at the other end."""
    begun = time.perf_counter_ns()
    process.stdin.write(b"x")
    if not select.select([process.stdout], [], [], 30)[0] or os.read(process.stdout.fileno(), 1) != b"x":
        raise RuntimeError("no echo")
    return (time.perf_counter_ns() - begun) / 1e9


@contextlib.contextmanager
def mastered(client, path):
    """A client whose sessions share one connection, by OpenSSH's own ControlMaster."""
    master, passenger = master_of(client, path)
    try:
        yield passenger
    finally:
        master.kill()
        master.communicate()


def percentiles(times):
    """The median and the 99th percentile."""
    ordered = sorted(times)
    return statistics.median(ordered), ordered[int(len(ordered) * 0.99)]


class Bulk:
    """A transfer that runs while something else is measured; it has passed its beginning when the context is entered."""

    def __init__(self, client, direction, settle=0.0):
        """`settle` seconds are left to the transfer to fill whatever it can on the way."""
        down = direction == "down"
        command = "cat /dev/zero" if down else "echo go; cat >/dev/null"
        with open("/dev/zero", "rb") as zeros:
            self._process = subprocess.Popen(client.argv(command), stdin=subprocess.DEVNULL if down else zeros,
                                             stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=clean_environment(),
                                             start_new_session=True)
        try:
            for _ in range(64 if down else 1):
                if not os.read(self._process.stdout.fileno(), 1 << 16):
                    raise RuntimeError("the transfer ended early")
        except BaseException:
            self._process.kill()
            self._process.communicate()
            raise
        self._reader = subprocess.Popen(["cat"], stdin=self._process.stdout, stdout=subprocess.DEVNULL)
        self._process.stdout.close()
        time.sleep(settle)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in (self._process, self._reader):
            process.kill()
            process.wait()


def zeros(client, size):
    """A file of so many zeros, without a block on the disk."""
    path = client.workspace / f"zeros-{size}"
    with open(path, "ab") as file:
        file.truncate(size)
    return path
