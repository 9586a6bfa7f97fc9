"""Peers that break the protocol: they get its own error or are disconnected with a logged reason, and nobody else notices."""

import os
import struct
import unittest

from harness import raw
from harness.case import BastionCase, main, needs_bastion
from harness.raw import Disconnected, RawConnection, exchange, packet, requests_in, string


class BadInput(BastionCase):
    sections = {"limits": 'login_grace_time = "10m"\n'}  # whoever is sent away is sent away for what they did
    sshd_options = {"MaxSessions": "300"}
    target_options = "channels_per_trunk = 300"

    def setUp(self):
        self.bystander, self.echo = self.echo_session()
        self.mark = self.bastion.mark()

    def tearDown(self):
        """Whatever the offender did, the other client of the same user goes on, on the same trunk."""
        for _ in range(5):
            self.echo(b"undisturbed")
        self.assertIsNone(self.bystander.poll())
        self.assertEqual(self.client().output("echo new client"), b"new client\n")
        self.assertEqual(len(self.trunks(user="alice")), 1)


@needs_bastion
class BeforeLoginTest(BadInput):
    def offend(self, data, half_close=False):
        answer = exchange(self.bastion.port, data, half_close=half_close)
        self.assertIsNotNone(answer, "the offender is still connected")
        self.bastion.wait_for(r"conn=", since=self.mark)
        return answer

    def test_random_bytes(self):
        self.offend(os.urandom(100_000))

    def test_an_endless_line(self):
        self.offend(b"A" * 1_000_000)

    def test_http(self):
        self.offend(b"GET / HTTP/1.1\r\nHost: bastion\r\n\r\n" * 50)

    def test_half_a_banner(self):
        self.offend(b"SSH-2.0-hal", half_close=True)

    def test_ssh_version_1(self):
        self.offend(b"SSH-1.5-old\r\n")

    def test_a_huge_packet_length(self):
        for length in (0xFFFFFFFF, 0x7FFFFFFF, 1 << 20, 0, 1, 3):
            with self.subTest(length=length):
                self.offend(b"SSH-2.0-huge\r\n" + struct.pack(">I", length) + b"\4" + b"x" * 300_000)

    def test_a_wrong_padding_length(self):
        self.offend(b"SSH-2.0-pad\r\n" + struct.pack(">IB", 12, 255) + b"\x14" * 400, half_close=True)

    def test_messages_of_the_connection_protocol_before_the_key_exchange(self):
        for kind in range(80, 101):
            with self.subTest(message=kind):
                self.offend(b"SSH-2.0-early\r\n" + packet(bytes([kind]) + string("session") + b"\0" * 12) * 3, half_close=True)

    def test_a_truncated_kexinit(self):
        self.offend(b"SSH-2.0-short\r\n" + packet(b"\x14" + b"\0" * 10) * 2, half_close=True)

    def test_lists_that_lie_about_their_length(self):
        self.offend(b"SSH-2.0-lie\r\n" + packet(b"\x14" + b"\0" * 16 + b"\xff\xff\xff\xff" + b"x" * 50), half_close=True)

    def test_many_peers_that_connect_and_leave(self):
        for _ in range(100):
            exchange(self.bastion.port, b"SSH-2.0-x\r\n", half_close=True)


@needs_bastion
@unittest.skipUnless(raw.paramiko, "python3-paramiko is not installed")
class BeforeAuthenticationTest(BadInput):
    def test_channel_messages_between_key_exchange_and_login(self):
        for kind, payload in ((raw.OPEN, string("session") + struct.pack(">III", 0, 1 << 20, 32768)),
                              (raw.GLOBAL_REQUEST, string("tcpip-forward") + b"\1"),
                              (raw.REQUEST, struct.pack(">I", 0) + string("shell") + b"\1"),
                              (raw.DATA, struct.pack(">I", 0) + string("x"))):
            with self.subTest(message=kind):
                transport = raw.start_transport(self.bastion.port)
                self.addCleanup(transport.close)
                message = raw.paramiko.Message()
                message.add_byte(bytes([kind]))
                message.add_bytes(payload)
                transport._send_message(message)
                self.wait_until(lambda: not transport.is_active(), what=f"the end of the connection that sent {kind}")


@needs_bastion
@unittest.skipUnless(raw.paramiko, "python3-paramiko is not installed")
class AfterLoginTest(BadInput):
    def connect(self):
        connection = RawConnection(self.bastion.port, "alice", self.workspace.key("alice"))
        self.addCleanup(connection.close)
        return connection

    def running(self, command="exec cat", **options):
        """A connection with a running command, and the channel's number."""
        connection = self.connect()
        channel = connection.open(**options)
        self.assertTrue(connection.exec(channel, command))
        return connection, channel

    def disconnected(self, connection):
        self.assertTrue(connection.wait_closed(), "the offender is still connected")
        self.bastion.wait_for(r"conn=.*(protocol|violat|unknown|window|channel|malformed|reason|closed)", since=self.mark)

    def test_a_channel_number_that_is_not_the_senders(self):
        payloads = {raw.DATA: string("x"), raw.EXTENDED_DATA: struct.pack(">I", 1) + string("x"), raw.EOF: b"", raw.CLOSE: b"",
                    raw.REQUEST: string("shell") + b"\1",
                    raw.OPEN_CONFIRMATION: struct.pack(">III", 0, 1, 1), raw.OPEN_FAILURE: struct.pack(">I", 1) + string("x") + string("")}
        for number in (7, 0xFFFFFFFF):
            for kind, payload in payloads.items():
                with self.subTest(message=kind, number=number):
                    connection, _ = self.running()
                    connection.send(kind, struct.pack(">I", number) + payload)
                    self.disconnected(connection)

    def test_a_channel_number_that_is_nobodys_where_sshd_looks_at_none(self):
        connection, channel = self.running()
        for number in (7, 0xFFFFFFFF):
            for kind, payload in {raw.WINDOW_ADJUST: struct.pack(">I", 1), raw.SUCCESS: b"", raw.FAILURE: b""}.items():
                connection.send(kind, struct.pack(">I", number) + payload)
        connection.data(channel, b"still here")
        self.assertTrue(self.echoed(connection, 10))
        self.assertTrue(connection.alive)

    def test_more_data_than_the_window(self):
        """The channel ends, and nothing else: here sshd ends the connection, which for us may be more than the offender's."""
        connection, channel = self.running("sleep 600")
        for _ in range(400):  # 12 MB into a command that reads nothing
            connection.data(channel, b"x" * 32000)
        connection.expect(raw.CLOSE)
        channel = connection.open(number=1)
        self.assertTrue(connection.exec(channel, "true"))

    def test_a_packet_larger_than_the_maximum(self):
        connection, channel = self.running()
        connection.data(channel, b"x" * 60000)
        self.wait_until(lambda: not connection.alive or self.echoed(connection, 60000), what="an error or the echo")

    def echoed(self, connection, size):
        got = 0
        try:
            while got < size:
                got += len(raw.read_string(connection.expect(raw.DATA)[1], 4)[0])
        except Disconnected:
            return True
        return True

    def test_a_window_that_overflows(self):
        connection, channel = self.running(window=0xFFFFFFFF)
        try:
            connection.send(raw.WINDOW_ADJUST, struct.pack(">II", channel, 0xFFFFFFFF))
            connection.data(channel, b"x")
        except Disconnected:
            pass  # as good
        self.wait_until(lambda: not connection.alive or self.echoed(connection, 1), what="an error or the echo")

    def test_a_second_shell_and_a_second_exec(self):
        connection, channel = self.running()
        self.assertFalse(connection.request(channel, "shell"))
        self.assertFalse(connection.exec(channel, "echo second"))
        self.assertFalse(connection.request(channel, "subsystem", string("sftp")))
        connection.data(channel, b"first lives")
        self.assertEqual(raw.read_string(connection.expect(raw.DATA)[1], 4)[0], b"first lives")

    def test_a_thousand_channels(self):
        connection = self.connect()
        for number in range(1000):
            connection.send(raw.OPEN, string("session") + struct.pack(">III", number, 1 << 20, 32768))
        answers = [connection.expect(raw.OPEN_CONFIRMATION, raw.OPEN_FAILURE)[0] for _ in range(1000)]
        self.assertEqual(answers.count(raw.OPEN_CONFIRMATION), 256)  # max_channels_per_connection
        self.echo(b"beside a thousand channels")

    def test_channels_of_unknown_types(self):
        connection = self.connect()
        for kind in ("no-such-type@example.org", "x" * 10000, ""):
            connection.send(raw.OPEN, string(kind) + struct.pack(">III", 0, 1 << 20, 32768))
            self.assertEqual(connection.expect(raw.OPEN_CONFIRMATION, raw.OPEN_FAILURE)[0], raw.OPEN_FAILURE)

    def test_texts_with_a_zero_inside_never_reach_the_target(self):
        connection = self.connect()
        channel = connection.open()
        for name, payload in (("exec", string(b"echo a\0b")), ("subsystem", string(b"sf\0tp")),
                              ("env", string(b"SP_\0A") + string(b"x")), ("env", string(b"SP_A") + string(b"x\0y"))):
            self.assertFalse(connection.request(channel, name, payload), name)
        self.assertTrue(connection.exec(channel, b"true"))

    def test_truncated_requests_never_reach_the_target(self):
        cases = {"window-change": [b"", struct.pack(">III", 80, 24, 0), struct.pack(">IIIII", 80, 24, 0, 0, 0)],
                 "pty-req": [b"", string("vt100"), string("vt100") + struct.pack(">IIII", 80, 24, 0, 0),
                             string("vt100") + struct.pack(">IIII", 80, 24, 0, 0) + struct.pack(">I", 9999) + b"\0"],
                 "env": [b"", string("A"), struct.pack(">I", 0xFFFFFFF0) + b"A"], "signal": [b"", struct.pack(">I", 99)],
                 "exec": [b"", struct.pack(">I", 5) + b"ab"], "subsystem": [b"\0\0"], "shell": [b"extra"], "break": [b"\0"]}
        for name, payloads in cases.items():
            for payload in payloads:
                for started in (False, True):
                    with self.subTest(request=name, payload=payload[:20], started=started):
                        connection = self.connect()
                        try:
                            channel = connection.open()
                            if started:
                                connection.exec(channel, "exec cat")
                            self.assertFalse(connection.request(channel, name, payload))
                        except Disconnected:
                            pass  # as good: the offender alone is gone
                        finally:
                            connection.close()

    def test_truncated_messages(self):
        for kind in range(80, 101):
            for payload in (b"", b"\0\0\0", struct.pack(">I", 0) + b"\xff\xff\xff\xff"):
                with self.subTest(message=kind, payload=payload):
                    connection, _ = self.running()
                    connection.send(kind, payload)
                    connection.close()
        self.echo(b"still there")

    def test_data_on_a_closed_channel(self):
        connection, channel = self.running()
        connection.send(raw.CLOSE, struct.pack(">I", channel))
        connection.expect(raw.CLOSE)
        connection.data(channel, b"a moment too late")  # clients with threads do this; see Connection::kRest
        channel = connection.open()
        connection.exec(channel, "exit 3")
        _, messages = connection.until_close()
        self.assertEqual(requests_in(messages)["exit-status"], struct.pack(">I", 3))
        connection.data(channel + 100, b"for nobody")
        self.disconnected(connection)

    def test_data_after_eof(self):
        connection, channel = self.running()
        try:
            connection.send(raw.EOF, struct.pack(">I", channel))
            connection.data(channel, b"after the end")
            connection.until_close()
        except Disconnected:
            pass

    def test_twice_eof_and_twice_close(self):
        connection, channel = self.running("sleep 600")
        try:
            for kind in (raw.EOF, raw.EOF, raw.CLOSE, raw.CLOSE):
                connection.send(kind, struct.pack(">I", channel))
        except Disconnected:
            pass  # in the middle of it

    def test_data_before_the_command(self):
        connection = self.connect()
        channel = connection.open()
        try:
            connection.data(channel, b"early")
            connection.exec(channel, "exit 3")
            _, messages = connection.until_close()
            self.assertEqual(requests_in(messages)["exit-status"], struct.pack(">I", 3))
        except Disconnected:
            pass

    def test_a_flood_of_requests(self):
        connection, channel = self.running()
        try:
            for _ in range(5000):
                connection.send(raw.REQUEST, struct.pack(">I", channel) + string("flood@example.org") + b"\1")
            for _ in range(5000):
                self.assertEqual(connection.expect(raw.SUCCESS, raw.FAILURE)[0], raw.FAILURE)
        except Disconnected:
            self.bastion.wait_for(r"conn=.*too many", since=self.mark)  # told why and sent away: as good
        self.echo(b"beside the flood")


if __name__ == "__main__":
    main()
