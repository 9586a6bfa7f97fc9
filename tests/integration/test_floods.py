"""Who may do nothing can't fill the disk either: what is refused takes little of the log and the audit trail, and is counted."""

import json
import os
import struct
import unittest

from harness import raw
from harness.case import BastionCase, main, needs_bastion
from harness.config import bastion_config, route, ssh_target
from harness.raw import GLOBAL_REQUEST, OPEN, RawConnection, exchange, string

MINUTE = 256 * 1024  # bytes of both together that one client may write in one
NASTY = b"\x1b" * 30_000


@needs_bastion
@unittest.skipUnless(raw.paramiko, "python3-paramiko is not installed")
class FloodCase(BastionCase):
    log = 'level = "info"\n'

    @classmethod
    def configuration(cls):
        body = ssh_target("main", cls.sshd) + route("everybody", "main")
        return bastion_config(body, log=cls.log, limits='max_auth_tries = 20\nmax_startups = "1000:30:1000"\nmax_startups_per_source = 0\n')

    def written(self):
        self.client().output("true")
        return len(self.bastion.log().encode()) + os.path.getsize(self.bastion.audit_file)


class StrangersTest(FloodCase):
    def test_connections_that_say_nothing_of_sense(self):
        before = self.written()
        for _ in range(1000):
            exchange(self.bastion.port, b"GET / HTTP/1.1\r\n\r\n")
        self.assertLess(self.written() - before, MINUTE)

    def test_long_names(self):
        before = self.written()
        for _ in range(5):
            transport = raw.start_transport(self.bastion.port)
            transport._handler_table, transport._channel_handler_table, transport.auth_handler = {}, {}, None
            self.addCleanup(transport.close)
            for payload in (b"\x05" + string("ssh-userauth"),
                            *[b"\x32" + string(NASTY) + string("ssh-connection") + string("password") + b"\0" + string("x")] * 20):
                message = raw.paramiko.Message()
                message.add_bytes(payload)
                try:
                    transport._send_message(message)
                except (EOFError, OSError, raw.paramiko.SSHException):
                    break
            transport.close()
        self.assertLess(self.written() - before, MINUTE)


class RefusedTest(FloodCase):
    def test_everything_that_a_client_may_not_do(self):
        before = self.written()
        client = RawConnection(self.bastion.port, "alice", self.workspace / "keys/alice")
        self.addCleanup(client.close)
        for number in range(1000):
            client.send(OPEN, string(NASTY[:3000]) + struct.pack(">III", number, 1 << 20, 32768))
            client.send(OPEN, string("direct-tcpip") + struct.pack(">III", number, 1 << 20, 32768) + string(NASTY[:200]) +
                        struct.pack(">I", 22) + string("127.0.0.1") + struct.pack(">I", 1))
            client.send(GLOBAL_REQUEST, string("tcpip-forward") + b"\1" + string(NASTY[:200]) + struct.pack(">I", 0))
            client.send(GLOBAL_REQUEST, string(NASTY[:3000]) + b"\1")
        for _ in range(4000):
            client.next()
        for number in range(20):
            self.client().output(f"echo {number} >/dev/null")
        self.assertLess(self.written() - before, MINUTE)
        programs = [event["command"] for event in self.bastion.audit() if event["event"] == "exec"]
        for number in range(20):
            self.assertIn(f"echo {number} >/dev/null", programs)
        self.wait_until(lambda: any(event["event"] == "suppressed" and event["count"] > 1000 for event in self.bastion.audit()),
                        what="the sum in the audit trail")
        self.wait_until(lambda: "more records suppressed" in self.bastion.log(), what="the sum in the log")


class RefusedInJsonTest(RefusedTest):
    log = 'level = "info"\nformat = "json"\n'

    def tearDown(self):
        for line in self.bastion.log().splitlines():
            json.loads(line)


if __name__ == "__main__":
    main()
