"""Targets behind a proxy command: a program whose standard input and output are the connection."""

import os
import signal
import sys
import time

from harness.case import BastionCase, main, needs_bastion
from harness.config import bastion_config, route, ssh_target
from harness.process import PATIENCE, children, descendants, process_stat, zombies
from harness.workspace import find_program

#: What `nc HOST PORT` does, with one descriptor for both directions. With a file as third argument it writes down what it
#: has inherited.
RELAY = '''
import os, select, socket, sys
if len(sys.argv) > 3:
    with open(sys.argv[3], "w") as file:
        file.write(" ".join(sorted(os.listdir("/proc/self/fd"))))
peer = socket.create_connection((sys.argv[1], int(sys.argv[2])))
sys.stderr.write("relay \\x1b[31m to %s\\n" % sys.argv[1])
sys.stderr.flush()
open_ends = {0: peer.fileno(), peer.fileno(): 1}
while open_ends:
    for end in select.select(list(open_ends), [], [])[0]:
        data = os.read(end, 65536)
        if not data:
            sys.exit(0)
        while data:
            data = data[os.write(open_ends[end], data):]
'''


def listed(*words):
    return "[" + ", ".join(f'"{word}"' for word in words) + "]"


@needs_bastion
class ProxyCommandTest(BastionCase):
    @classmethod
    def configuration(cls):
        relay = cls.workspace.write("relay.py", RELAY)
        flood = cls.workspace.write("flood.py", "import sys\nfor i in range(2000):\n    print(f'line {i}', file=sys.stderr)\n"
                                                "sys.exit(4)\n")
        cls.descriptors = cls.workspace / "descriptors"
        cls.workspace.write("proxy_known_hosts", cls.sshd.known_hosts_line())
        cls.workspace.write("changed_known_hosts", f"[{cls.sshd.address}]:{cls.sshd.port} {cls.workspace.public_key('alice')}\n")
        known = f"UserKnownHostsFile={cls.workspace / 'proxy_known_hosts'}"

        def proxied(name, *argv, more=""):
            return ssh_target(name, cls.sshd, more=f"proxy_command = {listed(*argv)}\n{more}")
        python = sys.executable
        body = (
            proxied("relay", python, "-B", relay, "{host}", "{port}", cls.descriptors)
            + proxied("words", "/bin/echo", "{host} {port} {user} {target} $HOME;")
            + proxied("jump", find_program("ssh"), "-F", "none", "-o", known, "-o", "GlobalKnownHostsFile=none",
                      "-o", "BatchMode=yes", "-i", cls.workspace.key("upstream"), "-p", "{port}", "-W", "{host}:{port}",
                      "{user}@{host}")
            + proxied("status", "/bin/sh", "-c", "echo trouble >&2; exit 1")
            + proxied("missing", "/no/such/program")
            + proxied("flood", python, "-B", flood)
            + proxied("hanging", "/bin/sleep", "1000", more='connect_timeout = "1s"')
            + proxied("stubborn", "/bin/sh", "-c", "trap '' HUP; while :; do sleep 1; done",
                      more='connect_timeout = "1s"')
            + proxied("changed", python, "-B", relay, "{host}", "{port}").replace("upstream_known_hosts", "changed_known_hosts")
        )
        if find_program("nc"):
            body += proxied("nc", find_program("nc"), "{host}", "{port}")
        return bastion_config(body + route("wanted", "{target}", targets=["*"]))

    def setUp(self):
        self.end_trunks()

    def commands(self):
        """The children of the daemon that live."""
        return [pid for pid in children(self.bastion.pid) if (process_stat(pid) or "Z")[0] != "Z"]

    def refusal(self, target):
        result = self.client(f"alice+{target}").run("true")
        self.assertNotEqual(result.returncode, 0)
        return result.stderr.decode()

    def assert_nothing_left(self):
        self.wait_until(lambda: not self.commands(), what="the end of the proxy commands")
        self.wait_until(lambda: not zombies(self.bastion.pid), what="the reaping of the proxy commands")

    def end_trunks(self):
        for target in {row["target"] for row in self.bastion.rows("trunks")}:
            self.bastion.control("exit", target)  # which fails when they are ending already
        self.wait_until(lambda: not self.bastion.rows("trunks"), what="the end of the trunks")
        self.assert_nothing_left()

    def test_a_session_through_it(self):
        client = self.client("alice+relay")
        self.assertEqual(client.output("echo through"), b"through\n")
        self.assertEqual(client.run("exit 7").returncode, 7)
        self.assertEqual(len(self.commands()), 1, "sessions share the trunk, and so the command")
        row = self.trunks(target="relay")[0]
        self.assertEqual(row["path"], "proxy command")
        self.assertIn("proxy command", self.bastion.control("trunks").stdout)
        # Standard input, output and error, the file that it wrote and the folder that it listed.
        self.assertEqual(self.descriptors.read_text(), "0 1 2 3 4")
        self.bastion.wait_for(r'proxy command target=relay .*stderr="relay \\x1b\[31m to 127')

    def test_bulk_and_nc_and_ssh(self):
        targets = ["relay", "jump"] + (["nc"] if find_program("nc") else [])
        for target in targets:
            with self.subTest(target=target):
                data = os.urandom(8 << 20)
                self.assertEqual(self.client(f"alice+{target}").output("cat", input=data, timeout=PATIENCE), data)

    def test_arguments_are_no_shell_text(self):
        self.assertIn("its proxy command failed", self.refusal("words"))
        # What it printed isn't an SSH server's line, so it was read and ignored until the end.
        self.assert_nothing_left()

    def test_a_command_that_fails(self):
        for target in ("status", "missing", "flood"):
            with self.subTest(target=target):
                text = self.refusal(target)
                self.assertIn(f"target {target} can't be reached: its proxy command failed", text)
                self.assertNotIn("trouble", text)
                self.assertNotIn("/no/such", text)
        self.bastion.wait_for(r'proxy command target=status .*stderr="trouble"')
        self.bastion.wait_for(r"trunk=.* failed.*/no/such/program")
        self.bastion.wait_for(r"proxy command target=flood .*lines_dropped=\d+")
        self.assertLess(self.bastion.log().count('stderr="line '), 60)
        self.assert_nothing_left()

    def test_a_command_that_hangs(self):
        for target in ("hanging", "stubborn"):
            with self.subTest(target=target):
                begun = time.monotonic()
                self.assertIn("connection timed out", self.refusal(target))
                self.assertLess(time.monotonic() - begun, 60)  # a slow machine's login and connect_timeout, not the client's patience
        self.assert_nothing_left()

    def test_the_host_key_is_checked(self):
        self.assertIn("host key mismatch", self.refusal("changed"))
        self.assert_nothing_left()

    def test_a_lost_command_is_a_lost_trunk(self):
        process, _ = self.echo_session(self.client("alice+relay"))
        for pid in self.commands():
            os.kill(pid, signal.SIGKILL)
        _, errors = process.communicate(timeout=PATIENCE)
        self.assertEqual(process.returncode, 255)
        self.assertIn(b"the connection to target relay was lost", errors)
        self.assertEqual(self.client("alice+relay").output("echo again"), b"again\n")

    def test_no_descriptor_is_left(self):
        def descriptors():
            return len(os.listdir(f"/proc/{self.bastion.pid}/fd"))
        self.assertEqual(self.client("alice+relay").output("echo warm"), b"warm\n")
        self.end_trunks()
        self.wait_until(lambda: not self.bastion.rows("connections"), what="the end of the connection")
        before = descriptors()
        for _ in range(5):
            self.client("alice+relay").output("true")
            self.refusal("status")
            self.end_trunks()
        self.wait_until(lambda: descriptors() <= before, what="the closing of the descriptors")

    def test_explain_shows_it(self):
        answer = self.bastion.query("explain", "user=alice,target=relay")
        self.assertEqual(answer["target"]["proxy_command"][-3:],
                         [self.sshd.address, str(self.sshd.port), str(self.descriptors)])

    def test_each_user_has_a_command_of_their_own(self):
        _, alice = self.echo_session(self.client("alice+relay"))
        _, bob = self.echo_session(self.client("bob+relay"))
        self.assertEqual(len(self.commands()), 2)
        self.assertEqual(len(descendants(self.bastion.pid)), 2)
        alice(b"a")
        bob(b"b")


if __name__ == "__main__":
    main()
