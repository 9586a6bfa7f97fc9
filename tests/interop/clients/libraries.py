"""Programs made with libraries. Each takes the same command line (see Library)."""

import os
import subprocess
import sys
from pathlib import Path

from clients.base import HERE, Library
from harness.golang import build_go, missing_go

NODE_MODULES = HERE.parents[2] / "build" / "interop" / "node_modules"
_JSCH = Path("/usr/share/java/jsch.jar")


class _Python(Library):
    module = ""

    @classmethod
    def missing(cls):
        found = subprocess.run([sys.executable, "-W", "ignore", "-c", f"import {cls.module}"], capture_output=True, check=False)
        return "" if found.returncode == 0 else f"python3-{cls.module} is not installed"

    def command(self):
        return [sys.executable, "-B", "-W", "ignore", HERE / f"{self.module}_client.py"]


class Paramiko(_Python):
    name = module = "paramiko"


class AsyncSsh(_Python):
    name = module = "asyncssh"


class AsyncSshLarge(AsyncSsh):
    """With the largest window that there is, which it never adjusts."""

    name = "asyncssh 2 GiB"
    operations = ("exec", "get", "put", "four")

    def environment(self):
        return {**super().environment(), "WINDOW": str(2**31 - 1)}


class Ssh2(Library):
    name, programs = "node ssh2", ("node",)
    operations = ("exec", "pty", "get", "put", "forward", "four")

    @classmethod
    def missing(cls):
        return super().missing() or ("" if cls._modules() else "ssh2 is not installed (tests/interop/install does it, with npm)")

    @staticmethod
    def _modules():
        places = [*map(Path, filter(None, os.environ.get("NODE_PATH", "").split(":"))), NODE_MODULES, Path("/usr/share/nodejs")]
        return next((place for place in places if (place / "ssh2").is_dir()), None)

    def environment(self):
        return {**super().environment(), "NODE_PATH": str(self._modules())}

    def command(self):
        return ["node", HERE / "ssh2.js"]


class Jsch(Library):
    """JSch 0.1, as in many programs of before 2022."""

    name, programs, key_kind, nist = "jsch", ("java", "javac"), "ecdsa", True
    operations = ("exec", "pty", "get", "put", "forward", "four")  # rekey() waits for itself when data is under way

    @classmethod
    def missing(cls):
        return super().missing() or ("" if _JSCH.exists() else "libjsch-java is not installed")

    def prepare(self):
        if not (self.workspace / "JschClient.class").exists():
            for words in (["javac", "-nowarn", "-cp", _JSCH, "-d", self.workspace.path, HERE / "JschClient.java"],
                          ["ssh-keygen", "-q", "-p", "-m", "PEM", "-N", "", "-f", self.key]):
                subprocess.run(words, check=True, capture_output=True)

    def command(self):
        return ["java", "-Xshare:auto", "-XX:TieredStopAtLevel=1", "-cp", f"{_JSCH}:{self.workspace.path}", "JschClient"]

    def scenarios(self):
        return {"jetbrains": self.like_an_editor}

    def like_an_editor(self, trial):
        """What a JetBrains editor does on one connection: commands, files beside them, and a forwarded port."""
        with trial.echo_server() as port:
            done = trial.run(self._call(trial.way, "editor", trial.folder, port))
        trial.equal(done.stdout.decode().split(), ["exec", "sftp", "again", "forward"])


class NetSsh(Library):
    name, programs = "net-ssh", ("ruby",)

    @classmethod
    def missing(cls):
        if text := super().missing():
            return text
        found = subprocess.run(["ruby", "-rnet/sftp", "-e", "1"], capture_output=True, check=False)
        return "" if found.returncode == 0 else "ruby-net-sftp is not installed"

    def command(self):
        return ["ruby", "-W0", HERE / "net_ssh.rb"]


class PhpSecLib(Library):
    name, programs, takes_input = "phpseclib", ("php",), False
    operations = ("exec", "pty", "get", "put")

    @classmethod
    def missing(cls):
        return super().missing() or ("" if Path("/usr/share/php/phpseclib3/autoload.php").exists() else "php-phpseclib3 is not installed")

    def command(self):
        return ["php", "-d", "error_reporting=0", "-d", "memory_limit=1G", HERE / "phpseclib.php"]


class Go(Library):
    name = "go"

    @classmethod
    def missing(cls):
        sftp = Path("/usr/share/gocode/src/github.com/pkg/sftp")
        return missing_go() or ("" if sftp.is_dir() else "golang-github-pkg-sftp-dev is not installed")

    def prepare(self):
        self.program = self.workspace / "go-client"
        if not self.program.exists():
            build_go(self.workspace, HERE / "client.go", self.program.name)

    def command(self):
        return [self.program]


CLIENTS = (Paramiko, AsyncSsh, AsyncSshLarge, Ssh2, Jsch, NetSsh, PhpSecLib, Go)
