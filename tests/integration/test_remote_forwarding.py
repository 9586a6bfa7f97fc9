"""Remote forwarding: ports and sockets at the target whose connections come back to the client."""

import os
import socket
import threading

from harness.case import BastionCase, main, needs_bastion
from harness.config import bastion_config, route, ssh_target
from harness.ports import free_port
from harness.process import PATIENCE, accepts, eventually


class EchoServer:
    """What the client forwards to: a port, or a Unix socket, that echoes until the end of each stream."""

    def __init__(self, path=None):
        self._socket = socket.create_server(("127.0.0.1", 0)) if path is None else socket.socket(socket.AF_UNIX)
        if path is not None:
            self._socket.bind(str(path))
            self._socket.listen()
        self.port = None if path is not None else self._socket.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                peer, _ = self._socket.accept()
            except OSError:
                return
            threading.Thread(target=self._echo, args=(peer,), daemon=True).start()

    @staticmethod
    def _echo(peer):
        with peer:
            try:
                while data := peer.recv(65536):
                    peer.sendall(data)
            except OSError:
                pass

    def close(self):
        try:
            self._socket.shutdown(socket.SHUT_RDWR)  # wakes the accepting thread
        except OSError:
            pass
        self._socket.close()


def connect(port=None, path=None):
    """A connection to a loopback port, or to a Unix socket, of the target."""
    if path is None:
        return socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
    stream = socket.socket(socket.AF_UNIX)
    stream.settimeout(PATIENCE)
    stream.connect(str(path))
    return stream


def exchange(data, port=None, path=None):
    """Sends, ends its half of the stream, and returns all that comes back."""
    with connect(port, path) as stream:
        sender = threading.Thread(target=lambda: (stream.sendall(data), stream.shutdown(socket.SHUT_WR)))
        sender.start()
        received = b""
        while chunk := stream.recv(65536):
            received += chunk
        sender.join()
        return received


def listens(port):
    try:
        connect(port).close()
        return True
    except OSError:
        return False


class RemoteForwardingCase(BastionCase):
    """Every test may have ports of its own; the client's end is an echo server."""

    target_options = 'remote_forwarding = ["*"]'

    def setUp(self):
        super().setUp()
        self.echo = EchoServer()
        self.addCleanup(self.echo.close)

    def forward(self, *flags, user="alice", **options):
        """`ssh -N` with these flags, once its forwards are there."""
        client = self.client(user, ExitOnForwardFailure="yes", **options)
        return self.spawn(client.popen(flags=("-N", *flags)))

    def listening(self, user="alice"):
        return [row for row in self.bastion.rows("forwards") if row["user"] == user and row["state"] == "listening"]

    def forward_port(self, destination=None, user="alice"):
        """A fixed port that is forwarded, and the ssh that does it. Another one when somebody was quicker."""
        for _ in range(5):
            port = free_port()
            to = f":{destination}" if destination else ""
            process = self.forward("-R", f"{port}{to}", user=user)
            eventually(lambda: process.poll() is not None or listens(port), what="the forward")
            if process.poll() is None:
                return port, process
        raise AssertionError("no port is free")


class RemoteForwarding(RemoteForwardingCase):
    def test_a_fixed_port(self):
        port, process = self.forward_port(f"127.0.0.1:{self.echo.port}")
        self.assertEqual(exchange(b"there and back", port), b"there and back")
        data = os.urandom(3 << 20)
        self.assertEqual(exchange(data, port), data)
        process.terminate()
        process.wait(PATIENCE)
        self.wait_until(lambda: not listens(port), what="the end of the forward")

    def test_a_port_that_the_target_chooses(self):
        process = self.forward("-v", "-R", f"0:127.0.0.1:{self.echo.port}")
        port = None
        while port is None:
            line = process.stderr.readline().decode()
            self.assertTrue(line, "ssh ended")
            if line.startswith("Allocated port"):
                port = int(line.split()[2])
        self.assertEqual(exchange(b"chosen", port), b"chosen")

    def test_a_unix_socket(self):
        at_target = self.workspace / "remote.sock"
        at_client = self.workspace / "local.sock"
        echo = EchoServer(at_client)
        self.addCleanup(echo.close)
        process = self.forward("-R", f"{at_target}:{at_client}")
        self.wait_until(lambda: accepts(at_target), what="the socket")
        self.assertEqual(exchange(b"by socket", path=at_target), b"by socket")
        self.assertIsNone(process.poll())

    def test_dynamic(self):
        port, _ = self.forward_port()
        with connect(port) as stream:
            stream.sendall(b"\x05\x01\x00")
            self.assertEqual(stream.recv(2), b"\x05\x00")
            stream.sendall(b"\x05\x01\x00\x01\x7f\x00\x00\x01" + self.echo.port.to_bytes(2, "big"))
            self.assertEqual(stream.recv(10)[:2], b"\x05\x00")
            stream.sendall(b"through SOCKS")
            self.assertEqual(stream.recv(100), b"through SOCKS")

    def test_a_master_forwards_and_cancels(self):
        control = self.workspace / "master"
        master = self.spawn(self.client(ControlPath=control, ControlMaster="yes").popen(flags=("-N",)))
        self.wait_until(control.exists, what="the master")
        client = self.client(ControlPath=control)
        for _ in range(2):  # what was cancelled can be had again
            port = free_port()
            rule = f"{port}:127.0.0.1:{self.echo.port}"
            self.assertEqual(client.run(flags=("-O", "forward", "-R", rule)).returncode, 0)
            self.assertEqual(exchange(b"by a master", port), b"by a master")
            self.assertEqual(client.run(flags=("-O", "cancel", "-R", rule)).returncode, 0)
            self.wait_until(lambda: not listens(port), what="the end of the forward")
            self.assertEqual(client.run(flags=("-O", "forward", "-R", rule)).returncode, 0)
            self.wait_until(lambda: listens(port), what="the forward again")
        allocated = client.run(flags=("-O", "forward", "-R", f"0:127.0.0.1:{self.echo.port}"))
        self.assertEqual(allocated.returncode, 0)
        self.assertEqual(exchange(b"chosen", int(allocated.stdout)), b"chosen")
        self.assertIsNone(master.poll())

    @needs_bastion
    def test_a_second_asker_is_refused(self):
        port, first = self.forward_port(f"127.0.0.1:{self.echo.port}")
        second = self.forward("-R", f"{port}:127.0.0.1:{self.echo.port}")
        _, errors = second.communicate(timeout=PATIENCE)
        self.assertEqual(second.returncode, 255)
        self.assertIn(b"remote port forwarding failed", errors)
        self.bastion.wait_for(r"forward refused .*another connection of the user has asked for it already")
        self.assertEqual(exchange(b"still there", port), b"still there")
        self.assertIsNone(first.poll())

    @needs_bastion
    def test_each_client_gets_its_own_connections(self):
        other = EchoServer()
        self.addCleanup(other.close)
        one, _ = self.forward_port(f"127.0.0.1:{self.echo.port}")
        two, _ = self.forward_port(f"127.0.0.1:{other.port}")
        self.assertEqual(len(self.trunks(user="alice")), 1)
        for port in (one, two):
            self.assertEqual(exchange(b"mine", port), b"mine")
        other.close()
        self.assertEqual(exchange(b"mine", one), b"mine")
        self.wait_until(lambda: sorted(row["listen"] for row in self.listening()) == sorted(f"localhost:{port}" for port in (one, two)),
                        what="these two forwards and no others")
        self.assertEqual(len({row["connection"] for row in self.listening()}), 2)
        table = self.bastion.control("forwards")
        self.assertIn(f"localhost:{one}", table.stdout)

    @needs_bastion
    def test_a_client_that_is_killed_leaves_nothing_behind(self):
        _, echo = self.echo_session()
        port, process = self.forward_port(f"127.0.0.1:{self.echo.port}")
        with connect(port) as stream:
            stream.sendall(b"open")
            self.assertEqual(stream.recv(10), b"open")
            process.kill()
            process.wait()
            self.assertEqual(stream.recv(10), b"")
        self.wait_until(lambda: not listens(port), what="the end of the forward")
        self.wait_until(lambda: not self.listening(), what="the end of its row")
        echo(b"the trunk is still there")

    @needs_bastion
    def test_the_audit_trail_tells(self):
        port, process = self.forward_port(f"127.0.0.1:{self.echo.port}")
        exchange(b"12345", port)
        listen = f"localhost:{port}"
        heard = self.bastion.wait_for_audit("forward", action="listen", listen=listen, user="alice", target="main")
        closed = self.bastion.wait_for_audit("close", connection=heard["connection"], bytes_in=5, bytes_out=5)
        opened = self.bastion.wait_for_audit("forward", type="forwarded-tcpip", channel=closed["channel"])
        self.assertTrue(opened["destination"].startswith(listen + " from "))
        process.terminate()
        ended = self.bastion.wait_for_audit("forward", action="end", listen=listen)
        self.assertEqual(ended["reason"], "the client is gone")

    @needs_bastion
    def test_a_lost_target_ends_the_client(self):
        _, process = self.forward_port(f"127.0.0.1:{self.echo.port}", user="bob")
        self.sshd.drop_connections()
        _, errors = process.communicate(timeout=PATIENCE)
        self.assertEqual(process.returncode, 255)
        self.assertIn(b"was lost, and a forwarded port with it", errors)


@needs_bastion
class IdleTrunk(RemoteForwardingCase):
    target_options = 'remote_forwarding = ["*"]\nidle_timeout = "300ms"\nmax_age = "1s"'

    def test_a_forward_keeps_its_trunk(self):
        port, process = self.forward_port(f"127.0.0.1:{self.echo.port}")
        [trunk] = self.trunks(user="alice")
        self.wait_until(lambda: self.trunks(id=trunk["id"], state="draining"), what="max_age")
        self.assertEqual(exchange(b"by the old one", port), b"by the old one")
        self.assertEqual(self.client().output("echo on a new one"), b"on a new one\n")
        process.terminate()
        self.wait_until(lambda: not self.trunks(user="alice"), what="the end of the trunks")


@needs_bastion
class Policy(RemoteForwardingCase):
    target_options = 'remote_forwarding = ["127.0.0.1:20000-20100", "/tmp/allowed-*.sock"]'

    @classmethod
    def configuration(cls):
        rule = '[[route.channel]]\nrequest = "tcpip-forward"\ndeny = "no ports"\n'
        return bastion_config(ssh_target("web1", cls.sshd, more=cls.target_options)
                              + route("no ports", "web1", users=["bob"], channels=rule) + route("all", "web1"))

    def refused(self, listen, why, user="alice"):
        mark = self.bastion.mark()
        result = self.client(user, ExitOnForwardFailure="yes").run(flags=("-N", "-R", f"{listen}:127.0.0.1:9"))
        self.assertEqual(result.returncode, 255)
        self.assertIn(b"forwarding failed", result.stderr)
        self.bastion.wait_for(why, since=mark)

    def test_what_is_not_listed_is_refused(self):
        self.refused("20101", r"not in remote_forwarding \(127\.0\.0\.1:20000-20100")
        self.refused("*:20001", r"not in remote_forwarding")
        self.refused("0", r"not in remote_forwarding")
        self.refused("/tmp/other.sock", r"not in remote_forwarding")
        self.refused("/tmp/allowed-/../x.sock", r"the socket path has .*\.\..* in it")

    def test_a_rule_denies(self):
        self.refused("20001", r"forward refused .*no ports", user="bob")

    def test_a_key_may_forbid_it(self):
        keys = self.workspace / "authorized_keys" / "carol"
        self.workspace.key("carol")
        keys.write_text("restrict " + self.workspace.public_key("carol") + "\n")
        mark = self.bastion.mark()
        client = self.client("carol", key="carol", ExitOnForwardFailure="yes")
        self.assertEqual(client.run(flags=("-N", "-R", "20001:127.0.0.1:9")).returncode, 255)
        self.bastion.wait_for("forward refused .*options forbid it", since=mark)


if __name__ == "__main__":
    main()
