"""A process whose log is read as it comes, and what /proc tells about a process and its descendants."""

import functools
import os
import re
import select
import signal
import socket
import subprocess
import threading
import time
import unittest


#: How many seconds are waited for what must happen. It costs nothing where it happens at once, and a machine that builds for
#: others, with sanitizers and half a dozen tests side by side, may take twenty times as long as a desk.
PATIENCE = 100.0


class Timeout(AssertionError):
    """Something that had to happen didn't, before its deadline."""


def needs_sight(look):
    """For what looks into a daemon, which it lets nobody but root do."""
    @functools.wraps(look)
    def looked(pid, *args):
        try:
            return look(pid, *args)
        except PermissionError:
            raise unittest.SkipTest("only root sees into the daemon") from None
    return looked


@needs_sight
def memory_holds(pid, text):
    """Whether `text` stands anywhere in the memory of a process (which must be ours, or we root). Mappings of more than
    256 MiB are left out: only sanitizers have them."""
    needle = text.encode()
    with open(f"/proc/{pid}/maps", encoding="ascii", errors="replace") as lines, open(f"/proc/{pid}/mem", "rb", 0) as memory:
        for line in lines:
            span, permissions = line.split()[:2]
            begin, end = (int(bound, 16) for bound in span.split("-"))
            if "r" not in permissions or end - begin > 1 << 28:
                continue
            try:
                memory.seek(begin)
                block = memory.read(end - begin)
            except (OSError, ValueError, OverflowError):  # the kernel's own pages
                continue
            if needle in block:
                return True
    return False


def eventually(condition, timeout=PATIENCE, what="the condition", every=0.02):
    """Polls `condition` until it returns something true, and returns that; fails with `what` after `timeout` seconds."""
    deadline = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() >= deadline:
            raise Timeout(f"{what}: not within {timeout:g} s")
        time.sleep(every)


def accepts(path):
    """Whether somebody listens on the Unix socket of that path. Its file is there a moment earlier."""
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(str(path))
        except (FileNotFoundError, ConnectionRefusedError):
            return False
        return True


def start_time(pid):
    """The kernel's start time of `pid`, which tells a process from a later one with its number; None when it is gone."""
    stat = process_stat(pid)
    return stat[19] if stat else None


def process_stat(pid):
    """The fields of /proc/PID/stat from the state on, or None when the process is gone."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
            return file.read().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None


def children(pid):
    """The process ids of the direct children of `pid`, zombies included."""
    found = []
    for name in os.listdir("/proc"):
        if name.isdigit():
            stat = process_stat(name)
            if stat and int(stat[1]) == pid:
                found.append(int(name))
    return found


def descendants(pid):
    """Every process below `pid`, parents before their children."""
    parents = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            stat = process_stat(name)
            if stat:
                parents.setdefault(int(stat[1]), []).append(int(name))
    found, queue = [], [pid]
    while queue:
        below = parents.get(queue.pop(), [])
        found += below
        queue += below
    return found


def zombies(pid):
    """The children of `pid` that have ended and were not waited for."""
    return [child for child in children(pid) if (process_stat(child) or "-")[0] == "Z"]


def cpu_seconds(pid):
    """CPU time of all threads of `pid`, ended ones included, in seconds with nanosecond resolution (Linux's clock of a process)."""
    return time.clock_gettime_ns((~pid << 3) | 2) / 1e9


@needs_sight
def pss_bytes(pid):
    """The proportional set size of `pid`."""
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as file:
        for line in file:
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    raise ValueError("no Pss in smaps_rollup")


@needs_sight
def open_descriptors(pid):
    """The descriptors of `pid` as a map from number to what it is."""
    found = {}
    for name in os.listdir(f"/proc/{pid}/fd"):
        try:
            found[int(name)] = os.readlink(f"/proc/{pid}/fd/{name}")
        except FileNotFoundError:
            pass
    return found


class LoggedProcess:
    """A daemon started in the foreground whose standard error is collected line by line."""

    def __init__(self, argv, env, cwd=None):
        self._process = subprocess.Popen(
            argv, env=env, cwd=cwd, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
            start_new_session=True)
        self._pipe = self._process.stderr.fileno()
        os.set_blocking(self._pipe, False)
        self._lines, self._rest = [], b""  # whole lines, and the beginning of the next one
        self._ended = False
        self._changed = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def pid(self):
        return self._process.pid

    def _read(self):
        waiting = select.poll()  # select() takes no descriptor above 1023
        waiting.register(self._pipe, select.POLLIN)
        while not self._ended:
            waiting.poll()  # until there is something, or the end
            with self._changed:
                self._catch_up()

    def _catch_up(self):
        """Takes all that stands in the pipe, on whichever thread wants to know. With the lock, so that nothing is between the
        pipe and the lines while somebody looks at them."""
        while not self._ended:
            try:
                block = os.read(self._pipe, 1 << 16)
            except BlockingIOError:
                return
            self._ended = not block
            *whole, self._rest = (self._rest + (block or b"\n" * bool(self._rest))).split(b"\n")
            self._lines += [line.decode("utf-8", "replace").rstrip("\r") for line in whole]
            self._changed.notify_all()

    def mark(self):
        """A place in the log, for wait_for(since=...): behind everything that the process has written."""
        with self._changed:
            self._catch_up()
            return len(self._lines)

    def lines(self, since=0):
        """All that the process has written, from the mark on."""
        with self._changed:
            self._catch_up()
            return self._lines[since:]

    def log(self, since=0):
        return "\n".join(self.lines(since))

    def wait_for(self, pattern, timeout=PATIENCE, since=0):
        """The first match of `pattern` in a log line from `since` on; fails at the deadline or when the process ends."""
        wanted = re.compile(pattern)
        deadline = time.monotonic() + timeout
        with self._changed:
            seen = since
            while True:
                while seen < len(self._lines):
                    match = wanted.search(self._lines[seen])
                    seen += 1
                    if match:
                        return match
                left = deadline - time.monotonic()
                if self._ended or left <= 0:
                    why = "the process ended" if self._ended else f"not within {timeout:g} s"
                    tail = "\n".join(self._lines[-30:])
                    raise Timeout(f"no log line like {pattern!r}: {why}; the log ends with:\n{tail}")
                self._changed.wait(left)

    def running(self):
        return self._process.poll() is None

    def signal(self, number):
        self._process.send_signal(number)

    def wait(self, timeout=PATIENCE):
        """The exit status; negative is a signal's number."""
        try:
            status = self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            raise Timeout(f"process {self.pid} didn't end within {timeout:g} s; its log ends with:\n"
                          + "\n".join(self.lines()[-30:])) from None
        self._close()
        return status

    def kill(self):
        """Ends the process and everything below it at once."""
        for pid in [*descendants(self.pid), self.pid]:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self._process.wait()
        self._close()

    def _close(self):
        # The log ends with the last holder of standard error, which may be a child that outlived its parent.
        self._reader.join(2)
        if not self._reader.is_alive():
            self._process.stderr.close()
