"""What of the daemon's memory others get to see: nothing, not even when it ends badly."""

import base64
import os
import resource
import signal
import struct
import unittest

from harness.case import BastionCase, main, needs_bastion
from harness.config import bastion_config, local_target, route, ssh_target
from harness.sallyport import Sallyport, has_address_sanitizer

CORE_BYTES = 8 * 512  # what `ulimit -c` calls 8


def read_string(blob, at):
    length, = struct.unpack_from(">I", blob, at)
    return blob[at + 4:at + 4 + length], at + 4 + length


def private_part(path):
    """The private number of an unencrypted ECDSA key, or an ed25519 key's seed (OpenSSH's PROTOCOL.key)."""
    lines = path.read_text().splitlines()
    blob = base64.b64decode("".join(line for line in lines if not line.startswith("-")))
    at = len(b"openssh-key-v1\0")
    for _ in range(3):  # cipher, key derivation, its options
        _, at = read_string(blob, at)
    _, at = read_string(blob, at + 4)  # the public key
    private, _ = read_string(blob, at)
    kind, at = read_string(private, 8)  # behind two check words
    for _ in range(1 if kind == b"ssh-ed25519" else 2):  # its public key; curve and point
        _, at = read_string(private, at)
    secret = read_string(private, at)[0]
    return secret[:32] if kind == b"ssh-ed25519" else secret.lstrip(b"\0")


def mappings_with(pid, needles):
    """The kernel's flags of each mapping of a process in which one of the byte strings stands."""
    found = []
    with open(f"/proc/{pid}/smaps", encoding="ascii", errors="replace") as lines, open(f"/proc/{pid}/mem", "rb", 0) as memory:
        holds = False
        for line in lines:
            first = line.split()[0]
            if "-" in first and not first.endswith(":"):
                begin, end = (int(bound, 16) for bound in first.split("-"))
                holds = False
                if "r" in line.split()[1] and end - begin <= 1 << 28:
                    try:
                        memory.seek(begin)
                        block = memory.read(end - begin)
                        holds = any(needle in block for needle in needles)
                    except (OSError, ValueError, OverflowError):  # the kernel's own pages
                        pass
            elif first == "VmFlags:" and holds:
                found.append(set(line.split()[1:]))
    return found


@needs_bastion
class OwnMemoryTest(BastionCase):
    @classmethod
    def setUpClass(cls):
        before = resource.getrlimit(resource.RLIMIT_CORE)
        if before[1] != resource.RLIM_INFINITY and before[1] < CORE_BYTES:
            raise unittest.SkipTest("there are no core files here")
        cls.addClassCleanup(resource.setrlimit, resource.RLIMIT_CORE, before)
        resource.setrlimit(resource.RLIMIT_CORE, (CORE_BYTES, before[1]))
        super().setUpClass()

    @classmethod
    def configuration(cls):
        cls.ecdsa = cls.workspace.key("ecdsa_host", kind="ecdsa", bits=256)
        cls.ed25519 = cls.workspace.key("bastion_host")
        other = local_target("nobody", more='user = "nobody"')
        return bastion_config(
            local_target("shell") + other + ssh_target("main", cls.sshd) + route("any", "{target}", targets=["*"]),
            server='host_keys = ["keys/bastion_host", "keys/ecdsa_host"]\ncontrol_socket = "bastion.sock"\n')

    def status(self, name):
        with open(f"/proc/{self.bastion.pid}/status", encoding="ascii") as lines:
            return next(line for line in lines if line.startswith(name + ":")).split()[1]

    def needs_real_memory(self):
        if has_address_sanitizer():
            self.skipTest("the sanitizer locks nothing and allows no core files")

    def test_it_writes_no_core_file_and_its_programs_may(self):
        self.assertEqual(resource.prlimit(self.bastion.pid, resource.RLIMIT_CORE)[0], 0)
        self.needs_real_memory()
        self.assertEqual(self.client("alice+shell").output("ulimit -S -c").strip(), b"8")

    def test_some_of_it_is_locked(self):
        self.needs_real_memory()
        self.assertGreater(int(self.status("VmLck")), 0)

    @unittest.skipUnless(os.getuid() == 0, "needs root: nobody else sees it")
    def test_private_keys_are_in_locked_memory_alone(self):
        for key, algorithm in ((self.ecdsa, "ecdsa-sha2-nistp256"), (self.ed25519, "ssh-ed25519")):
            with self.subTest(algorithm):
                self.client("alice+shell", HostKeyAlgorithms=algorithm).run("true")
                self.assert_locked(self.bastion, key)

    @unittest.skipUnless(os.getuid() == 0, "needs root: nobody else sees it")
    def test_a_key_for_targets_leaves_nothing_in_other_memory(self):
        self.assertEqual(self.client("alice+main").output("echo in"), b"in\n")
        self.assert_locked(self.bastion, self.workspace / "keys" / "upstream", kept=False)

    @unittest.skipUnless(os.getuid() == 0, "needs root: nobody else sees it")
    def test_a_host_key_that_it_makes_is_in_locked_memory_alone(self):
        text = self.bastion.config_file.read_text().replace("bastion.", "maker.").replace('"keys/bastion_host"', '"keys/made_host"')
        maker = Sallyport(self.workspace, text, name="maker").start()
        self.addCleanup(maker.stop)
        self.assert_locked(maker, self.workspace / "keys" / "made_host")

    def assert_locked(self, bastion, key, kept=True):
        self.needs_real_memory()
        secret = private_part(key)
        self.assertGreaterEqual(len(secret), 28)
        places = mappings_with(bastion.pid, (secret, secret[::-1]))
        if kept:
            self.assertTrue(places)
        for flags in places:
            self.assertLessEqual({"lo", "dd"}, flags)  # locked, and left out of core files

    @unittest.skipIf(os.getuid() == 0, "root sees everything")
    def test_its_own_account_does_not_see_it(self):
        for name in ("mem", "environ", "maps"):
            with self.assertRaises(PermissionError):
                with open(f"/proc/{self.bastion.pid}/{name}", "rb") as file:
                    file.read(1)

    @unittest.skipUnless(os.getuid() == 0, "needs root, to allow it a core file and to become somebody else")
    def test_nothing_is_dumped_whatever_the_limit(self):
        doomed = Sallyport(self.workspace, self.bastion.config_file.read_text().replace("bastion.", "doomed."), name="doomed").start()
        self.addCleanup(doomed.abandon)
        client = self.client("alice+nobody").with_(port=doomed.port)
        self.assertEqual(client.run("true").returncode, 0)  # a program that has changed its user with the daemon's memory
        resource.prlimit(doomed.pid, resource.RLIMIT_CORE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        os.kill(doomed.pid, signal.SIGABRT)
        end = os.waitid(os.P_PID, doomed.pid, os.WEXITED | os.WNOWAIT)
        self.assertEqual((end.si_code, end.si_status), (os.CLD_KILLED, signal.SIGABRT))


if __name__ == "__main__":
    main()
