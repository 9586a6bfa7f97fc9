"""Targets of several makes, each a server on a loopback port that lets in whoever has a key of one authorized_keys file."""

import os
import subprocess
import sys
from pathlib import Path

from harness.golang import build_go, missing_go
from harness.openssh import Sshd
from harness.ports import free_port
from harness.process import PATIENCE, LoggedProcess, Timeout
from harness.workspace import clean_environment, find_program, login_name

HERE = Path(__file__).resolve().parent
BUILD = HERE.parents[2] / "build"


class OpenSsh:
    """sshd."""

    missing = staticmethod(lambda: "" if find_program("sshd") else "sshd is not installed")

    def __init__(self, workspace, authorized, name, host_key="target_host", **options):
        """`authorized` is the path of an authorized_keys file; `options` are settings of sshd_config(5)."""
        self.user, self.host_key = login_name(), host_key
        home = workspace / f"{name}-home"  # whose shells read no settings of the machine's
        home.mkdir()
        options = {"AuthorizedKeysFile": authorized, "LogLevel": "INFO", "MaxSessions": 200, "SetEnv": f"SHLVL=2 HOME={home}", **options}
        self._sshd = Sshd(workspace, [], name, host_key, **options)

    @property
    def port(self):
        return self._sshd.port

    def start(self):
        self._sshd.start()

    def stop(self):
        self._sshd.stop()

    def log(self):
        return self._sshd.log()


class _Server:
    """A program that listens on a port and says so in a line of its standard error."""

    says = r"listening on (\d+)"

    def __init__(self, workspace, authorized, name):
        self.workspace, self.authorized, self.name = workspace, authorized, name
        self.user, self.host_key = login_name(), "target_host"
        self.port, self._process = None, None

    def argv(self):
        raise NotImplementedError

    def start(self):
        self._process = LoggedProcess([str(word) for word in self.argv()], clean_environment(SHLVL="2", PYTHONWARNINGS="ignore"))
        self.port = int(self._process.wait_for(self.says).group(1))

    def stop(self):
        if self._process is not None:
            self._process.kill()
            self._process = None

    def log(self):
        return self._process.log() if self._process else ""


class _Fixed(_Server):
    """One that can't be told port 0, and doesn't say when it listens: it is asked."""

    says = None

    def start(self):
        for _ in range(5):
            self.port = free_port()
            self._process = LoggedProcess([str(word) for word in self.argv()], clean_environment(SHLVL="2"))
            if self._listens():
                return
            self.stop()
        raise Timeout(f"{self.name} doesn't listen")

    def _listens(self):
        probe = ["ssh-keyscan", "-T", "2", "-p", str(self.port), "127.0.0.1"]
        for _ in range(int(PATIENCE)):
            if not self._process.running():
                return False
            if subprocess.run(probe, capture_output=True, check=False).stdout:
                return True
        return False


class _Python(_Server):
    """A program of this folder, for the module that it needs."""

    module, script = "", ""

    @classmethod
    def missing(cls):
        found = subprocess.run([sys.executable, "-W", "ignore", "-c", f"import {cls.module}"], capture_output=True, check=False)
        return "" if found.returncode == 0 else f"python3-{cls.module.partition('.')[0]} is not installed"

    def argv(self):
        return [sys.executable, "-B", HERE / self.script, self.workspace.key(self.host_key), self.authorized]


class Paramiko(_Python):
    module, script = "paramiko", "paramiko_server.py"


class AsyncSsh(_Python):
    module, script = "asyncssh", "asyncssh_server.py"


class Conch(_Python):
    """twisted's server, whose sessions take an account's rights: even our own only if we are root."""

    module, script = "twisted.conch.unix", "conch_server.py"

    @classmethod
    def missing(cls):
        return super().missing() or ("" if os.getuid() == 0 else "conch's sessions need root")


class Go(_Server):
    """golang.org/x/crypto/ssh and github.com/pkg/sftp."""

    @staticmethod
    def missing():
        sftp = Path("/usr/share/gocode/src/github.com/pkg/sftp")
        return missing_go() or ("" if sftp.is_dir() else "golang-github-pkg-sftp-dev is not installed")

    def argv(self):
        return [build_go(self.workspace, HERE / "server.go", "go-server"), self.workspace.key(self.host_key), self.authorized]


class Dropbear(_Fixed):
    """It looks for keys in the account's home folder and nowhere else, so another folder is put in its place, for it alone."""

    @staticmethod
    def missing():
        if not find_program("dropbear"):
            return "dropbear-bin is not installed"
        mount = ["unshare", "-m", "mount", "--bind", "/tmp", "/tmp"]
        if os.getuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode != 0:
            return "dropbear needs a home folder of its own, which only root can give it"
        return ""

    def argv(self):
        key, home = self.workspace / "dropbear_host", self.workspace / "dropbear-home"
        if not key.exists():
            subprocess.run([find_program("dropbearconvert"), "openssh", "dropbear", self.workspace.key(self.host_key), key], check=True,
                           capture_output=True)
            home.mkdir(mode=0o700)
            self.workspace.write("dropbear-home/.ssh/authorized_keys", self.authorized.read_bytes()).parent.chmod(0o700)
        mounted = 'mount --bind "$1" "$2" && shift 2 && exec "$@"'
        return ["unshare", "-m", "sh", "-c", mounted, "sh", home, os.path.expanduser(f"~{login_name()}"),
                find_program("dropbear"), "-F", "-E", "-r", key, "-p", f"127.0.0.1:{self.port}", "-P", "/dev/null"]


class Libssh(_Fixed):
    """The server among libssh's own examples, made from the source and the library in a preset's build folder. It has no file transfer of its own and
    no forwards; sftp is OpenSSH's sftp-server, as the example starts it."""

    @staticmethod
    def _built():
        """(the example, the library) of a libssh that a preset has built; without sanitizers if there is one."""
        libraries = sorted(BUILD.glob("*/libssh/build/src/libssh.a"), key=lambda path: b"__asan_" in path.read_bytes())
        examples = ((library.parents[2] / "source/examples/ssh_server.c", library) for library in libraries)
        return next((found for found in examples if found[0].exists()), (None, None))

    @classmethod
    def missing(cls):
        return "" if cls._built()[0] else "no libssh has been built in build/"

    def argv(self):
        program = self.workspace / "libssh-server"
        if not program.exists():
            example, library = self._built()
            build, source = library.parents[1], example.parents[1]
            sanitized = ["-fsanitize=address,undefined"] if "asan" in str(library) else []
            made = subprocess.run(["cc", "-O1", "-w", "-I", build, "-I", build / "include", "-I", source / "include", example, library,
                                   *sanitized, "-o", program, "-lcrypto", "-lz", "-lutil", "-lpthread"], capture_output=True, text=True,
                                  check=False)
            if made.returncode != 0:
                raise RuntimeError(f"libssh's example can't be built:\n{made.stderr}")
        return [program, "-p", self.port, "-k", self.workspace.key(self.host_key), "-a", self.authorized, "127.0.0.1"]


KINDS = {"openssh": OpenSsh, "dropbear": Dropbear, "paramiko": Paramiko, "asyncssh": AsyncSsh, "go": Go, "conch": Conch, "libssh": Libssh}
