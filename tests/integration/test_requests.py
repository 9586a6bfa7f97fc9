"""Channel requests that stock clients rarely send: signals, break, unknown ones, and the order of everything at the end."""

import os
import struct
import unittest

from harness import raw
from harness.case import DIRECT, BastionCase, main
from harness.raw import RawConnection, requests_in, string


@unittest.skipUnless(raw.paramiko, "python3-paramiko is not installed")
class RequestsTest(BastionCase):
    def connect(self, user="alice"):
        port = self.sshd.port if DIRECT else self.bastion.port
        connection = RawConnection(port, self.client().user, self.workspace.key(user))
        self.addCleanup(connection.close)
        return connection

    def test_a_signal_reaches_the_command_and_its_death_is_reported(self):
        connection = self.connect()
        channel = connection.open()
        self.assertTrue(connection.exec(channel, "echo up; exec sleep 600"))
        connection.expect(raw.DATA)
        mark = self.sshd.mark()
        connection.request(channel, "signal", string("TERM"), want_reply=False)
        # For root sshd delivers no signals before version 9.9 or so; that it was asked to is what it logs then.
        self.wait_until(lambda: "signalling requires privilege separation" in self.sshd.log(mark) or connection.has_come(raw.REQUEST),
                        what="the signal's arrival")
        if not connection.has_come(raw.REQUEST):
            return
        _, messages = connection.until_close()
        signal_name, _ = raw.read_string(requests_in(messages)["exit-signal"], 0)
        self.assertEqual(signal_name, b"TERM")

    def test_a_break_on_a_terminal_is_accepted(self):
        connection = self.connect()
        channel = connection.open()
        self.assertTrue(connection.request(channel, "pty-req", string("vt100") + struct.pack(">IIII", 80, 24, 0, 0) + string(b"\0")))
        self.assertTrue(connection.exec(channel, "exec cat"))
        self.assertTrue(connection.request(channel, "break", struct.pack(">I", 10)))

    def test_an_unknown_request_is_refused_and_the_session_goes_on(self):
        connection = self.connect()
        channel = connection.open()
        self.assertTrue(connection.exec(channel, "exec cat"))
        self.assertFalse(connection.request(channel, "no-such-request@example.org", b"anything"))
        connection.data(channel, b"still here")
        self.assertEqual(raw.read_string(connection.expect(raw.DATA)[1], 4)[0], b"still here")

    def test_status_follows_the_data_and_close_follows_the_status(self):
        connection = self.connect()
        for status in range(8):
            channel = connection.open(number=status)
            connection.exec(channel, f"echo x; exit {status}")
            output, messages = connection.until_close()
            self.assertEqual(output, b"x\n")
            kinds = [kind for kind, _ in messages if kind in (raw.DATA, raw.REQUEST, raw.CLOSE)]
            self.assertEqual(kinds[-1], raw.CLOSE)
            self.assertEqual(struct.unpack(">I", requests_in(messages)["exit-status"])[0], status)
            connection.send(raw.CLOSE, struct.pack(">I", channel))

    def test_replies_come_in_the_order_of_the_requests(self):
        connection = self.connect()
        channel = connection.open()
        self.assertTrue(connection.exec(channel, "exec cat"))
        wanted = []
        for index in range(20):
            known = index % 3 == 0
            name, payload = ("window-change", struct.pack(">IIII", 80, 24, 0, 0)) if known else ("unknown@example.org", b"")
            connection.send(raw.REQUEST, struct.pack(">I", channel) + string(name) + b"\1" + payload)
            wanted.append(name)
        answers = [connection.expect(raw.SUCCESS, raw.FAILURE)[0] for _ in wanted]
        for name, answer in zip(wanted, answers):
            if name.startswith("unknown"):
                self.assertEqual(answer, raw.FAILURE)

    def test_a_global_request_that_nobody_knows_fails(self):
        connection = self.connect()
        connection.send(raw.GLOBAL_REQUEST, string("what@example.org") + b"\1")
        self.assertEqual(connection.expect(raw.REQUEST_SUCCESS, raw.REQUEST_FAILURE)[0], raw.REQUEST_FAILURE)

    def test_no_more_data_than_the_clients_window(self):
        connection = self.connect()
        channel = connection.open(window=1000, maximum=500)
        connection.exec(channel, "head -c 5000 /dev/zero")
        received = 0
        while received < 1000:
            _, payload = connection.expect(raw.DATA)
            data, _ = raw.read_string(payload, 4)
            self.assertLessEqual(len(data), 500)
            received += len(data)
        self.assertEqual(received, 1000)
        connection.send(raw.WINDOW_ADJUST, struct.pack(">II", channel, 10000))
        output, _ = connection.until_close()
        self.assertEqual(len(output), 4000)


if __name__ == "__main__":
    main()
