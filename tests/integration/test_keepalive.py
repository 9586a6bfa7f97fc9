"""Keepalives on both legs: answered where they arrive, and a peer that no longer answers is noticed."""

import os
import signal
import time

from harness.case import BastionCase, main, needs_bastion
from harness.process import PATIENCE, children, eventually


@needs_bastion
class KeepaliveTest(BastionCase):
    """Whoever isn't heard for five or six seconds is given up, and a machine may come to a stop for some of them."""

    sshd_options = {"ClientAliveInterval": "1", "ClientAliveCountMax": "5"}
    target_options = 'keepalive_interval = "1s"\nkeepalive_count = 5'
    sections = {"defaults": 'keepalive_interval = "1s"\nkeepalive_count = 5'}

    def test_both_sides_keepalives_are_answered(self):
        _, echo = self.echo_session(self.client(ServerAliveInterval=1, ServerAliveCountMax=5))
        begun = time.monotonic()
        while time.monotonic() - begun < 8:
            time.sleep(0.5)  # silence is what lets keepalives fall due
        echo(b"still connected")

    def test_a_stopped_client_ends_alone_and_the_trunk_lives(self):
        _, echo = self.echo_session()
        stopped = self.spawn(self.client().popen("cat"))
        eventually(lambda: len(self.bastion.rows("connections")) == 2, what="the second connection")
        stopped.send_signal(signal.SIGSTOP)
        try:
            eventually(lambda: len(self.bastion.rows("connections")) == 1, what="the end of the stopped client")
        finally:
            stopped.send_signal(signal.SIGCONT)
        echo(b"unharmed")

    def test_a_stopped_target_is_noticed(self):
        process, _ = self.echo_session(self.client("bob"))
        trunk_pids = [pid for monitor in self.sshd.connections() for pid in [monitor, *children(monitor)]]
        for pid in trunk_pids:
            os.kill(pid, signal.SIGSTOP)
        try:
            self.assertNotEqual(process.wait(PATIENCE), 0)
            self.assertNotEqual(process.stderr.read().strip(), b"")
        finally:
            for pid in trunk_pids:
                try:
                    os.kill(pid, signal.SIGCONT)
                except ProcessLookupError:
                    pass
        self.assertEqual(self.client("bob").output("echo new"), b"new\n")


if __name__ == "__main__":
    main()
