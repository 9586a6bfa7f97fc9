"""What the rows stand in: a real daemon with a real sshd behind it, bystanders who must not notice anything, and figures with bars."""

import dataclasses
import json
import os
import re
import select
import socket
import sys
import threading
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "integration")]

from harness.config import bastion_config, local_target, route, ssh_target  # noqa: E402
from harness.openssh import OpenSsh, Sshd  # noqa: E402
from harness.sallyport import Sallyport  # noqa: E402
from harness.workspace import Workspace  # noqa: E402

MIB = 1 << 20
#: What the floods are not to run into: these limits have their own tests.
LIMITS = ('max_startups = "2000:30:4000"\nmax_startups_per_source = 0\nmax_connections_per_user = 5000\nmax_trunks_per_user = 2000\n'
          'max_waiting_channels = 4000\nlogin_grace_time = "10m"\nmax_auth_tries = 1000\n')
USERS = ("alice", "bob", "mallory")
SANITIZER_REPORT = re.compile(r"(Address|Leak|Thread|Memory|UndefinedBehavior)Sanitizer|runtime error:")


@dataclasses.dataclass
class Figure:
    """One line of the table; without a bar it can't be missed."""

    row: str
    name: str
    value: float
    unit: str
    bar: float | None = None
    note: str = ""

    @property
    def missed(self):
        return self.bar is not None and not self.value <= self.bar


class World:
    """A workspace, an sshd as the target `main`, and the daemon; `more` is TOML (targets and routes, in front of the usual), and
    `sections` are sections of the configuration. Everybody may go everywhere."""

    def __init__(self, more="", limits=LIMITS, log="info", target_options="channels_per_trunk = 300\n", auth=None, workspace=None, **sections):
        self.workspace = workspace or Workspace()
        for key in ("upstream", "bastion_host", *USERS):
            self.workspace.key(key)
        # Any number of users with one key: pauses after failures are for each of them.
        for user in USERS:
            self.workspace.write(f"authorized_keys/{user}", self.workspace.public_key(user) + "\n")
        self.sshd = Sshd(self.workspace, ["upstream", *USERS], MaxSessions="1000", LogLevel="INFO").start()
        with open(self.workspace / "upstream_known_hosts", "a", encoding="ascii") as file:
            file.write(self.sshd.known_hosts_line())
        body = more + ssh_target("main", self.sshd, more=target_options) + route("all", "main")
        config = bastion_config(body, limits=limits, log=f'level = "{log}"\n', **({"auth": auth} if auth else {}), **sections)
        self.bastion = Sallyport(self.workspace, config)
        self.bystanders = []
        self.ended = False

    def start(self):
        options = os.environ.get("ASAN_OPTIONS", "detect_leaks=1:detect_stack_use_after_return=1:strict_string_checks=1")
        try:
            self.bastion.start(ASAN_OPTIONS=options + ":quarantine_size_mb=16", UBSAN_OPTIONS="print_stacktrace=1",
                               TSAN_OPTIONS=os.environ.get("TSAN_OPTIONS", "halt_on_error=1:second_deadlock_stack=1")
                               + f":print_suppressions=0:suppressions={HERE.parent / 'tsan_suppressions.txt'}")
        except BaseException:
            self.bastion.abandon()
            self.sshd.stop()
            self.workspace.close()
            raise
        return self

    @property
    def port(self):
        return self.bastion.port

    def client(self, user="bob", **options):
        return OpenSsh(self.workspace, self.port, user, user.split("+")[0], "bastion_host", **options)

    def alive(self):
        return self.bastion.process is not None and self.bastion.process.running()

    def stand_by(self, *users, **options):
        """Sessions of these users that go on echoing until the world ends."""
        self.bystanders += [Bystander(user, self.client(user, **options)) for user in users]
        return self

    def findings(self):
        """What is wrong by now, without ending anything."""
        wrong = [fault for bystander in self.bystanders for fault in bystander.faults]
        if not self.alive():
            wrong.append(f"the daemon has ended with status {self.bastion.process.wait()}; its log ends with:\n" + "\n".join(self.tail()))
        return wrong

    def tail(self, count=25):
        lines = self.bastion.process.lines()
        for number, line in enumerate(lines):
            if SANITIZER_REPORT.search(line):
                return lines[max(0, number - 2):number + 60]
        return lines[-count:]

    def end(self):
        """Ends everything and returns what was wrong."""
        wrong = []
        try:
            for bystander in self.bystanders:
                wrong += bystander.end()
            if self.alive():
                wrong += self.bastion.stop()
            elif self.bastion.process is not None:
                wrong.append(f"the daemon had ended with status {self.bastion.process.wait()}; its log ends with:\n" + "\n".join(self.tail()))
        finally:
            self.bastion.abandon()
            self.sshd.stop()
            self.workspace.close()
        return wrong


class Bystander:
    """Somebody else's session: a `cat` that must give back every line, in a thread of its own."""

    def __init__(self, name, client, pause=0.02, patience=60.0, first=False):
        self.name, self.faults, self.times = name, [], []
        self._pause, self._patience, self._stop = pause, patience, threading.Event()
        self._process = client.popen("cat")
        if first:
            put_first(self._process.pid)
        self._echo(0)  # it is there before the attack begins
        self.times.clear()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _echo(self, number):
        line = b"%s says %d\n" % (self.name.encode(), number)
        begun, got = time.perf_counter(), b""
        self._process.stdin.write(line)
        while not got.endswith(b"\n"):
            if not select.select([self._process.stdout], [], [], self._patience)[0]:
                raise RuntimeError(f"no echo within {self._patience:g} s")
            block = os.read(self._process.stdout.fileno(), 4096)
            if not block:
                raise RuntimeError("the session has ended: " + self._process.stderr.read().decode(errors="replace")[-500:])
            got += block
        if got != line:
            raise RuntimeError(f"{line!r} came back as {got!r}")
        self.times.append(time.perf_counter() - begun)

    def _run(self):
        number = 0
        while not self._stop.wait(self._pause):
            number += 1
            try:
                self._echo(number)
            except (OSError, RuntimeError) as error:
                self.faults.append(f"bystander {self.name}, after {number} echoes: {error}")
                return

    def end(self):
        self._stop.set()
        self._thread.join(self._patience + 5)
        self._process.kill()
        self._process.communicate()
        return self.faults

    def summary(self):
        if not self.times:
            return f"{self.name}: no echo"
        ordered = sorted(self.times)
        return f"{self.name}: {len(ordered)} echoes, p50 {ordered[len(ordered) // 2] * 1e3:.1f} ms, longest {ordered[-1] * 1e3:.0f} ms"


def private_bytes(pid):
    """The private memory of a process, what is swapped out included. Who isn't root may not look at a process that is not to be
    dumped: what is resident and belongs to no file comes near it."""
    try:
        with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as file:
            return sum(int(line.split()[1]) * 1024 for line in file if line.startswith(("Private_Clean:", "Private_Dirty:", "Swap:")))
    except PermissionError:
        with open(f"/proc/{pid}/statm", encoding="ascii") as file:
            _, resident, shared = map(int, file.read().split()[:3])
        return (resident - shared) * os.sysconf("SC_PAGE_SIZE")


def settled(world, enough):
    """The private memory when it is back to that much, or 10 s later."""
    end = time.monotonic() + 10
    while world.alive():
        private = private_bytes(world.bastion.pid)
        if private <= enough or time.monotonic() > end:
            return private
        time.sleep(0.2)
    return 0


def control(world, **question):
    """One question to the control socket, without a program: the answer, None when there is none."""
    with socket.socket(socket.AF_UNIX) as peer:
        peer.settimeout(60)
        try:
            peer.connect(str(world.bastion.socket))
            peer.sendall(json.dumps(question).encode() + b"\n")
            with peer.makefile("rb") as answer:
                return json.loads(answer.readline())
        except (OSError, ValueError):
            return None


def put_first(pid, nice=-10):
    """Puts a process and its session before whatever else this machine has to do, where that is allowed: time is what is measured.
    Linux weighs sessions against each other (sched(7), autogroup), and processes only within them."""
    try:
        os.setpriority(os.PRIO_PROCESS, pid, nice)
        with open(f"/proc/{pid}/autogroup", "w", encoding="ascii") as file:
            file.write(str(nice))
    except OSError:
        pass


def put_second():
    """The process that calls this is to attack: it has what the measured ones leave of the CPUs, as if it had others (sched(7),
    SCHED_IDLE). On a machine that is busy with other things that may be little: look at how often it attacks."""
    os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))


def has_sanitizer(path):
    """Whether a program was built with one: memory and time mean little there."""
    with open(path, "rb") as file:
        content = file.read()
    return b"__asan_init" in content or b"__tsan_init" in content


__all__ = ["Bystander", "Figure", "LIMITS", "MIB", "World", "bastion_config", "control", "has_sanitizer", "local_target", "private_bytes",
           "put_first", "put_second", "route", "settled", "ssh_target", "OpenSsh", "Sallyport", "Sshd", "Workspace"]
