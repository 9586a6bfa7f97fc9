"""One client on one way: how its programs are run, and what a scenario may ask of them."""

import contextlib
import hashlib
import os
import pty
import signal
import subprocess
import time

from harness.case import read_until
from harness.servers import Server, echo
from harness.workspace import clean_environment, sha256


class Failed(AssertionError):
    """A scenario that went wrong; says how."""


class TooLong(Failed):
    """A program that wasn't over in time."""


class Done:
    """How a program ended: status, stdout, stderr, and the seconds that it took, or its transfer if it says so."""

    def __init__(self, status, stdout, stderr, seconds):
        self.status, self.stdout, self.stderr, self.seconds = status, stdout, stderr, seconds


def end(process):
    """Ends a process and its group."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


class Started:
    """A program that is talked to."""

    def __init__(self, process, patience):
        self.process, self._patience = process, patience

    def write(self, data):
        while data:
            data = data[self.process.stdin.write(data):]

    def half_close(self):
        self.process.stdin.close()

    def _until(self, done):
        try:
            return read_until(self.process.stdout, done, self._patience, one_by_one=True)
        except AssertionError as error:
            raise Failed(str(error)) from None

    def expect(self, text):
        """Reads up to the end of that text, which must come."""
        data = self._until(lambda data: data.endswith(text))
        if not data.endswith(text):
            raise Failed(f"{text!r} expected, not the end after {data[-200:]!r}; {self._errors()}")
        return data

    def read(self, length):
        return self._until(lambda data: len(data) >= length)

    def wait(self):
        try:
            return self.process.wait(self._patience)
        except subprocess.TimeoutExpired:
            raise Failed(f"it didn't end within {self._patience:g} s") from None

    def _errors(self):
        os.set_blocking(self.process.stderr.fileno(), False)
        return (self.process.stderr.read() or b"").decode(errors="replace")[-500:]


class Trial:
    """`patience` is the time in seconds that one program may take; `size` the bytes that a transfer moves."""

    def __init__(self, client, way, size, patience):
        self.client, self.way, self.world, self.size, self.patience = client, way, client.world, size, patience
        self.folder = self.world.workspace / f"{client.name}.{way.name}.{way.target}".replace(" ", "-")
        self.folder.mkdir(exist_ok=True)
        self.share = None  # see scenarios.four()

    # ---- programs

    def _environment(self, more):
        return clean_environment(**self.client.environment(), **(more or {}))

    def _popen(self, call, environment=None, **pipes):
        return subprocess.Popen([str(word) for word in call.argv], env=self._environment(environment), cwd=self.client.home,
                                start_new_session=True, **pipes)

    def begin(self, call, **pipes):
        """Starts the program; standard output goes to a pipe or the call's file."""
        with contextlib.ExitStack() as files:
            if call.stdin:
                pipes["stdin"] = files.enter_context(open(call.stdin, "rb"))
            if call.stdout:
                pipes["stdout"] = files.enter_context(open(call.stdout, "wb"))
            return self._popen(call, **{"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **pipes})

    def run(self, call, input=None, status=0, environment=None):
        """Runs a program to its end, which must come in time and with `status` (None: any)."""
        pipes = {"stdin": subprocess.PIPE} if input is not None else {}
        begun = time.monotonic()
        process = self.begin(call, environment=environment, **pipes)
        try:
            stdout, stderr = process.communicate(input, timeout=self.patience)
        except subprocess.TimeoutExpired:
            raise TooLong(f"not over within {self.patience:.0f} s") from None
        finally:
            end(process)
            for pipe in (process.stdin, process.stdout, process.stderr):
                if pipe:
                    pipe.close()
        seconds = time.monotonic() - begun
        if status is not None and process.returncode != status:
            raise Failed(f"status {process.returncode}, not {status}: {' '.join(stderr.decode(errors='replace').split())[-300:]}")
        return Done(process.returncode, stdout or b"", stderr, float(stdout) if call.prints_seconds else seconds)

    @contextlib.contextmanager
    def started(self, call, terminal=False):
        """A program with pipes, or with a terminal as its input, which ends with the block."""
        master, slave = pty.openpty() if terminal else (None, subprocess.PIPE)
        process = self.begin(call, stdin=slave, bufsize=0)
        try:
            yield Started(process, self.patience)
        finally:
            end(process)
            for descriptor in (master, slave) if terminal else ():
                os.close(descriptor)
            for pipe in (process.stdin, process.stdout, process.stderr):
                with contextlib.suppress(OSError, AttributeError):
                    pipe.close()

    # ---- what is moved

    def payload(self, size=None):
        """A file of so many random bytes, and its SHA-256; made once for the world."""
        return self.world.payload(size or self.size)

    def tree(self):
        """A folder with a payload and a hundred small files; the payload's SHA-256."""
        source, digest = self.payload(min(self.size, 8_000_000))
        folder = self.folder / "tree"
        folder.mkdir(exist_ok=True)
        (folder / "payload").write_bytes(source.read_bytes())
        for number in range(100):
            (folder / f"small{number}").write_text(f"content {number}\n")
        return folder, digest

    @contextlib.contextmanager
    def echo_server(self):
        """The port of a server that sends back what comes."""
        server = Server(echo)
        try:
            yield server.port
        finally:
            server.close()

    # ---- what must hold

    @staticmethod
    def fail(text):
        raise Failed(text)

    @staticmethod
    def equal(found, wanted):
        if found != wanted:
            raise Failed(f"{found!r} in place of {wanted!r}"[:400])

    @staticmethod
    def same(path, digest):
        """The file has that SHA-256."""
        if not path.exists():
            raise Failed(f"{path.name} wasn't made")
        if sha256(path) != digest:
            raise Failed(f"{path.name} ({path.stat().st_size} bytes) is another file than the one sent")

    @staticmethod
    def digest(data, digest):
        if hashlib.sha256(data).hexdigest() != digest:
            raise Failed(f"{len(data)} other bytes than those sent")
