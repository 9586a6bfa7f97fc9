"""sallyportd and sallyportctl."""

import json
import mmap
import os
import re
import signal
import socket
import subprocess

from .process import PATIENCE, LoggedProcess, descendants, eventually, start_time, zombies
from .workspace import clean_environment

_SANITIZER_REPORT = re.compile(r"(Address|Leak|Thread|Memory|UndefinedBehavior)Sanitizer|runtime error:")


def program(variable, name):
    """The path of one of our programs, which ctest hands over in the environment."""
    path = os.environ.get(variable)
    if not path or not os.access(path, os.X_OK):
        raise RuntimeError(f"set {variable} to the path of {name} (ctest does)")
    return path


def has_address_sanitizer():
    """Whether the daemon was built with it. It turns mlock(2) into nothing, and core files off."""
    with open(program("SALLYPORT_DAEMON", "sallyportd"), "rb") as file:
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as text:
            return text.find(b"__asan_init") >= 0


class Result:
    """How one of our commands ended."""

    def __init__(self, process):
        self.status, self.stdout, self.stderr = process.returncode, process.stdout, process.stderr


def run_daemon(*args, timeout=PATIENCE, **environment):
    """Runs sallyportd with flags that make it exit by itself (-t, -T, -C, -V)."""
    return Result(subprocess.run([program("SALLYPORT_DAEMON", "sallyportd"), *map(str, args)], capture_output=True,
                                 text=True, timeout=timeout, env=clean_environment(**environment), check=False))


class Sallyport:
    """A running sallyportd. `config` is its configuration, whose first listen address is port 0 of an IPv4 address; `within`
    is a command that runs it in another network namespace, `daemon` the path of another sallyportd than the one that is tested."""

    def __init__(self, workspace, config, name="bastion", within=(), daemon=None):
        self.workspace, self.name, self._within, self._daemon = workspace, name, within, daemon
        self.socket = workspace / f"{name}.sock"
        self.audit_file = workspace / f"{name}.audit.jsonl"
        self.config_file = workspace / f"{name}.toml"
        self.write_config(config)
        self.port = None
        self._process = None
        self._settled = 0

    def write_config(self, config):
        """Replaces the configuration file; a running daemon needs SIGHUP to see it."""
        self.workspace.write(self.config_file.name, config)

    @property
    def pid(self):
        return self._process.pid

    @property
    def process(self):
        """The LoggedProcess."""
        return self._process

    def start(self, timeout=PATIENCE, **environment):
        argv = [*self._within, self._daemon or program("SALLYPORT_DAEMON", "sallyportd"), "-f", str(self.config_file)]
        self._process = LoggedProcess(argv, clean_environment(**environment))
        self.port = int(self._process.wait_for(r"listening address=\d+\.\d+\.\d+\.\d+:(\d+)", timeout).group(1))
        return self

    def _settle(self):
        """Waits until all is written that the daemon has logged, which it does on a thread of its own, in its own time: asks for
        something that is logged as well, from the level info on, and waits for that."""
        if self._process is None or not self._process.running():
            return
        self._settled += 1
        name = f"no-target-{os.getpid()}-{self._settled}"
        with socket.socket(socket.AF_UNIX) as peer:
            peer.settimeout(PATIENCE)
            try:
                peer.connect(str(self.socket))
                peer.sendall(json.dumps({"verb": "scan", "target": name}).encode() + b"\n")
                answer = peer.recv(1)
            except (FileNotFoundError, ConnectionError):
                answer = b""
        if answer:  # else it is ending
            self._process.wait_for(f"scan of host keys .*target={name} ")

    def lines(self, since=0):
        """The lines of the log, with all that the daemon has logged until now."""
        self._settle()
        return self._process.lines(since) if self._process else []

    def log(self, since=0):
        """The same in one text."""
        return "\n".join(self.lines(since))

    def mark(self):
        """A place in the log, for log() and wait_for(): behind all that the daemon has logged until now."""
        self._settle()
        return self._process.mark()

    def wait_for(self, pattern, timeout=PATIENCE, since=0):
        return self._process.wait_for(pattern, timeout, since)

    def reload(self):
        """Sends SIGHUP and waits until the daemon has said what it made of the new configuration."""
        mark = self.mark()
        self._process.signal(signal.SIGHUP)
        return self.wait_for(r"(?i)reload|configuration", since=mark)

    def abandon(self):
        """Ends it at once and checks nothing."""
        if self._process is not None:
            self._process.kill()
            self._process = None

    def stop(self, timeout=PATIENCE):
        """Ends it with SIGTERM (a second one when sessions stay open) and returns what was wrong, a list of texts."""
        if self._process is None:
            return []
        wrong = []
        if not self._process.running():
            wrong.append(f"{self.name} had ended by itself with status {self._process.wait()}")
        else:
            wrong += self._terminate(timeout)
        report = _SANITIZER_REPORT.search(self._process.log())
        if report:
            wrong.append(f"{self.name}: a sanitizer's report in the log:\n{self._process.log()[report.start():][:6000]}")
        self._process = None
        return wrong

    def _terminate(self, timeout):
        wrong = []
        left_zombies = zombies(self.pid)
        if left_zombies:
            try:
                eventually(lambda: not zombies(self.pid))
            except AssertionError:
                wrong.append(f"{self.name} left zombies: {left_zombies}")
        below = [(pid, began) for pid in descendants(self.pid) if (began := start_time(pid)) is not None]
        self._process.signal(signal.SIGTERM)
        try:
            eventually(lambda: not self._process.running(), 3)  # targets that don't close have two
        except AssertionError:
            # It waits for sessions, or for what is left of them at a target. To one that is on its way out already (a sanitizer
            # takes its time over that) the second would be a plain signal, but that one answers nobody any more.
            if self.control("status").status == 0:
                self._process.signal(signal.SIGTERM)
        try:
            status = self._process.wait(timeout)
            if status != 0:
                wrong.append(f"{self.name} exited with {status} on SIGTERM; its log ends with:\n"
                             + "\n".join(self._process.lines()[-40:]))
        except AssertionError as error:
            wrong.append(str(error))
            self._process.kill()
        try:
            eventually(lambda: all(start_time(pid) != began for pid, began in below))
        except AssertionError:
            wrong.append(f"{self.name} left children behind: {below}")
        return wrong

    def control(self, *verb):
        """Runs sallyportctl."""
        argv = [program("SALLYPORT_CONTROL", "sallyportctl"), "-s", str(self.socket), "--timeout", str(int(PATIENCE)), *map(str, verb)]
        return Result(subprocess.run(argv, capture_output=True, text=True, timeout=2 * PATIENCE, env=clean_environment(),
                                     check=False))

    def query(self, *verb):
        """The JSON value that `sallyportctl --json` prints; the command must succeed."""
        result = self.control("--json", *verb)
        if result.status != 0:
            raise AssertionError(f"sallyportctl {verb} exited with {result.status}: {result.stderr}")
        return json.loads(result.stdout)

    def rows(self, verb):
        """The rows of connections, channels or trunks."""
        value = self.query(verb)
        return value if isinstance(value, list) else value[verb]

    def audit(self):
        """The audit events so far, oldest first."""
        if not self.audit_file.exists():
            return []
        *whole, _ = self.audit_file.read_text().split("\n")  # what is behind the last end of a line is being written
        return [json.loads(line) for line in whole]

    def wait_for_audit(self, event, timeout=PATIENCE, **fields):
        """The first audit event of that kind with those values."""
        def found():
            return next((row for row in self.audit() if row.get("event") == event
                         and all(row.get(key) == value for key, value in fields.items())), None)
        return eventually(found, timeout, f"an audit event {event} with {fields}")
