"""Bytes: large transfers both ways, rekeying under load, and the file programs that people use."""

import hashlib
import shutil
import subprocess
import time

from harness.case import BastionCase, main, needs_program
from harness.process import PATIENCE
from harness.workspace import clean_environment, sha256


class LargeTransferTest(BastionCase):
    size = 50 << 20

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.file, cls.digest = cls.workspace.random_file("large", cls.size)

    def upload(self, client):
        with open(self.file, "rb") as source:
            result = subprocess.run(client.argv("sha256sum"), stdin=source, capture_output=True, timeout=3 * PATIENCE,
                                    env=clean_environment(), check=False)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(result.stdout.split()[0].decode(), self.digest)

    def download(self, client):
        result = client.run(f"cat {self.file}", timeout=3 * PATIENCE)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(hashlib.sha256(result.stdout).hexdigest(), self.digest)

    def exchange(self, client):
        with open(self.file, "rb") as source:
            process = self.spawn(subprocess.Popen(
                client.argv("cat"), stdin=source, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                env=clean_environment(), start_new_session=True))
        output, errors = process.communicate(timeout=3 * PATIENCE)
        self.assertEqual(process.returncode, 0, errors)
        self.assertEqual(hashlib.sha256(output).hexdigest(), self.digest)

    def test_both_ways_at_once(self):
        self.exchange(self.client())

    def test_upload(self):
        self.upload(self.client())

    def test_download(self):
        self.download(self.client())


class RateLimitTest(LargeTransferTest):
    """A user's sessions have the configured rate together, each way."""

    size = 3 << 20
    target_options = 'rate_limit = "2MiB/s"'
    test_upload = test_download = test_both_ways_at_once = None

    def test_two_sessions_share_it(self):
        begun = time.monotonic()
        client = self.client()
        sessions = [self.spawn(subprocess.Popen(
            client.argv(f"head -c {self.size // 2} {self.file}"), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, env=clean_environment(), start_new_session=True)) for _ in range(2)]
        for session in sessions:
            output, errors = session.communicate(timeout=PATIENCE)
            self.assertEqual(session.returncode, 0, errors)
            self.assertEqual(len(output), self.size // 2)
        # A tenth of a second's worth may come at once, and what the channels begin with.
        self.assertGreater(time.monotonic() - begun, 0.8)


class RekeyTest(LargeTransferTest):
    """New keys after each megabyte on one leg or the other, or both, while data goes both ways."""

    size = 12 << 20
    sshd_options = {"RekeyLimit": "1M"}
    test_upload = test_download = test_both_ways_at_once = None

    def test_the_target_rekeys_under_load(self):
        self.exchange(self.client())

    def test_the_client_rekeys_under_load(self):
        client = self.client(RekeyLimit="1M")
        self.upload(client)
        self.download(client)

    def test_the_client_and_the_target_rekey_under_load(self):
        self.exchange(self.client(RekeyLimit="1M"))


class RekeyStormTest(LargeTransferTest):
    """A client and a target that exchange keys all the time: each gets its bytes through, and nobody else notices."""

    size = 1 << 20
    sshd_options = {"RekeyLimit": "16"}
    test_upload = test_download = test_both_ways_at_once = None

    def test_both_legs_move_every_byte(self):
        self.exchange(self.client(RekeyLimit="16"))

    def test_others_go_on_beside_it(self):
        storms = []
        for _ in range(4):
            with open(self.file, "rb") as source:
                storms.append(self.spawn(subprocess.Popen(
                    self.client(RekeyLimit="16").argv("sha256sum"), stdin=source, stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE, env=clean_environment(), start_new_session=True)))
        client = self.client()
        for number in range(5):
            result = client.run(f"echo {number}", timeout=PATIENCE)
            self.assertEqual((result.returncode, result.stdout), (0, f"{number}\n".encode()), result.stderr)
        for storm in storms:
            output, errors = storm.communicate(timeout=3 * PATIENCE)
            self.assertEqual(storm.returncode, 0, errors)
            self.assertEqual(output.split()[0].decode(), self.digest)


class FileProgramsTest(BastionCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.file, cls.digest = cls.workspace.random_file("payload", 3_000_000)

    def test_scp_in_both_protocols(self):
        for flag in ("-O", "-s"):
            with self.subTest(protocol=flag):
                there, back = self.workspace / f"there{flag}", self.workspace / f"back{flag}"
                client = self.client()
                up = client.run(self.file, f"127.0.0.1:{there}", flags=[flag, "-p"], program="scp", timeout=PATIENCE)
                self.assertEqual(up.returncode, 0, up.stderr)
                down = client.run(f"127.0.0.1:{there}", back, flags=[flag], program="scp", timeout=PATIENCE)
                self.assertEqual(down.returncode, 0, down.stderr)
                self.assertEqual(sha256(back), self.digest)

    def test_scp_reports_a_missing_file(self):
        result = self.client().run("127.0.0.1:/does/not/exist", self.workspace / "x", flags=["-O"], program="scp")
        self.assertEqual(result.returncode, 1)
        self.assertIn(b"No such file", result.stderr)

    def test_sftp_batch(self):
        there, back = self.workspace / "sftp-there", self.workspace / "sftp-back"
        commands = f"put {self.file} {there}\nget {there} {back}\nls -l {there}\nrm {there}\n"
        result = self.client().run("127.0.0.1", flags=["-b", "-"], input=commands.encode(), program="sftp", timeout=PATIENCE)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(sha256(back), self.digest)
        self.assertFalse(there.exists())

    @needs_program("rsync")
    def test_rsync_both_ways(self):
        source = self.workspace / "tree"
        for index in range(40):
            self.workspace.write(f"tree/folder{index % 5}/file{index}", f"content {index}\n" * 50)
        shell = self.client().command_line()
        for origin, destination in ((f"{source}/", f"127.0.0.1:{self.workspace / 'there'}/"),
                                    (f"127.0.0.1:{self.workspace / 'there'}/", f"{self.workspace / 'back'}/")):
            result = subprocess.run(["rsync", "-a", "-z", "-e", shell, origin, destination], capture_output=True,
                                    timeout=PATIENCE, env=clean_environment(), check=False)
            self.assertEqual(result.returncode, 0, result.stderr)
        compared = subprocess.run(["diff", "-r", source, self.workspace / "back"], capture_output=True, check=False)
        self.assertEqual(compared.returncode, 0, compared.stdout)

    @needs_program("git")
    def test_git_clone_and_push(self):
        environment = clean_environment(GIT_SSH_COMMAND=self.client().command_line(), GIT_CONFIG_GLOBAL="/dev/null",
                                        GIT_CONFIG_SYSTEM="/dev/null", GIT_AUTHOR_NAME="a", GIT_AUTHOR_EMAIL="a@example.org",
                                        GIT_COMMITTER_NAME="a", GIT_COMMITTER_EMAIL="a@example.org")

        def git(*args):
            done = subprocess.run(["git", *map(str, args)], capture_output=True, timeout=PATIENCE, env=environment, check=False)
            self.assertEqual(done.returncode, 0, done.stderr)
            return done.stdout
        bare, clone, again = (self.workspace / name for name in ("bare.git", "clone", "again"))
        git("init", "-q", "--bare", "-b", "main", bare)
        git("clone", "-q", f"ssh://127.0.0.1{bare}", clone)
        shutil.copy(self.file, clone / "payload")
        git("-C", clone, "checkout", "-q", "-b", "main")
        git("-C", clone, "add", "payload")
        git("-C", clone, "commit", "-q", "-m", "payload")
        git("-C", clone, "push", "-q", "origin", "main")
        git("clone", "-q", f"ssh://127.0.0.1{bare}", again)
        self.assertEqual(sha256(again / "payload"), self.digest)


if __name__ == "__main__":
    main()
