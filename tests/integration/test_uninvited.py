"""Those who shouldn't be here: limits by source, penalties, load balancers that speak for others, garbage."""

import os
import socket
import struct
import sys
import time

from harness import raw
from harness.case import BastionCase, main, needs_bastion
from harness.config import bastion_config, local_target, route
from harness.process import PATIENCE, eventually
from harness.sallyport import Sallyport


class LocalBastion(BastionCase):
    """A bastion whose only target is a local shell, and others beside it with sections of their own."""

    @classmethod
    def configuration(cls):
        return bastion_config(local_target("shell") + route("everybody", "shell"), **cls.sections)

    def other(self, name, more="", body=None, **sections):
        text = bastion_config((body or local_target("shell") + route("everybody", "shell")), name=name, **sections)
        bastion = Sallyport(self.workspace, text.replace('address = "127.0.0.1:0"\n', 'address = "127.0.0.1:0"\n' + more), name)
        self.addCleanup(lambda: self.assertEqual(bastion.stop(), []))
        bastion.start()
        return bastion

    def ssh(self, bastion, user="alice", **options):
        return self.client(user).with_(port=bastion.port, **options)


@needs_bastion
class SourcesTest(LocalBastion):
    def test_unfinished_logins_of_one_source_are_bounded(self):
        bastion = self.other("startups", limits="max_startups_per_source = 3")
        waiting = [socket.create_connection(("127.0.0.1", bastion.port), PATIENCE) for _ in range(3)]
        for peer in waiting:
            self.addCleanup(peer.close)
            self.assertTrue(peer.recv(4).startswith(b"SSH-"))
        result = self.ssh(bastion).run("true")
        self.assertEqual(result.returncode, 255)
        bastion.wait_for("dropped source=127.0.0.1:.* reason=\"max_startups_per_source\"")
        self.assertIn(b"Exceeded MaxStartups", raw.exchange(bastion.port, b""))
        waiting[0].close()
        eventually(lambda: self.ssh(bastion).run("echo in").stdout == b"in\n")

    def test_one_source_leaves_room_for_others_by_default(self):
        bastion = self.other("default", limits='max_startups = "30:100:30"\n', more='proxy_protocol_from = ["127.0.0.1"]\n')

        def knock(source):
            peer = socket.create_connection(("127.0.0.1", bastion.port), PATIENCE)
            self.addCleanup(peer.close)
            peer.sendall(b"PROXY TCP4 %s 192.0.2.1 4711 22\r\n" % source)
            return peer.recv(8)
        answers = [knock(b"10.9.1.2") for _ in range(25)]
        self.assertEqual([answer[:4] == b"SSH-" for answer in answers], [True] * 20 + [False] * 5)
        self.assertEqual(knock(b"10.9.1.3")[:4], b"SSH-")

    def test_connections_of_one_source_are_bounded_and_come_back(self):
        bastion = self.other("sources", limits="max_connections_per_source = 2")
        client = self.ssh(bastion)
        first, second = (self.echo_session(client)[0] for _ in range(2))
        self.assertEqual(client.run("true").returncode, 255)
        bastion.wait_for("reason=\"max_connections_per_source\"")
        first.stdin.close()
        first.wait(PATIENCE)
        eventually(lambda: client.run("echo in").stdout == b"in\n")
        self.assertIsNone(second.poll())

    def test_connections_on_a_route_are_bounded(self):
        body = local_target("shell") + route("narrow", "shell", users=["alice"]).replace("to =", "max_connections = 1\nto =") + \
            route("wide", "shell")
        bastion = self.other("narrow", body=body)
        session, echo = self.echo_session(self.ssh(bastion))
        result = self.ssh(bastion).run("true")
        self.assertEqual(result.returncode, 255)
        self.assertIn(b"too many connections use this route", result.stderr)
        self.assertEqual(self.ssh(bastion, "bob").output("echo in"), b"in\n")
        echo()
        session.stdin.close()
        session.wait(PATIENCE)
        eventually(lambda: self.ssh(bastion).run("echo in").stdout == b"in\n")


@needs_bastion
class PenaltiesTest(LocalBastion):
    def test_bad_keys_keep_the_source_out_and_no_other(self):
        # For as long as a slow machine may take over all this.
        bastion = self.other("penal", penalties='min = "20m"\nauth_failure = "15m"\nmax = "1h"\n', more='[[listen]]\naddress = "[::1]:0"\n')
        session, echo = self.echo_session(self.ssh(bastion))
        stranger = self.ssh(bastion, key="bob")
        for _ in range(2):
            self.assertIn(b"Permission denied", stranger.run("true").stderr)
        bastion.wait_for(r"penalty begins source=127.0.0.1/32 seconds=(1[78]|29)\d\d reason=\"failed authentication\"")
        refused = self.ssh(bastion).run("true", flags=("-v",))
        self.assertEqual(refused.returncode, 255)
        self.assertIn(b"Not allowed at this time", refused.stderr)
        echo()  # who is in stays
        rows = bastion.rows("penalties")
        self.assertEqual([(row["source"], row["active"], row["reason"]) for row in rows],
                         [("127.0.0.1/32", True, "failed authentication")])
        self.assertRegex(bastion.control("penalties").stdout, r"127\.0\.0\.1/32 +kept out +\S+ +2 +failed authentication")
        v6 = int(bastion.wait_for(r"listening address=\[::1\]:(\d+)").group(1))
        self.assertTrue(raw_greeting("::1", v6).startswith(b"SSH-"))
        bastion.wait_for_audit("penalty", source="127.0.0.1/32")
        session.stdin.close()

    def test_a_penalty_expires_by_itself(self):
        bastion = self.other("expiry", penalties='min = "1s"\nauth_failure = "2s"\n')
        self.assertIn(b"Permission denied", self.ssh(bastion, key="bob").run("true").stderr)
        bastion.wait_for("penalty begins source=127.0.0.1/32 seconds=[12] ")
        eventually(lambda: self.ssh(bastion).run("echo in").stdout == b"in\n")

    def test_an_administrator_lifts_one(self):
        bastion = self.other("lifted", penalties='crash = "1h"\n')
        raw.exchange(bastion.port, b"GET / HTTP/1.0\r\n\r\n")
        eventually(lambda: bastion.rows("penalties"))
        self.assertIn(b"Not allowed", self.ssh(bastion).run("true", flags=("-v",)).stderr)
        self.assertNotEqual(bastion.control("penalties", "--lift", "10.1.1.1/32").status, 0)
        self.assertEqual(bastion.control("penalties", "--lift", "127.0.0.1/32").stdout, "1 penalty lifted\n")
        self.assertEqual(self.ssh(bastion).output("echo in"), b"in\n")

    def test_one_mistake_is_nothing(self):
        bastion = self.other("patient", penalties="enabled = true\n")
        self.assertIn(b"Permission denied", self.ssh(bastion, key="bob").run("true").stderr)
        self.assertEqual(self.ssh(bastion).output("echo in"), b"in\n")
        self.assertFalse([row for row in bastion.rows("penalties") if row["active"]])
        self.assertNotIn("penalty begins", bastion.log())

    def test_no_common_algorithm_is_no_crime(self):
        bastion = self.other("modern", penalties='no_auth = "10m"\nmin = "20m"\nmax = "1h"\n',
                             algorithms='ciphers = ["aes256-gcm@openssh.com"]\n')
        self.assertEqual(self.ssh(bastion, Ciphers="aes128-ctr").run("true").returncode, 255)
        eventually(lambda: bastion.rows("penalties"))
        self.assertEqual(bastion.rows("penalties")[0]["reason"], "no authentication")


def raw_greeting(host, port):
    with socket.create_connection((host, port), PATIENCE) as peer:
        return peer.recv(64)


#: Stands between ssh and the bastion as a load balancer would: writes a header, then copies.
BALANCER = '''
import os, socket, sys, threading
peer = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
peer.sendall(bytes.fromhex(sys.argv[2]))
def up():
    while block := os.read(0, 65536):
        peer.sendall(block)
    peer.shutdown(socket.SHUT_WR)
threading.Thread(target=up, daemon=True).start()
while block := peer.recv(65536):
    os.write(1, block)
'''


def header_v2(source, port, extension=b""):
    addresses = socket.inet_aton(source) + socket.inet_aton("192.0.2.1") + struct.pack(">HH", port, 22)
    return b"\r\n\r\n\0\r\nQUIT\n\x21\x11" + struct.pack(">H", len(addresses) + len(extension)) + addresses + extension


@needs_bastion
class ProxyProtocolTest(LocalBastion):
    @classmethod
    def configuration(cls):
        inside = route("inside", "shell").replace("to =", 'sources = ["10.9.0.0/16"]\nto =')
        text = bastion_config(local_target("shell") + inside, name="bastion", penalties='crash = "15m"\nmin = "20m"\nmax = "1h"\n')
        return text.replace('"127.0.0.1:0"\n', '"127.0.0.1:0"\nproxy_protocol_from = ["127.0.0.0/8"]\n', 1)

    def through(self, header, **options):
        script = self.workspace.write("balancer.py", BALANCER)
        return self.client(ProxyCommand=f"{sys.executable} -B {script} {self.bastion.port} {header.hex()}", **options)

    def test_the_client_is_who_the_header_says(self):
        for header, source in ((b"PROXY TCP4 10.9.1.2 192.0.2.1 4711 22\r\n", "10.9.1.2:4711"),
                               (header_v2("10.9.1.3", 4712, b"\x04\0\x03xyz"), "10.9.1.3:4712")):
            with self.subTest(source=source):
                out = self.through(header).output("echo $SSH_CONNECTION; cat", input=b"x" * 100000)
                address, port = source.split(":")
                self.assertTrue(out.startswith(f"{address} {port} 192.0.2.1 22\n".encode()), out[:60])
                self.bastion.wait_for_audit("connect", source=address)

    def test_from_elsewhere_the_route_does_not_match(self):
        result = self.through(b"PROXY TCP4 10.8.1.2 192.0.2.1 4711 22\r\n").run("true")
        self.assertIn(b"no route", result.stderr)

    def test_a_client_without_a_header_and_a_bad_header_are_refused(self):
        mark = self.bastion.mark()
        self.assertEqual(self.client().run("true").returncode, 255)
        self.bastion.wait_for("no PROXY header", since=mark)
        for header in (b"PROXY TCP4 10.9.1.2 192.0.2.1 4711\r\n", header_v2("10.9.1.2", 1).replace(b"\x21\x11", b"\x21\x12")):
            mark = self.bastion.mark()
            self.assertEqual(raw.exchange(self.bastion.port, header, half_close=True), b"")
            self.bastion.wait_for("closed source=127.0.0.1", since=mark)

    def test_health_checks_end_quietly(self):
        for header in (b"PROXY UNKNOWN\r\n", b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0"):
            self.assertEqual(raw.exchange(self.bastion.port, header), b"")

    def test_a_header_that_does_not_come_is_not_waited_for_long(self):
        with socket.create_connection(("127.0.0.1", self.bastion.port), PATIENCE) as peer:
            peer.sendall(b"PROXY TCP4 10.9.1.2")
            began = time.monotonic()
            peer.settimeout(PATIENCE)
            self.assertEqual(peer.recv(10), b"")
            self.assertLess(time.monotonic() - began, 50)  # it has 5 s, and a whole login a minute

    def test_a_penalty_hits_the_client_and_not_the_balancer(self):
        bad = b"PROXY TCP4 10.9.7.7 192.0.2.1 4711 22\r\n"
        for _ in range(2):
            raw.exchange(self.bastion.port, bad + b"GET / HTTP/1.0\r\n\r\n")
        eventually(lambda: [row for row in self.bastion.rows("penalties") if row["active"]])
        self.assertEqual([row["source"] for row in self.bastion.rows("penalties")], ["10.9.7.7/32"])
        self.assertIn(b"Not allowed", self.through(bad).run("true", flags=("-v",)).stderr)
        self.through(b"PROXY TCP4 10.9.1.2 192.0.2.1 4711 22\r\n").output("true")
        self.bastion.control("penalties", "--lift", "all")


@needs_bastion
class NoProxyTest(LocalBastion):
    def test_others_may_not_send_a_header(self):
        mark = self.bastion.mark()
        answer = raw.exchange(self.bastion.port, b"PROXY TCP4 10.9.1.2 192.0.2.1 4711 22\r\nSSH-2.0-x\r\n")
        self.assertNotIn(b"10.9.1.2", answer)
        self.bastion.wait_for("closed before login source=127.0.0.1", since=mark)
        self.assertNotIn("source=10.9.1.2", self.bastion.log(mark))


@needs_bastion
class GarbageTest(LocalBastion):
    sections = {"limits": 'max_startups = "1000:30:1000"\nmax_startups_per_source = 0\n', "log": 'level = "info"\n'}

    def test_a_thousand_connections_of_garbage_leave_nothing_behind(self):
        def descriptors():
            return len(os.listdir(f"/proc/{self.bastion.pid}/fd"))

        def round_of_garbage():
            peers = []
            for number in range(200):
                peer = socket.create_connection(("127.0.0.1", self.bastion.port), PATIENCE)
                peer.sendall((b"\xff" * 4000, b"SSH-2.0-x\r\n" + b"\0\0\xff\xff" * 1000, b"SSH-1.5-x\r\n", b"", b"\r\n" * 3000)[number % 5])
                peers.append(peer)
            for peer in peers:
                peer.close()
            eventually(lambda: self.bastion.rows("connections") == [])
        round_of_garbage()
        eventually(lambda: self.client().run("true").returncode == 0)
        before = descriptors()
        for _ in range(5):
            round_of_garbage()
        eventually(lambda: descriptors() <= before, what="descriptors to be given back")
        self.assertEqual(self.client().output("echo in"), b"in\n")


if __name__ == "__main__":
    main()
