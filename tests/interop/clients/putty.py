"""PuTTY's family, and WinSCP, whose SSH is PuTTY's."""

import shlex
import subprocess

from clients.base import Call, ShellClient
from harness.workspace import clean_environment


class Plink(ShellClient):
    name, programs, relay = "plink", ("plink", "puttygen"), "-nc"

    def prepare(self):
        if not self.ppk.exists():
            subprocess.run(["puttygen", self.key, "-O", "private", "-o", self.ppk], check=True, capture_output=True,
                           env=clean_environment(HOME=str(self.home)))

    @property
    def ppk(self):
        return self.workspace / "alice.ppk"

    def options(self, way):
        return ["-batch", "-i", self.ppk, "-P", way.port, "-l", way.user, "-hostkey", self.workspace.fingerprint(way.host_key)]

    def argv(self, way, *words, flags=()):
        return ["plink", "-ssh", "-noagent", *flags, *self.options(way), "127.0.0.1", *words]


class Pscp(Plink):
    name, programs, protocol = "pscp", ("pscp", "puttygen"), "-sftp"

    def _copy(self, way, source, sink):
        return Call(["pscp", self.protocol, "-q", *self.options(way), source, sink])

    def get(self, way, there, here):
        return self._copy(way, f"127.0.0.1:{there}", here)

    def put(self, way, here, there):
        return self._copy(way, here, f"127.0.0.1:{there}")

    exec = pty = forward = None


class OldPscp(Pscp):
    name, protocol = "pscp -scp", "-scp"


class Psftp(Pscp):
    name, programs = "psftp", ("psftp", "puttygen")

    def _batch(self, way, operation, source, sink):
        batch = self.workspace.write(f"{sink}-batch", f"{operation} {source} {sink}\nquit\n")
        return Call(["psftp", *self.options(way), "-b", batch, "127.0.0.1"])

    def get(self, way, there, here):
        return self._batch(way, "get", there, here)

    def put(self, way, here, there):
        return self._batch(way, "put", here, there)


class WinScp(Plink):
    """Its two protocols as it speaks them: scp's, typed into a shell without a terminal that was there before, between lines that
    tell it where an answer ends; and sftp as a subsystem."""

    name = "winscp"
    exec = pty = get = put = forward = None

    def scenarios(self):
        return {"scp in a shell": self.scp_in_a_shell, "sftp subsystem": self.sftp_subsystem}

    def scp_in_a_shell(self, trial):
        source, digest = trial.world.workspace.random_file("winscp-source", 1_000_000)
        there = trial.folder / "winscp"
        content = source.read_bytes()
        with trial.started(Call(self.argv(trial.way, flags=["-T"]))) as shell:
            for command in ("unset LANG; LC_ALL=C; export LC_ALL", "unalias ls", f"ls -la --full-time {shlex.quote(str(trial.folder))}"):
                self._ask(shell, command)
            shell.write(f"scp -p -t {there.parent} ; echo \"WinSCP: this is end-of-file:$?\"\n".encode())
            for sent in (b"T1600000000 0 1600000000 0\n", f"C0644 {len(content)} {there.name}\n".encode(), content + b"\0"):
                shell.expect(b"\0")
                shell.write(sent)
            shell.expect(b"\0")  # of the content
            shell.half_close()
            shell.expect(b"WinSCP: this is end-of-file:0\n")
        trial.same(there, digest)

    @staticmethod
    def _ask(shell, command):
        shell.write(f'echo "WinSCP: this is begin-of-file:" ; {command} ; echo "WinSCP: this is end-of-file:$?"\n'.encode())
        shell.expect(b"WinSCP: this is begin-of-file:\n")
        return shell.expect(b"WinSCP: this is end-of-file:")

    def sftp_subsystem(self, trial):
        with trial.started(Call(self.argv(trial.way, "sftp", flags=["-s"]))) as sftp:
            sftp.write(b"\0\0\0\5\1\0\0\0\6")  # SSH_FXP_INIT, version 6; OpenSSH's server has 3
            answer = sftp.read(9)
            if answer[4:9] != b"\2\0\0\0\3":
                trial.fail(f"SSH_FXP_VERSION expected, not {answer!r}")


CLIENTS = (Plink, Pscp, OldPscp, Psftp, WinScp)
