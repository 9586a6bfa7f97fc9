"""Targets that are reached through other targets: via."""

import hashlib
import os

from harness.case import BastionCase, main, needs_bastion
from harness.config import bastion_config, route, ssh_target
from harness.openssh import Sshd
from harness.ports import ClosedPort, SilentListener
from harness.process import PATIENCE, zombies


@needs_bastion
class MultihopTest(BastionCase):
    """`main` is the gate; `mid` and `db` are behind it, `far` behind `mid`."""

    @classmethod
    def configuration(cls):
        def server(name, **options):
            sshd = Sshd(cls.workspace, ["upstream"], name=f"sshd_{name}", host_key=f"{name}_host", **options)
            cls.addClassCleanup(sshd.stop)
            sshd.start()
            return sshd
        cls.mid, cls.db = server("mid"), server("db")
        cls.strict = server("strict", AllowTcpForwarding="no")
        cls.silent = SilentListener()
        cls.addClassCleanup(cls.silent.close)
        refused, dead = ClosedPort(), ClosedPort()
        for port in (refused, dead):
            cls.addClassCleanup(port.close)
        servers = (cls.sshd, cls.mid, cls.db, cls.strict)
        cls.workspace.write("upstream_known_hosts", "".join(sshd.known_hosts_line() for sshd in servers))
        cls.workspace.write("changed_known_hosts", cls.sshd.known_hosts_line()
                            + f"[{cls.db.address}]:{cls.db.port} {cls.workspace.public_key('alice')}\n")
        body = (
            ssh_target("gate", cls.sshd)
            + ssh_target("mid", cls.mid, more='via = "gate"')
            + ssh_target("db", cls.db, more='via = "gate"')
            + ssh_target("far", cls.db, more='via = "mid"')
            + ssh_target("strict", cls.strict)
            + ssh_target("behind-strict", cls.db, more='via = "strict"')
            + ssh_target("changed", cls.db, more='via = "gate"').replace("upstream_known_hosts", "changed_known_hosts")
            + ssh_target("refused", address=f"127.0.0.1:{refused.port}", more='via = "gate"')
            + ssh_target("silent", address=f"127.0.0.1:{cls.silent.port}", more='via = "gate"\nconnect_timeout = "2s"')
            + ssh_target("dead", address=f"127.0.0.1:{dead.port}")
            + ssh_target("behind-dead", cls.db, more='via = "dead"')
            + route("wanted", "{target}", targets=["*"]))
        return bastion_config(body)

    def setUp(self):
        for target in {row["target"] for row in self.bastion.rows("trunks")}:
            self.bastion.control("exit", target)  # which fails when they are ending already
        self.wait_until(lambda: not self.bastion.rows("trunks"), what="the end of the trunks")

    def trunk(self, target, **fields):
        rows = self.trunks(target=target, **fields)
        self.assertEqual(len(rows), 1, rows)
        return rows[0]

    def refusal(self, target):
        result = self.client(f"alice+{target}").run("true")
        self.assertNotEqual(result.returncode, 0)
        text = result.stderr.decode()
        self.assertNotIn(str(self.workspace.path), text, "a path of the bastion is shown")
        return text

    def test_two_hops(self):
        client = self.client("alice+db")
        mark = self.db.mark()
        self.assertEqual(client.output("echo there"), b"there\n")
        self.assertEqual(client.run("exit 7").returncode, 7)
        self.assertEqual(client.output("wc -c", input=b"x" * 100000).strip(), b"100000")
        self.assertEqual(self.db.logins(mark), 1)
        row = self.trunk("db")
        self.assertEqual(row["path"], "via gate")
        self.assertEqual(self.trunk("gate")["channels"], 1)
        self.assertIn("(via gate)", self.bastion.control("trunks").stdout)

    def test_three_hops(self):
        _, echo = self.echo_session(self.client("alice+far"))
        for number in range(50):
            echo(b"%d" % number)
        self.assertEqual(self.trunk("far")["path"], "via mid via gate")
        self.assertEqual(self.trunk("mid")["channels"], 1)
        self.assertEqual(self.trunk("gate")["channels"], 1)

    def test_a_user_shares_the_way_and_two_users_do_not(self):
        _, one = self.echo_session(self.client("alice+db"))
        _, two = self.echo_session(self.client("alice+mid"))
        _, direct = self.echo_session(self.client("alice+gate"))
        _, other = self.echo_session(self.client("bob+db"))
        self.assertEqual(self.trunk("gate", user="alice")["channels"], 3)
        self.assertEqual(self.trunk("gate", user="bob")["channels"], 1)
        self.wait_until(lambda: len(self.sshd.connections()) == 2, what="the end of the other tests' connections")
        for echo in (one, two, direct, other):
            echo(b"still there")

    def test_a_lost_gate_is_said_and_replaced(self):
        process, _ = self.echo_session(self.client("alice+db"))
        self.sshd.drop_connections()
        _, errors = process.communicate(timeout=PATIENCE)
        self.assertEqual(process.returncode, 255)
        self.assertIn(b"the connection to target db was lost with that to target gate", errors)
        self.assertEqual(self.client("alice+db").output("echo again"), b"again\n")

    def test_a_lost_target_leaves_the_gate(self):
        process, _ = self.echo_session(self.client("alice+db"))
        gate = self.trunk("gate")["id"]
        self.db.drop_connections()
        _, errors = process.communicate(timeout=PATIENCE)
        self.assertEqual(process.returncode, 255)
        self.assertIn(b"the connection to target db was lost", errors)
        self.assertNotIn(b"gate", errors)
        self.assertEqual(self.client("alice+db").output("echo again"), b"again\n")
        self.assertEqual(self.trunk("gate")["id"], gate)

    def test_what_goes_wrong_is_said_with_the_hop(self):
        for target, wanted in (
                ("behind-strict", "target behind-strict can't be reached: via strict: refused the channel: "),
                ("behind-dead", "target behind-dead can't be reached: via dead: connection refused"),
                ("refused", "target refused can't be reached: via gate: refused the channel: Connection refused"),
                ("changed", "target changed can't be reached: host key mismatch"),
                ("silent", "target silent can't be reached: connection timed out")):
            with self.subTest(target=target):
                self.assertIn(wanted, self.refusal(target))
        # None of this harms the gate.
        self.assertEqual(self.client("alice+db").output("echo fine"), b"fine\n")

    def test_bulk(self):
        data = os.urandom(50 << 20)
        digest = hashlib.sha256(data).hexdigest().encode()
        client = self.client("alice+far")
        self.assertEqual(client.output("sha256sum", input=data, timeout=3 * PATIENCE).split()[0], digest)
        source = self.workspace.path / "bulk"
        source.write_bytes(data)
        self.assertEqual(hashlib.sha256(client.output(f"cat {source}", timeout=3 * PATIENCE)).hexdigest().encode(), digest)
        self.assertEqual(hashlib.sha256(self.client("alice+db").output("cat", input=data, timeout=3 * PATIENCE)).hexdigest().encode(),
                         digest)

    def test_an_echo_beside_bulk(self):
        _, echo = self.echo_session(self.client("alice+db"))
        bulk = self.spawn(self.client("alice+mid").popen("cat /dev/zero"))
        received = 0
        while received < 8 << 20:
            received += len(os.read(bulk.stdout.fileno(), 1 << 16))
        os.set_blocking(bulk.stdout.fileno(), False)  # and now nobody reads it
        for number in range(100):
            echo(b"%d" % number)

    def test_a_stopped_gate_is_rolled_over(self):
        _, echo = self.echo_session(self.client("alice+db"))
        old = self.trunk("gate")["id"]
        self.assertEqual(self.bastion.control("stop", "gate").status, 0)
        echo(b"goes on")
        self.assertEqual({row["state"] for row in self.bastion.rows("trunks")}, {"draining"})
        self.assertEqual(self.client("alice+db").output("echo fresh"), b"fresh\n")
        self.assertEqual(len(self.trunks(target="gate", state="ready")), 1)
        self.assertEqual(len(self.trunks(target="gate", id=old, state="draining")), 1)
        echo(b"still goes on")

    def test_nothing_is_left_behind(self):
        def descriptors():
            return len(os.listdir(f"/proc/{self.bastion.pid}/fd"))
        self.client("alice+far").output("true")
        self.setUp()
        self.wait_until(lambda: not self.bastion.rows("connections"), what="the end of the connection")
        before = descriptors()
        for _ in range(5):
            self.client("alice+far").output("true")
            self.refusal("refused")
            self.setUp()
        self.wait_until(lambda: descriptors() <= before, what="the closing of the descriptors")
        self.assertEqual(zombies(self.bastion.pid), [])

    def test_explain_shows_the_chain(self):
        answer = self.bastion.query("explain", "user=alice,target=far")
        self.assertEqual(answer["target"]["via"]["name"], "mid")
        self.assertEqual(answer["target"]["via"]["via"]["name"], "gate")
        text = self.bastion.control("explain", "user=alice,target=far").stdout
        self.assertRegex(text, r"(?s)via = mid, .*via = gate, ")


if __name__ == "__main__":
    main()
