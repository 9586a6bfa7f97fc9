"""dropbear's client, and curl, which has libssh2 inside."""

import subprocess

from clients.base import Call, Client, ShellClient
from harness.workspace import find_program


class Dbclient(ShellClient):
    name, programs, relay = "dbclient", ("dbclient", "dropbearconvert"), "-B"

    def prepare(self):
        self.key_file = self.workspace / "alice.dropbear"
        if not self.key_file.exists():
            words = [find_program("dropbearconvert"), "openssh", "dropbear", self.key, self.key_file]
            subprocess.run(words, check=True, capture_output=True)
        (self.home / ".ssh").mkdir(exist_ok=True)

    def argv(self, way, *words, flags=()):
        # It looks for known hosts without the port.
        known, line = self.home / ".ssh/known_hosts", f"127.0.0.1 {self.workspace.public_key(way.host_key)}\n"
        if not known.exists() or known.read_text() != line:
            known.write_text(line)
        return ["dbclient", "-y", "-i", self.key_file, "-p", way.port, "-l", way.user, *flags, "127.0.0.1", *words]


class Curl(Client):
    name, programs, scheme = "curl sftp", ("curl",), "sftp"

    @classmethod
    def missing(cls):
        if text := super().missing():
            return text
        schemes = subprocess.run(["curl", "--version"], capture_output=True, check=False).stdout.split()
        return "" if cls.scheme.encode() in schemes else f"this curl has no {cls.scheme}"

    def _copy(self, way, path, *words):
        fingerprint = self.workspace.fingerprint(way.host_key).removeprefix("SHA256:")
        return Call(["curl", "-sS", "--user", f"{way.user}:", "--key", self.key, "--pubkey", f"{self.key}.pub",
                     "--hostpubsha256", fingerprint, *words, f"{self.scheme}://127.0.0.1:{way.port}{path}"])

    def get(self, way, there, here):
        return self._copy(way, there, "-o", here)

    def put(self, way, here, there):
        return self._copy(way, there, "-T", here)


class CurlScp(Curl):
    name, scheme = "curl scp", "scp"


CLIENTS = (Dbclient, Curl, CurlScp)
