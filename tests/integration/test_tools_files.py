"""Files: what takes up a broken transfer again, a mounted folder, and curl."""

import contextlib
import os
import subprocess
import unittest

from harness.case import main, needs_bastion, needs_program
from harness.process import PATIENCE
from harness.tools import ToolCase
from harness.workspace import find_program, sha256

SIZE, DONE = 2_000_000, 700_000


@needs_bastion
class ResumeTest(ToolCase):
    """A partial file holds something else than the source, so that the result tells what has been sent."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.file, cls.digest = cls.workspace.random_file("payload", SIZE)
        cls.content = cls.file.read_bytes()

    def partial(self, name):
        return self.workspace.write(name, b"p" * DONE)

    def check(self, path):
        self.assertEqual(path.read_bytes(), b"p" * DONE + self.content[DONE:])

    def test_sftp_reput_and_reget(self):
        there, here = self.partial("sftp-there"), self.partial("sftp-here")
        self.run_tool("sftp", "-F", self.ssh_config, "-b", "-", "box",
                      input=f"reput {self.file} {there}\nreget {self.file} {here}\n".encode())
        self.check(there)
        self.check(here)

    @needs_program("rsync")
    def test_rsync_append(self):
        for name, source, target in (("up", self.file, "box:{}"), ("down", f"box:{self.file}", "{}")):
            with self.subTest(name):
                path = self.partial(f"rsync-{name}")
                self.run_tool("rsync", "--append", "-e", self.ssh, source, target.format(path))
                self.check(path)

    @needs_program("rsync")
    def test_rsync_append_verify_mends(self):
        path = self.partial("rsync-verified")
        self.run_tool("rsync", "--append-verify", "-e", self.ssh, self.file, f"box:{path}")
        self.assertEqual(sha256(path), self.digest)

    @needs_program("psftp")
    @needs_program("puttygen")
    def test_psftp_reput_and_reget(self):
        there, here, key = self.partial("psftp-there"), self.partial("psftp-here"), self.workspace / "alice.ppk"
        self.run_tool("puttygen", self.workspace.key("alice"), "-O", "private", "-o", key)
        batch = self.workspace.write("psftp-batch", f"reput {self.file} {there}\nreget {self.file} {here}\nquit\n")
        self.run_tool("psftp", "-batch", "-i", key, "-P", self.bastion.port, "-l", "alice", "-hostkey",
                      self.workspace.fingerprint("bastion_host"), "-b", batch, "127.0.0.1")
        self.check(there)
        self.check(here)


@needs_bastion
@needs_program("scp")
class ScpTest(ToolCase):
    def test_a_folder_in_both_protocols_keeps_modes_and_times(self):
        for index in range(10):
            path = self.workspace.write(f"tree/folder{index % 3}/file {index}", f"content {index}\n" * 100, 0o640 if index % 2 else 0o755)
            os.utime(path, (1_500_000_000 + index, 1_600_000_000 + index))
        for flag in ("-O", "-s"):
            with self.subTest(protocol=flag):
                there, back = self.workspace / f"there{flag}", self.workspace / f"back{flag}"
                self.run_tool("scp", "-F", self.ssh_config, flag, "-q", "-r", "-p", self.workspace / "tree", f"box:{there}")
                self.run_tool("scp", "-F", self.ssh_config, flag, "-q", "-r", "-p", f"box:{there}", back)
                self.assertEqual(self.listing(back), self.listing(self.workspace / "tree"))

    @staticmethod
    def listing(folder):
        """Names, modes, times and contents below a folder."""
        return sorted((str(path.relative_to(folder)), path.stat().st_mode, int(path.stat().st_mtime), path.read_bytes())
                      for path in folder.rglob("*") if path.is_file())


def fuse_works():
    """Whether this process may open FUSE's device, as it may not in many containers."""
    try:
        os.close(os.open("/dev/fuse", os.O_RDWR))
    except OSError:
        return False
    return True


@needs_bastion
@needs_program("sshfs")
@needs_program("fusermount3")
@unittest.skipUnless(fuse_works(), "no access to /dev/fuse")
class SshfsTest(ToolCase):
    @contextlib.contextmanager
    def mounted(self, source, folder):
        folder.mkdir()
        process = self.start_tool("sshfs", "-f", "-F", self.ssh_config, "-o", "reconnect,ServerAliveInterval=15", f"box:{source}", folder)
        self.wait_until(lambda: process.poll() is not None or os.path.ismount(folder), what="the mounted folder")
        if process.poll() is not None:
            errors = process.stderr.read()
            if b"mount failed: Operation not permitted" in errors:
                self.skipTest("mounting isn't allowed here")
            self.fail(errors)
        try:
            yield folder
        finally:
            self.run_tool("fusermount3", "-u", folder)
            process.wait(PATIENCE)

    def test_a_mounted_folder(self):
        source = self.workspace / "far"
        self.workspace.write("far/greeting", "hello\n")
        with self.mounted(source, self.workspace / "mnt") as mount:
            self.assertEqual((mount / "greeting").read_text(), "hello\n")
            file, digest = self.workspace.random_file("sshfs-source", SIZE)
            (mount / "new").mkdir()
            (mount / "new" / "file").write_bytes(file.read_bytes())
            self.assertEqual(sha256(source / "new" / "file"), digest)
            self.assertEqual(sha256(mount / "new" / "file"), digest)
            (mount / "new" / "file").rename(mount / "renamed")
            with open(mount / "renamed", "r+b") as changed:
                changed.seek(DONE)
                changed.write(b"changed")
            (mount / "new").rmdir()
            self.assertEqual(sorted(os.listdir(source)), ["greeting", "renamed"])
            self.assertEqual((source / "renamed").read_bytes()[DONE:DONE + 7], b"changed")
            with self.assertRaises(FileNotFoundError):
                (mount / "missing").read_bytes()


def curl_has_sftp():
    return find_program("curl") and b"sftp" in subprocess.run(["curl", "--version"], capture_output=True, check=False).stdout.split()


@needs_bastion
@unittest.skipUnless(curl_has_sftp(), "no curl with SFTP is installed")
class CurlTest(ToolCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.file, cls.digest = cls.workspace.random_file("payload", SIZE)

    def curl(self, *arguments, status=0):
        key = self.workspace.key("alice")
        return self.run_tool("curl", "-sS", "--user", "alice:", "--key", key, "--pubkey", f"{key}.pub", "--hostpubsha256",
                             self.workspace.fingerprint("bastion_host").removeprefix("SHA256:"), *arguments, status=status)

    def url(self, path, scheme="sftp"):
        return f"{scheme}://127.0.0.1:{self.bastion.port}{path}"

    def test_there_and_back(self):
        for scheme in ("sftp", "scp"):
            with self.subTest(scheme):
                there, back = self.workspace / f"curl-{scheme}", self.workspace / f"curl-{scheme}-back"
                self.curl("-T", self.file, self.url(there, scheme))
                self.assertEqual(sha256(there), self.digest)
                self.curl("-o", back, self.url(there, scheme))
                self.assertEqual(sha256(back), self.digest)

    def test_resumes_and_lists_and_fails(self):
        here = self.workspace.write("curl-here", b"p" * DONE)
        self.curl("-C", "-", "-o", here, self.url(self.file))
        self.assertEqual(here.read_bytes(), b"p" * DONE + self.file.read_bytes()[DONE:])
        self.assertIn(b"payload", self.curl(self.url(f"{self.workspace.path}/")).stdout)
        self.assertIn(b"file", self.curl(self.url("/does/not/exist"), status=78).stderr)


if __name__ == "__main__":
    main()
