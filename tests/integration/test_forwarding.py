"""What ssh -L, -W, -D and -J reach: through the target, from the bastion itself, and in Sallyport itself."""

import concurrent.futures
import contextlib
import hashlib
import os
import socket
import stat
import struct
import subprocess
import threading
import unittest

from harness import raw
from harness.case import BastionCase, main, needs_bastion, needs_program, read_line
from harness.config import bastion_config, local_target, route, ssh_target
from harness.ports import ClosedPort, free_port
from harness.process import PATIENCE, eventually
from harness.raw import OPEN, OPEN_CONFIRMATION, OPEN_FAILURE, RawConnection, read_string, string
from harness.servers import Server, answer_after_end, connect, echo, socks_connect, talk
from harness.workspace import clean_environment, login_name


class ForwardingCase(BastionCase):
    """Servers to reach, and a client that forwards to them."""

    sshd_options = {"MaxSessions": "100"}
    jump = "target"
    rules = ""
    channels_per_trunk = 10

    @classmethod
    def configuration(cls):
        cls.echo = Server(echo)
        cls.addClassCleanup(cls.echo.close)
        cls.half_close = Server(answer_after_end)
        cls.addClassCleanup(cls.half_close.close)
        cls.socket_path = cls.workspace / "echo.sock"
        unix = Server(echo, cls.socket_path)
        cls.addClassCleanup(unix.close)
        refused = ClosedPort()
        cls.addClassCleanup(refused.close)
        cls.refused_port = refused.port
        allowed = [f"127.0.0.1:{port}" for port in (cls.echo.port, cls.half_close.port, cls.refused_port)]
        allowed += [f"localhost:{cls.echo.port}", f"{cls.workspace.path}/*.sock"]
        return bastion_config(ssh_target("main", cls.sshd, more=f'jump = "{cls.jump}"\nchannels_per_trunk = {cls.channels_per_trunk}')
                              + cls.more_targets() + route("everybody", "main", channels=cls.rules), defaults=f"local_forwarding = {allowed}".replace("'", '"'))

    @classmethod
    def more_targets(cls):
        return ""

    def forwarding(self, *flags, client=None):
        """A running `ssh -N` with these flags, whose forwards have been set up."""
        ssh = (client or self.client(ExitOnForwardFailure="yes")).popen("echo ready; cat", flags=flags)
        self.spawn(ssh)
        self.assertEqual(read_line(ssh), b"ready\n")
        return ssh

    def listening(self, destination):
        """The local end, a port or a path, of a forward to `destination`, through a client of its own."""
        port = free_port()
        self.forwarding("-L", f"127.0.0.1:{port}:{destination}")
        return port


class Forwards:
    """What holds whoever makes the connections. The bytes counted are those of the channel."""

    def test_w_passes_standard_input_and_output(self):
        data = os.urandom(300_000)
        result = self.client().run(flags=("-W", f"127.0.0.1:{self.echo.port}"), input=data)
        self.assertEqual(result.stdout, data, result.stderr)

    def test_l_and_half_close(self):
        port = self.listening(f"127.0.0.1:{self.half_close.port}")
        self.assertEqual(talk(connect(port), b"x" * 500_000), b"got 500000: " + b"x" * 100)

    def test_three_hundred_connections_at_once_through_one_l(self):
        port = self.listening(f"127.0.0.1:{self.echo.port}")
        with contextlib.ExitStack() as open_ones:
            connections = []
            for number in range(300):
                connections.append(open_ones.enter_context(contextlib.closing(connect(port))))
                connections[-1].sendall(b"%3d" % number)
            for number, connection in enumerate(connections):
                got = b""
                while len(got) < 3 and (block := connection.recv(3 - len(got))):
                    got += block
                self.assertEqual(got, b"%3d" % number)

    def test_l_to_a_unix_socket(self):
        local = self.workspace / "local.sock"
        self.forwarding("-L", f"{local}:{self.socket_path}")
        self.assertEqual(talk(connect(local), b"through sockets"), b"through sockets")
        local.unlink()

    def test_d_with_names(self):
        port = free_port()
        self.forwarding("-D", f"127.0.0.1:{port}")
        self.assertEqual(talk(socks_connect(port, "localhost", self.echo.port), b"by socks"), b"by socks")
        self.assertNotIsInstance(socks_connect(port, "forbidden.example", 80), socket.socket)
        self.bastion.wait_for_audit("refuse", destination="forbidden.example:80")

    @needs_program("curl")
    def test_d_with_curl(self):
        def http(connection):
            connection.recv(65536)
            connection.sendall(b"HTTP/1.0 200 OK\r\nContent-Length: 6\r\n\r\nhello\n")
        server = Server(http)
        self.addCleanup(server.close)
        port = free_port()
        self.forwarding("-D", f"127.0.0.1:{port}", client=self.client())
        # The server's port is not in local_forwarding: curl is told so, and the ssh goes on.
        curl = self.spawn(self.popen_curl(port, f"http://localhost:{server.port}/"))
        self.assertNotEqual(curl.wait(PATIENCE), 0)
        curl = self.spawn(self.popen_curl(port, f"http://localhost:{self.echo.port}/"))
        self.assertEqual(read_line(curl), b"GET / HTTP/1.1\r\n")  # the echo of the request

    @staticmethod
    def popen_curl(port, url):
        return subprocess.Popen(["curl", "-sSN", "--http0.9", "-m", str(int(PATIENCE)), "--socks5-hostname", f"127.0.0.1:{port}", url],
                                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0,
                                env=clean_environment(), start_new_session=True)

    def test_what_is_not_allowed_is_refused_and_told(self):
        for destination in ("127.0.0.1:1", "localhost:22", "example.com:443"):
            result = self.client().run(flags=("-W", destination))
            self.assertNotEqual(result.returncode, 0)
            self.assertIn(b"administratively prohibited: forwarding to this destination is not allowed", result.stderr)
            event = self.bastion.wait_for_audit("refuse", destination=destination)
            self.assertIn("not in local_forwarding", event["reason"])
            self.assertEqual(event["type"], "direct-tcpip")

    def test_a_port_where_nobody_listens(self):
        result = self.client().run(flags=("-W", f"127.0.0.1:{self.refused_port}"))
        self.assertIn(b"connect failed: ", result.stderr)
        self.assertIn(b"refused", result.stderr.lower())

    def test_a_hundred_connections_at_once(self):
        port = self.listening(f"127.0.0.1:{self.echo.port}")

        def one(_):
            data = os.urandom(500_000)
            with connect(port) as connection:
                connection.settimeout(PATIENCE)
                sender = threading.Thread(target=lambda: (connection.sendall(data), connection.shutdown(socket.SHUT_WR)))
                sender.start()
                digest, size = hashlib.sha256(), 0
                while block := connection.recv(65536):
                    digest.update(block)
                    size += len(block)
                sender.join()
            return size == len(data) and digest.digest() == hashlib.sha256(data).digest()

        with concurrent.futures.ThreadPoolExecutor(100) as pool:
            self.assertEqual(list(pool.map(one, range(100))).count(True), 100)

    def test_a_client_that_dies_takes_its_connections_along(self):
        port = free_port()
        ssh = self.forwarding("-L", f"127.0.0.1:{port}:127.0.0.1:{self.echo.port}")
        connections = [connect(port) for _ in range(5)]
        for connection in connections:
            connection.sendall(b"ping")
            self.assertEqual(connection.recv(4), b"ping")
        self.wait_until(lambda: len(self.channels("direct-tcpip")) == 5, what="no more and no less than five channels")
        ssh.kill()
        ssh.wait()
        eventually(lambda: not self.channels("direct-tcpip"), what="the end of the forwarded channels")
        for connection in connections:
            connection.close()
        self.assertEqual(self.client().output("echo on"), b"on\n")

    def channels(self, kind):
        return [row for row in self.bastion.rows("channels") if row["type"] == kind]

    def test_rows_and_audit(self):
        port = self.listening(f"127.0.0.1:{self.echo.port}")
        with connect(port) as connection:
            connection.sendall(b"12345")
            self.assertEqual(connection.recv(5), b"12345")
            self.wait_until(lambda: len(self.channels("direct-tcpip")) == 1, what="the end of the other tests' channels")
            row = self.channels("direct-tcpip")[0]
            self.assertEqual(row["command"], f"127.0.0.1:{self.echo.port}")
            self.assertIn(f"127.0.0.1:{self.echo.port}", self.bastion.control("channels").stdout)
        event = self.bastion.wait_for_audit("forward", channel=row["id"])
        self.assertEqual((event["destination"], event["user"]), (f"127.0.0.1:{self.echo.port}", "alice"))
        closed = self.bastion.wait_for_audit("close", channel=row["id"])
        self.assertEqual((closed["bytes_in"], closed["bytes_out"]), (5, 5))
        self.assertIn("milliseconds", closed)


@needs_bastion
class ThroughTheTarget(Forwards, ForwardingCase):
    def test_it_rides_on_the_trunk(self):
        process, _ = self.echo_session()
        mark = self.sshd.mark()
        self.assertEqual(self.client().run(flags=("-W", f"127.0.0.1:{self.echo.port}"), input=b"x").stdout, b"x")
        self.assertEqual(self.sshd.logins(mark), 0)
        process.stdin.close()


@needs_bastion
class FromTheBastion(Forwards, ForwardingCase):
    jump = "direct"
    rules = '''
  [[route.channel]]
  request = "direct-streamlocal"
  to = "sockets"
'''

    @classmethod
    def more_targets(cls):
        """Whose rights a socket is connected to with: those of whoever runs the tests, which has to be spelt out for root."""
        return local_target("sockets", more='jump = "direct"\npermit_accounts = ["*", "root"]')

    def test_it_needs_no_trunk(self):
        mark = self.sshd.mark()
        self.assertEqual(self.client("bob").run(flags=("-W", f"127.0.0.1:{self.echo.port}"), input=b"x").stdout, b"x")
        self.assertEqual(self.sshd.logins(mark), 0)

    def test_the_control_socket_is_out_of_reach(self):
        local = self.workspace / "control.local"
        self.forwarding("-L", f"{local}:{self.bastion.socket}")
        try:
            answer = talk(connect(local), b'{"verb":"status"}\n')
        except ConnectionError:
            answer = b""
        self.assertEqual(answer, b"")
        event = self.bastion.wait_for_audit("refuse", destination=str(self.bastion.socket))
        self.assertIn("the daemon's own", event["reason"])
        local.unlink()

    def test_a_server_that_does_not_read_costs_little_memory(self):
        release = threading.Event()
        self.addCleanup(release.set)
        stalled = Server(lambda connection: release.wait(PATIENCE), self.workspace / "stalled.sock")
        self.addCleanup(stalled.close)
        local = self.workspace / "stalled.local"
        self.forwarding("-L", f"{local}:{self.workspace / 'stalled.sock'}")
        with connect(local) as connection:
            connection.settimeout(1)
            sent = 0
            try:
                while sent < 64 << 20:
                    sent += connection.send(b"x" * 65536)
            except TimeoutError:
                pass
        self.assertLess(sent, 32 << 20)
        self.assertEqual(self.client().output("echo on"), b"on\n")
        local.unlink()


@needs_bastion
class BackToSallyport(BastionCase):
    """Its own listeners are no destinations: one of them believes whoever comes from this machine who he is."""

    @classmethod
    def configuration(cls):
        text = bastion_config(local_target("hop", more='jump = "direct"\nlocal_forwarding = ["*"]') + route("everybody", "hop"),
                              listen=("127.0.0.1:0", "127.0.0.2:0"))
        return text.replace('"127.0.0.2:0"\n', '"127.0.0.2:0"\nproxy_protocol_from = ["127.0.0.0/8"]\n', 1)

    def test_by_no_spelling(self):
        listening = self.bastion.query("status")["listening"]
        self.assertEqual(len(listening), 2)
        for address in listening:
            host, port = address.rsplit(":", 1)
            hosts = [host, f"::ffff:{host}", str(int.from_bytes(socket.inet_aton(host), "big")), "127." + host[-1]]
            if host == "127.0.0.1":
                hosts += ["localhost", "0.0.0.0", "0", "::ffff:0.0.0.0", "0x7f.1"]
            for spelling in hosts:
                with self.subTest(host=spelling, port=port):
                    header = b"PROXY TCP4 192.0.2.1 127.0.0.1 1 22\r\nSSH-2.0-forged\r\n"
                    name = f"[{spelling}]" if ":" in spelling else spelling
                    result = self.client().run(flags=("-W", f"{name}:{port}"), input=header)
                    self.assertNotEqual(result.returncode, 0)
                    self.assertEqual(result.stdout, b"")
        self.assertNotIn("192.0.2.1", self.bastion.log())
        event = self.bastion.wait_for_audit("refuse", destination=listening[0])
        self.assertIn("the daemon's own", event["reason"])


def who_connects(connection):
    """Tells the client as whom it has connected."""
    credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    connection.sendall(b"%d" % struct.unpack("3i", credentials)[1])


@needs_bastion
@unittest.skipUnless(os.getuid() == 0, "needs root")
class AsAnAccount(BastionCase):
    """Sockets of the bastion are connected to with the rights of the target's account, whoever the daemon is."""

    @classmethod
    def configuration(cls):
        cls.workspace.path.chmod(0o755)
        cls.folder = cls.workspace / "shared"
        cls.folder.mkdir()
        cls.folder.chmod(0o1777)
        for name, mode in (("open", 0o666), ("roots", 0o600)):
            server = Server(who_connects, cls.folder / f"{name}.sock")
            cls.addClassCleanup(server.close)
            (cls.folder / f"{name}.sock").chmod(mode)
        (cls.folder / "link.sock").symlink_to("roots.sock")
        (cls.folder / "way").symlink_to(".")
        allowed = f'jump = "direct"\nlocal_forwarding = ["{cls.folder}/*"]\n'
        return bastion_config(
            local_target("nobody", more=allowed + 'user = "nobody"\npermit_accounts = ["*"]')
            + local_target("implicit", more=allowed + 'permit_accounts = ["*"]')
            + local_target("other", more=allowed + 'user = "nobody"\npermit_accounts = ["daemon"]')
            + local_target("root", more=allowed + 'permit_accounts = ["root"]')
            + ssh_target("main", cls.sshd, more=allowed) + route("any", "{target}", targets=["*"]))

    def who(self, target, name):
        """What the listener at `name` says; None where nobody is let through to it."""
        port = free_port()
        ssh = self.spawn(self.client(f"alice+{target}", ExitOnForwardFailure="yes").popen(
            flags=("-N", "-v", "-L", f"127.0.0.1:{port}:{self.folder / name}")))
        eventually(lambda: self.is_open(port), what="the client's port")
        answer = talk(connect(port), b"")
        ssh.kill()
        ssh.wait()
        return answer.decode() or None

    @staticmethod
    def is_open(port):
        try:
            connect(port).close()
        except OSError:
            return False
        return True

    def test_the_listener_sees_the_account(self):
        import pwd
        self.assertEqual(self.who("nobody", "open.sock"), str(pwd.getpwnam("nobody").pw_uid))

    def test_root_is_whoever_was_named_so(self):
        self.assertEqual(self.who("root", "roots.sock"), "0")

    def test_what_the_account_may_not_reach(self):
        for target, name in (("nobody", "roots.sock"), ("nobody", "link.sock"), ("root", "link.sock"), ("nobody", "way/open.sock"),
                             ("implicit", "open.sock"), ("other", "open.sock"), ("main", "open.sock")):
            with self.subTest(target=target, name=name):
                self.assertIsNone(self.who(target, name))
                self.bastion.wait_for_audit("refuse", destination=str(self.folder / name))

    def test_the_control_socket_by_another_name(self):
        self.assertTrue(stat.S_ISSOCK(os.stat(self.bastion.socket).st_mode))
        os.link(self.bastion.socket, self.folder / "hard.sock")
        self.assertIsNone(self.who("root", "hard.sock"))
        self.assertIn("the daemon's own", self.bastion.wait_for_audit("refuse", destination=str(self.folder / "hard.sock"))["reason"])


@needs_bastion
class Jumps(BastionCase):
    """ssh -J over the bastion to the private sshd: with its own encryption, or ending in Sallyport."""

    @classmethod
    def configuration(cls):
        allowed = f'local_forwarding = ["127.0.0.1:{cls.sshd.port}"]'
        return bastion_config(
            ssh_target("main", cls.sshd) + ssh_target("web1", cls.sshd) + local_target("hop", more=f'jump = "direct"\n{allowed}')
            + local_target("inside", more='jump = "terminate"\nlocal_forwarding = ["web1:22", "forbidden*:22"]')
            + route("direct", "hop", targets=["hop"]) + route("inside", "inside", targets=["inside"])
            + route("web1", "web1", targets=["web1"]) + route("everybody", "main"))

    def config_file(self, jump, **options):
        """An ssh_config for `ssh target` over `jump`, since -J's ssh takes no -o."""
        known = self.workspace / "jump_known_hosts"
        self.workspace.write(known.name, f"[127.0.0.1]:{self.bastion.port} {self.workspace.public_key('bastion_host')}\n"
                             f"sallyport {self.workspace.public_key('bastion_host')}\n" + self.sshd.known_hosts_line())
        lines = {"Port": self.bastion.port, "IdentityFile": self.workspace.key("alice"), "IdentitiesOnly": "yes",
                 "IdentityAgent": "none", "BatchMode": "yes", "StrictHostKeyChecking": "yes", "UserKnownHostsFile": known,
                 "GlobalKnownHostsFile": known}
        text = "Host bastion\n  HostName 127.0.0.1\n  User alice+" + jump + "\n"
        text += "".join(f"  {key} {value}\n" for key, value in lines.items())
        text += "Host * !bastion\n  ProxyJump bastion\n"
        text += "".join(f"  {key} {value}\n" for key, value in {**lines, "User": "alice", **options}.items())
        return self.workspace.write(f"ssh_config_{jump}", text)

    def ssh(self, config, host, *command):
        return subprocess.run(["ssh", "-F", str(config), host, *command], capture_output=True, timeout=PATIENCE,
                              env=clean_environment(), check=False, stdin=subprocess.DEVNULL)

    def test_direct_is_encrypted_end_to_end(self):
        config = self.config_file("hop", Port=self.sshd.port, User=login_name(), IdentityFile=self.workspace.key("upstream"))
        result = self.ssh(config, "127.0.0.1", "echo end to end")
        self.assertEqual(result.stdout, b"end to end\n", result.stderr)
        event = self.bastion.wait_for_audit("forward", destination=f"127.0.0.1:{self.sshd.port}")
        self.assertNotIn("trunk", event)

    def test_direct_refuses_other_hosts(self):
        result = self.ssh(self.config_file("hop", Port=22), "other.internal", "true")
        self.assertEqual(result.returncode, 255)
        self.assertIn(b"administratively prohibited", result.stderr)

    def test_terminated_jump_meets_sallyport(self):
        mark = self.sshd.mark()
        config = self.config_file("inside", Port=22, HostKeyAlias="sallyport")
        for _ in range(3):
            result = self.ssh(config, "web1", "echo inside; exit 7")
            self.assertEqual((result.stdout, result.returncode), (b"inside\n", 7), result.stderr)
        self.assertLessEqual(self.sshd.logins(mark), 1)  # three jumps, one trunk
        event = self.bastion.wait_for_audit("exec", command="echo inside; exit 7")
        self.assertEqual((event["user"], event["target"]), ("alice", "web1"))
        inner = self.bastion.wait_for_audit("connect", connection=event["connection"])
        self.assertEqual(inner["target"], "web1")
        self.assertEqual(inner["source"], "127.0.0.1")
        outer = self.bastion.wait_for_audit("connect", connection=inner["outer"])
        self.assertEqual(outer["port"], inner["port"])  # the inner client comes from where the outer one does

    def test_a_terminated_jump_authenticates_anew(self):
        config = self.config_file("inside", Port=22, HostKeyAlias="sallyport", IdentityFile=self.workspace.key("bob"))
        result = self.ssh(config, "web1", "true")
        self.assertEqual(result.returncode, 255)
        self.assertIn(b"Permission denied", result.stderr)

    def test_a_terminated_jump_has_a_login_name_of_its_own(self):
        config = self.config_file("inside", Port=22, HostKeyAlias="sallyport", User="alice+nowhere")
        result = self.ssh(config, "web1", "true")
        self.assertIn(b"no route for target 'nowhere'", result.stderr)

    def test_a_target_that_is_not_allowed_or_not_there(self):
        config = self.config_file("inside", Port=22, HostKeyAlias="sallyport")
        result = self.ssh(config, "web2", "true")
        self.assertIn(b"administratively prohibited: forwarding to this destination is not allowed", result.stderr)
        result = self.ssh(config, "forbidden1", "true")
        self.assertIn(b"no route for target 'forbidden1'", result.stderr)

    def test_a_terminated_jump_is_not_nested(self):
        config = self.config_file("inside", Port=22, HostKeyAlias="sallyport", User="alice+inside")
        result = subprocess.run(["ssh", "-F", str(config), "-W", "web1:22", "web1"], capture_output=True, timeout=PATIENCE,
                                env=clean_environment(), check=False, stdin=subprocess.DEVNULL)
        self.assertIn(b"administratively prohibited: forwarding is not allowed", result.stderr)
        event = self.bastion.wait_for_audit("refuse", destination="web1:22")
        self.assertEqual(event["reason"], "it came by a terminated jump itself")

    def test_much_data_through_a_terminated_jump(self):
        path, digest = self.workspace.random_file("big", 8 << 20)
        config = self.config_file("inside", Port=22, HostKeyAlias="sallyport")
        result = self.ssh(config, "web1", f"cat {path}")
        self.assertEqual(hashlib.sha256(result.stdout).hexdigest(), digest)

    def test_killing_the_outer_connection_ends_the_inner_one(self):
        config = self.config_file("inside", Port=22, HostKeyAlias="sallyport")
        process = self.spawn(subprocess.Popen(["ssh", "-F", str(config), "web1", "echo up; cat"], bufsize=0,
                                              stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                              env=clean_environment(), start_new_session=True))
        self.assertEqual(read_line(process), b"up\n")
        self.wait_until(lambda: len(self.bastion.rows("connections")) == 2, what="the end of the other tests' jumps")
        outer = next(row for row in self.bastion.rows("connections") if row["target"] == "inside")
        self.assertEqual(self.bastion.control("kill", outer["id"]).status, 0)
        process.wait(PATIENCE)
        eventually(lambda: not self.bastion.rows("connections"), what="the end of the inner connection")


@needs_bastion
class Restricted(BastionCase):
    """Keys with options, and a route to the bastion itself that says nothing of jumps."""

    @classmethod
    def configuration(cls):
        cls.workspace.write("authorized_keys/alice", "restrict,pty " + cls.workspace.public_key("alice") + "\n")
        return bastion_config(ssh_target("main", cls.sshd) + local_target("shell") + route("shell", "shell", targets=["shell"])
                              + route("everybody", "main"), defaults='local_forwarding = ["*"]')

    def refusal(self, client):
        result = client.run(flags=("-W", "127.0.0.1:22"))
        self.assertIn(b"administratively prohibited: forwarding is not allowed", result.stderr)
        return self.bastion.wait_for_audit("refuse", user=client.user.split("+")[0])["reason"]

    def test_a_restricted_key_forwards_nothing(self):
        self.assertRegex(self.refusal(self.client("alice")), "^the key's options forbid it")

    def test_the_bastion_connects_only_when_it_is_told_to(self):
        self.assertIn("is the bastion itself", self.refusal(self.client("bob+shell")))


@needs_bastion
class BadInput(ForwardingCase):
    """Opens that no stock client sends."""

    channels_per_trunk = 300

    def setUp(self):
        if raw.paramiko is None:
            self.skipTest("python3-paramiko is not installed")
        self.connection = RawConnection(self.bastion.port, "alice", self.workspace.key("alice"))
        self.addCleanup(self.connection.close)
        self.bystander, self.echo_line = self.echo_session()

    def tearDown(self):
        self.echo_line(b"undisturbed")
        self.assertEqual(len(self.trunks(user="alice")), 1)

    def open(self, kind, fields):
        self.connection.send(OPEN, string(kind) + struct.pack(">III", 5, 1 << 20, 32768) + fields)

    def refusal(self, kind, fields):
        self.open(kind, fields)
        answer, payload = self.connection.expect(OPEN_CONFIRMATION, OPEN_FAILURE)
        self.assertEqual(answer, OPEN_FAILURE)
        return struct.unpack_from(">I", payload, 4)[0], read_string(payload, 8)[0].decode()

    @staticmethod
    def tcp(host, port, originator="127.0.0.1", originator_port=1):
        return string(host) + struct.pack(">I", port) + string(originator) + struct.pack(">I", originator_port)

    def test_destinations_that_are_none(self):
        for host, port in (("", 22), ("127.0.0.1", 0), ("127.0.0.1", 70000), ("a\nb", 22), ("a\0b", 22), ("\x1b[2J", 22),
                           ("x" * 5000, 22), ("-oProxyCommand=x", 22), ("127.0.0.1", 0xFFFFFFFF)):
            with self.subTest(host=host, port=port):
                self.assertEqual(self.refusal("direct-tcpip", self.tcp(host, port))[0], 1)
        for path in ("", "relative", "/" + "x" * 5000, "/run/\0x", "/run/\n", f"{self.workspace.path}/../etc/x.sock"):
            with self.subTest(path=path):
                fields = string(path) + string("") + struct.pack(">I", 0)
                self.assertEqual(self.refusal("direct-streamlocal@openssh.com", fields)[0], 1)
        self.assertNotIn("\x1b", self.bastion.log())

    def test_an_originator_that_would_kill_the_trunk(self):
        for originator, port in (("a", 1), ("x" * 5000, 1), ("127.0.0.1", 0xFFFFFFFF)):
            self.open("direct-tcpip", self.tcp("127.0.0.1", self.echo.port, originator, port))
            answer, payload = self.connection.expect(OPEN_CONFIRMATION, OPEN_FAILURE)
            self.assertEqual(answer, OPEN_CONFIRMATION)
            self.connection.send(raw.CLOSE, payload[4:8])
            self.connection.expect(raw.CLOSE)

    def test_malformed_fields_are_refused(self):
        for fields in (string("127.0.0.1") + b"\0\0", self.tcp("127.0.0.1", self.echo.port, "a\0b"), self.tcp("127.0.0.1\0", self.echo.port)):
            self.assertEqual(self.refusal("direct-tcpip", fields)[0], 1)

    def test_many_opens_that_are_never_used(self):
        for _ in range(100):
            self.open("direct-tcpip", self.tcp("127.0.0.1", self.echo.port))
        answers = [self.connection.expect(OPEN_CONFIRMATION, OPEN_FAILURE)[0] for _ in range(100)]
        self.assertEqual(answers.count(OPEN_CONFIRMATION), 100)


if __name__ == "__main__":
    main()
