"""Other people's clients: PuTTY's, dropbear's and paramiko."""

import os
import pty
import subprocess
import unittest

from harness import raw
from harness.case import BastionCase, main, needs_bastion, needs_program
from harness.process import PATIENCE
from harness.workspace import clean_environment, find_program, sha256


class ClientCase(BastionCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.home = cls.workspace / "home"
        (cls.home / ".ssh").mkdir(parents=True)
        cls.host_line = f"[127.0.0.1]:{cls.bastion.port} {cls.workspace.public_key('bastion_host')}\n" if cls.bastion else ""
        cls.workspace.write("home/.ssh/known_hosts", cls.host_line)

    def call(self, *argv, input=b"", timeout=PATIENCE):
        return subprocess.run([str(word) for word in argv], input=input, capture_output=True, timeout=timeout, check=False,
                              env=clean_environment(HOME=str(self.home)), start_new_session=True)


@needs_bastion
@needs_program("plink")
@needs_program("puttygen")
class PuttyTest(ClientCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.ppk = cls.workspace / "alice.ppk"
        subprocess.run(["puttygen", cls.workspace.key("alice"), "-O", "private", "-o", cls.ppk], check=True,
                       capture_output=True, timeout=PATIENCE, env=clean_environment(HOME=str(cls.home)))

    def options(self):
        return ["-batch", "-i", self.ppk, "-P", self.bastion.port, "-l", "alice", "-hostkey",
                self.workspace.fingerprint("bastion_host")]

    def plink(self, *command, input=b""):
        return self.call("plink", "-ssh", "-noagent", *self.options(), "127.0.0.1", *command, input=input)

    def test_plink_status_and_streams(self):
        result = self.plink("cat; echo err >&2; exit 7", input=b"in\n")
        self.assertEqual((result.stdout, result.returncode), (b"in\n", 7), result.stderr)
        self.assertIn(b"err", result.stderr)

    def test_plink_moves_data(self):
        result = self.plink("sha256sum", input=b"\1" * 3_000_000)
        self.assertEqual(len(result.stdout.split()[0]), 64)
        self.assertEqual(len(self.plink("head -c 3000000 /dev/zero").stdout), 3_000_000)

    @needs_program("pscp")
    def test_pscp_and_psftp(self):
        source, digest = self.workspace.random_file("putty-source", 1_000_000)
        for flag in ("-scp", "-sftp"):
            target = self.workspace / f"putty{flag}"
            done = self.call("pscp", flag, "-q", *self.options(), source, f"127.0.0.1:{target}")
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertEqual(sha256(target), digest)
        target = self.workspace / "psftp"
        done = self.call("psftp", *self.options(), "-b", self.workspace.write("batch", f"put {source} {target}\nquit\n"), "127.0.0.1")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(sha256(target), digest)


@needs_bastion
@needs_program("dbclient")
@needs_program("dropbearconvert")
class DropbearTest(ClientCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.key_file = cls.workspace / "alice.dropbear"
        subprocess.run([find_program("dropbearconvert"), "openssh", "dropbear", cls.workspace.key("alice"), cls.key_file],
                       check=True, capture_output=True, timeout=PATIENCE)

    def dbclient(self, *command, input=b""):
        # Dropbear looks up known hosts without the port.
        self.workspace.write("home/.ssh/known_hosts", f"127.0.0.1 {self.workspace.public_key('bastion_host')}\n" + self.host_line)
        return self.call("dbclient", "-y", "-i", self.key_file, "-p", self.bastion.port, "-l", "alice", "127.0.0.1", *command, input=input)

    def test_statuses_and_streams(self):
        result = self.dbclient("cat; exit 7", input=b"in\n")
        self.assertEqual((result.stdout, result.returncode), (b"in\n", 7), result.stderr)

    def test_data(self):
        self.assertEqual(len(self.dbclient("head -c 3000000 /dev/zero").stdout), 3_000_000)
        self.assertEqual(self.dbclient("wc -c", input=b"\1" * 3_000_000).stdout.strip(), b"3000000")

    def test_a_terminal(self):
        master, slave = pty.openpty()
        self.addCleanup(os.close, master)
        process = self.spawn(subprocess.Popen(
            ["dbclient", "-y", "-t", "-i", str(self.key_file), "-p", str(self.bastion.port), "-l", "alice", "127.0.0.1", "tty; exit 3"],
            stdin=slave, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=clean_environment(HOME=str(self.home)),
            start_new_session=True))
        os.close(slave)
        output, errors = process.communicate(timeout=PATIENCE)
        self.assertIn(b"/dev/pts/", output, errors)
        self.assertEqual(process.returncode, 3)


@needs_bastion
@unittest.skipUnless(raw.paramiko, "python3-paramiko is not installed")
class ParamikoTest(ClientCase):
    def connect(self):
        client = raw.paramiko.SSHClient()
        client.load_host_keys(str(self.home / ".ssh" / "known_hosts"))
        client.connect("127.0.0.1", self.bastion.port, "alice", key_filename=str(self.workspace.key("alice")),
                       look_for_keys=False, allow_agent=False, timeout=PATIENCE, banner_timeout=PATIENCE, auth_timeout=PATIENCE)
        self.addCleanup(client.close)
        return client

    def test_commands(self):
        client = self.connect()
        for status in (0, 7, 255):
            _, output, errors = client.exec_command(f"echo out; echo err >&2; exit {status}", timeout=PATIENCE)
            self.assertEqual((output.read(), errors.read()), (b"out\n", b"err\n"))
            self.assertEqual(output.channel.recv_exit_status(), status)

    def test_a_shell_on_a_terminal(self):
        channel = self.connect().invoke_shell(term="vt100", width=100, height=30)
        channel.settimeout(PATIENCE)
        channel.sendall(b"stty size; exit 4\n")
        output = b""
        while block := channel.recv(65536):
            output += block
        self.assertIn(b"30 100", output)
        self.assertEqual(channel.recv_exit_status(), 4)

    def test_sftp(self):
        source, digest = self.workspace.random_file("paramiko-source", 2_000_000)
        target = self.workspace / "paramiko-target"
        with self.connect().open_sftp() as sftp:
            sftp.put(str(source), str(target))
            self.assertEqual(sftp.stat(str(target)).st_size, 2_000_000)
        self.assertEqual(sha256(target), digest)


if __name__ == "__main__":
    main()
