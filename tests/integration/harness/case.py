"""The base of the test classes, and the runner of a test module."""

import os
import select
import signal
import subprocess
import sys
import time
import unittest

from .config import bastion_config, route, ssh_target
from .openssh import OpenSsh, Sshd
from .process import PATIENCE, eventually
from .sallyport import Sallyport
from .workspace import Workspace, find_program

#: Set to 1 to run the tests that allow it against plain sshd: what fails then is the test, not the bastion.
DIRECT = os.environ.get("SALLYPORT_TEST_DIRECT") == "1"

needs_bastion = unittest.skipIf(DIRECT, "tests the bastion itself")


def needs_program(name):
    """Skips a test whose client isn't installed."""
    return unittest.skipUnless(find_program(name), f"{name} is not installed")


class Case(unittest.TestCase):
    """A workspace for the class, and processes that end with the test."""

    @classmethod
    def setUpClass(cls):
        cls.workspace = Workspace()
        cls.addClassCleanup(cls.workspace.close)

    def spawn(self, process):
        """Takes over a subprocess.Popen: it is ended, waited for and its pipes closed when the test is over."""
        self.addCleanup(end_process, process)
        return process

    def describe(self):
        """What to print when a test fails."""
        return ""


def end_process(process):
    """Ends a subprocess.Popen that runs in a session of its own, with its group."""
    if process.poll() is None:
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            process.kill()
    try:
        process.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        pass
    for pipe in (process.stdin, process.stdout, process.stderr):
        if pipe:
            try:
                pipe.close()
            except OSError:
                pass


class BastionCase(Case):
    """A private sshd with a bastion in front. Users alice and bob may enter the bastion, the bastion may enter sshd.

    Classes change `sshd_options`, `target_options` (TOML within [target.main]) and `sections` (of the configuration), or
    override configuration().
    """

    users = ("alice", "bob")
    sshd_options = {}
    target_options = ""
    sections = {}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        for key in ("upstream", "bastion_host", *cls.users):
            cls.workspace.key(key)
        for user in cls.users:
            cls.workspace.write(f"authorized_keys/{user}", cls.workspace.public_key(user) + "\n")
        authorized = ["upstream", *cls.users] if DIRECT else ["upstream"]
        cls.sshd = Sshd(cls.workspace, authorized, **cls.sshd_options)
        cls.addClassCleanup(cls.sshd.stop)
        cls.sshd.start()
        cls.workspace.write("upstream_known_hosts", cls.sshd.known_hosts_line())
        cls.bastion = None
        if not DIRECT:
            cls.bastion = Sallyport(cls.workspace, cls.configuration())
            cls.addClassCleanup(cls.bastion.abandon)
            cls.bastion.start()

    @classmethod
    def configuration(cls):
        """The bastion's TOML: everybody goes to the private sshd."""
        return bastion_config(ssh_target("main", cls.sshd, more=cls.target_options) + route("everybody", "main"),
                              **cls.sections)

    @classmethod
    def tearDownClass(cls):
        if cls.bastion is not None:
            wrong = cls.bastion.stop()
            if wrong:
                raise AssertionError("\n".join(wrong))

    @classmethod
    def client(cls, user="alice", **options):
        """The stock client as `user` of the bastion (or straight to sshd when DIRECT)."""
        if DIRECT:
            return OpenSsh(cls.workspace, cls.sshd.port, key=user.split("+")[0], **options)
        return OpenSsh(cls.workspace, cls.bastion.port, user=user, key=options.pop("key", user.split("+")[0]),
                       host_key="bastion_host", **options)

    @property
    def server_pid(self):
        return self.sshd.pid if DIRECT else self.bastion.pid

    def trunks(self, **fields):
        """The trunks with those values."""
        return [row for row in self.bastion.rows("trunks") if all(row.get(key) == value for key, value in fields.items())]

    def echo_session(self, client=None):
        """A running `cat` on the other side that echoes lines: (process, echo), where echo(b"text") must come back."""
        process = self.spawn((client or self.client()).popen("cat"))

        def echo(text=b"ping"):
            process.stdin.write(text + b"\n")
            self.assertEqual(read_line(process), text + b"\n")
        echo()
        return process, echo

    def wait_until(self, condition, timeout=PATIENCE, what="the condition"):
        return eventually(condition, timeout, what)

    def describe(self):
        tail = ""
        if self.bastion is not None and self.bastion.process is not None:
            tail += "---- the bastion's log ends with\n" + "\n".join(self.bastion.process.lines()[-60:])
        if os.environ.get("SALLYPORT_TEST_VERBOSE"):
            tail += "\n---- sshd's log ends with\n" + "\n".join(self.sshd.log().splitlines()[-40:])
        return tail


def read_line(process, timeout=PATIENCE):
    """One line of a process's unbuffered standard output, with a deadline; what came before EOF otherwise."""
    return read_until(process.stdout, lambda data: data.endswith(b"\n"), timeout, one_by_one=True)


def read_until(stream, done, timeout=PATIENCE, one_by_one=False):
    """Reads an unbuffered pipe until done(data) is true or it ends; fails at the deadline."""
    deadline = time.monotonic() + timeout
    data = b""
    while not done(data):
        left = deadline - time.monotonic()
        if left <= 0 or not select.select([stream], [], [], left)[0]:
            raise AssertionError(f"nothing more within {timeout:g} s after {data[-200:]!r}")
        block = os.read(stream.fileno(), 1 if one_by_one else 65536)
        if not block:
            break
        data += block
    return data


class _Result(unittest.TextTestResult):
    def _describe(self, test):
        text = getattr(test, "describe", str)()
        if text:
            self.stream.writeln(f"\n==== {test}\n{text}")

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self._describe(test)

    def addError(self, test, err):
        super().addError(test, err)
        if isinstance(test, Case):
            self._describe(test)


class _Runner(unittest.TextTestRunner):
    resultclass = _Result


def main():
    """Runs the module it is called from: exit status 0, 1 or (all skipped) 77."""
    for name in ("ssh", "sshd", "ssh-keygen"):
        if not find_program(name):
            print(f"skipped: {name} is not installed")
            sys.exit(77)
    ran = unittest.main(verbosity=2, exit=False, argv=sys.argv, testRunner=_Runner)
    result = ran.result
    if not result.wasSuccessful():
        sys.exit(1)
    sys.exit(77 if result.testsRun and len(result.skipped) >= result.testsRun else 0)
