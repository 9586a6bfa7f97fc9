"""A temporary folder with everything that one test class makes: keys, configurations, sockets, files."""

import hashlib
import os
import pwd
import shutil
import subprocess
import tempfile
from pathlib import Path


def login_name():
    """The account that runs the tests, which is whom the private sshd lets in."""
    return pwd.getpwuid(os.getuid()).pw_name


def clean_environment(**more):
    """An environment without the agent, locale and ssh settings of whoever runs the tests."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "USER", "LOGNAME", "TMPDIR") if name in os.environ}
    kept.update({name: value for name, value in os.environ.items() if name.endswith("SAN_OPTIONS")})
    kept["PATH"] = kept.get("PATH", "") + ":/usr/local/sbin:/usr/sbin:/sbin"
    return {**kept, "LC_ALL": "C", **more}


def find_program(name):
    """The path of a program, also of those in sbin; None when it isn't installed."""
    return shutil.which(name, path=clean_environment()["PATH"])


class Workspace:
    """A temporary folder, removed by close(). Its path is short, since Unix sockets in it have to fit in 108 bytes."""

    def __init__(self):
        self.path = Path(tempfile.mkdtemp(prefix="sp-"))

    def close(self):
        shutil.rmtree(self.path, ignore_errors=True)

    def __truediv__(self, name):
        return self.path / name

    def write(self, name, content, mode=0o600):
        """Writes a text or bytes file, making its folder, and returns its path."""
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        path.chmod(mode)
        return path

    def key(self, name, kind="ed25519", bits=None):
        """The path of a key pair of that name, made when it doesn't exist yet."""
        path = self.path / "keys" / name
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            size = ["-b", str(bits)] if bits else []
            subprocess.run(["ssh-keygen", "-q", "-t", kind, *size, "-N", "", "-C", name, "-f", str(path)], check=True)
        return path

    def public_key(self, name):
        """The public half of key(name) as `type base64`."""
        return " ".join((self.path / "keys" / f"{name}.pub").read_text().split()[:2])

    def fingerprint(self, name):
        """SHA256:… of key(name)."""
        shown = subprocess.run(["ssh-keygen", "-lf", str(self.path / "keys" / f"{name}.pub")],
                               check=True, capture_output=True, text=True)
        return shown.stdout.split()[1]

    def random_file(self, name, size):
        """A file of `size` bytes that don't compress, and its SHA-256."""
        path = self.path / name
        digest = hashlib.sha256()
        with open(path, "wb") as file:
            left = size
            while left > 0:
                block = os.urandom(min(left, 1 << 20))
                file.write(block)
                digest.update(block)
                left -= len(block)
        return path, digest.hexdigest()


def sha256(path):
    """The SHA-256 of a file."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
