"""Peers from before strict key exchange, where it is required: refused on both legs, with a reason that helps."""

import socket
import struct
import sys
import unittest
from pathlib import Path

from harness import raw
from harness.case import BastionCase, main, needs_bastion
from harness.config import bastion_config, local_target, route, ssh_target
from harness.process import PATIENCE
from harness.raw import read_string, string
from harness.servers import Server, receive_all

sys.path.append(str(Path(__file__).resolve().parents[1] / "hostile"))

DISCONNECT, KEXINIT = 1, 20
ALGORITHMS = ("curve25519-sha256", "ssh-ed25519", "aes128-ctr", "aes128-ctr", "hmac-sha2-256", "hmac-sha2-256", "none", "none", "", "")


def kexinit():
    """A packet that asks for a key exchange as everybody did it until 2023."""
    payload = bytes([KEXINIT]) + bytes(16) + b"".join(string(names) for names in ALGORITHMS) + bytes(5)
    padding = 8 - (5 + len(payload)) % 8
    padding += 8 if padding < 4 else 0
    return struct.pack(">IB", 1 + len(payload) + padding, padding) + payload + bytes(padding)


def payloads(data):
    """The messages of a first key exchange, behind the line that identifies the peer."""
    rest = data.partition(b"\n")[2]
    while len(rest) > 5:
        length, padding = struct.unpack_from(">IB", rest)
        yield rest[5:4 + length - padding]
        rest = rest[4 + length:]


def farewell(data):
    """The text of the DISCONNECT in it, or None."""
    for payload in payloads(data):
        if payload[0] == DISCONNECT:
            return read_string(payload, 5)[0].decode()
    return None


def old_peer(connection):
    """Whatever the other side answers, until it goes."""
    connection.settimeout(PATIENCE)
    connection.sendall(b"SSH-2.0-old\r\n" + kexinit())
    return receive_all(connection)


@needs_bastion
class StrictKexTest(BastionCase):
    @classmethod
    def configuration(cls):
        cls.heard = []
        old = Server(lambda connection: cls.heard.append(old_peer(connection)))
        cls.addClassCleanup(old.close)
        body = (local_target("shell") + ssh_target("main", cls.sshd) + ssh_target("old", address=f"127.0.0.1:{old.port}")
                + route("shell", "shell", targets=["shell"]) + route("others", "{target}", targets=["*"]))
        return bastion_config(body, algorithms="require_strict_kex = true\n")

    def test_openssh_gets_through_both_legs(self):
        result = self.client("alice+main").run("echo through")
        self.assertEqual((result.returncode, result.stdout), (0, b"through\n"), result.stderr)

    def test_an_old_client_is_told_why(self):
        with socket.create_connection(("127.0.0.1", self.bastion.port), PATIENCE) as connection:
            self.assertEqual(farewell(old_peer(connection)), "strict key exchange is required here")

    def test_who_comes_through_an_old_target_is_told_why(self):
        result = self.client("alice+old").run("true")
        self.assertNotEqual(result.returncode, 0)
        self.assertRegex(result.stderr.decode(), "target old can't be reached: it doesn't know strict key exchange, which is required")
        self.assertEqual(farewell(self.heard[0]), "strict key exchange is required here")


@needs_bastion
@unittest.skipUnless(raw.paramiko, "python3-paramiko is not installed")
class LaterExchangeTest(BastionCase):
    """Only a peer's first KEXINIT says whether exchanges are strict (OpenSSH's PROTOCOL, 1.10)."""

    def exchange_again(self, strict, marker):
        import peer  # needs what paramiko needs
        connection = peer.connect(self.bastion.port, strict=strict, cipher=peer.CHACHA)
        self.addCleanup(connection.close)
        connection.handshake().log_in("alice", peer.load_key(self.workspace.key("alice")))
        ignored = bytes([peer.IGNORE]) + string("x")
        for _ in range(2):
            connection.exchange_keys(extra=[ignored], marker=marker)
            connection.send(bytes([peer.GLOBAL_REQUEST]) + string("x@example.org") + b"\1")
            connection.receive(peer.REQUEST_FAILURE)

    def test_a_marker_comes_too_late(self):
        self.exchange_again(strict=False, marker=b"kex-strict-c-v00@openssh.com")

    def test_a_marker_is_needed_once(self):
        self.exchange_again(strict=True, marker=b"")

    def test_a_marker_may_be_repeated(self):
        self.exchange_again(strict=True, marker=b"kex-strict-c-v00@openssh.com")


if __name__ == "__main__":
    main()
