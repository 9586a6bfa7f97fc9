"""Who shares an upstream connection with whom, and what happens when it is full, lost or crowded."""

import concurrent.futures
import os
import signal
import time

from harness.case import BastionCase, main, needs_bastion, read_until
from harness.config import bastion_config, route, ssh_target
from harness.process import PATIENCE


@needs_bastion
class SharingTest(BastionCase):
    target_options = "channels_per_trunk = 50"
    sshd_options = {"MaxSessions": "100"}

    def test_clients_of_one_user_share_and_users_do_not(self):
        mark = self.sshd.mark()
        _, alice_one = self.echo_session()
        _, alice_two = self.echo_session()
        _, bob_one = self.echo_session(self.client("bob"))
        rows = self.bastion.rows("trunks")
        self.assertEqual(sorted(row["user"] for row in rows), ["alice", "bob"])
        self.assertEqual(next(row for row in rows if row["user"] == "alice")["channels"], 2)
        self.assertLessEqual(self.sshd.logins(mark), 2)
        self.wait_until(lambda: len(self.sshd.connections()) == 2, what="the end of the other tests' connections")
        for echo in (alice_one, alice_two, bob_one):
            echo(b"again")

    def test_many_clients_at_once_wait_for_one_trunk(self):
        self.sshd.drop_connections()
        self.wait_until(lambda: not self.trunks(user="alice"), what="the end of alice's trunk")
        mark = self.sshd.mark()
        with concurrent.futures.ThreadPoolExecutor(10) as pool:
            statuses = list(pool.map(lambda number: self.client().run(f"exit {number}").returncode, range(10)))
        self.assertEqual(statuses, list(range(10)))
        self.assertEqual(self.sshd.logins(mark), 1)

    def test_a_dying_client_harms_nobody_on_its_trunk(self):
        _, echo = self.echo_session()
        for command in ("cat /dev/zero", "cat >/dev/null"):
            bulk = self.spawn(self.client().popen(command))
            if command == "cat /dev/zero":
                received = 0
                while received < 4 << 20:
                    received += len(os.read(bulk.stdout.fileno(), 1 << 16))
            else:
                for _ in range(64):
                    bulk.stdin.write(b"\0" * 65536)
            echo(b"beside bulk")
            bulk.kill()
            bulk.wait()
            for _ in range(20):
                echo(b"after the other's death")
        self.wait_until(lambda: len(self.bastion.rows("channels")) == 1, what="the end of the dead clients' channels")
        self.assertEqual(len(self.trunks(user="alice")), 1)

    def test_a_client_that_stops_reading_stops_nobody_else(self):
        _, echo = self.echo_session()
        bulk = self.spawn(self.client().popen("cat /dev/zero"))
        os.read(bulk.stdout.fileno(), 65536)
        bulk.send_signal(signal.SIGSTOP)
        try:
            begun = time.monotonic()
            while time.monotonic() - begun < 1:
                echo(b"not stopped")
        finally:
            bulk.send_signal(signal.SIGCONT)

    def test_a_lost_trunk_is_said_and_replaced(self):
        process, _ = self.echo_session(self.client("bob"))
        self.sshd.drop_connections()
        _, errors = process.communicate(timeout=PATIENCE)
        self.assertNotEqual(process.returncode, 0)
        self.assertNotEqual(errors.strip(), b"", "the client was told nothing")
        self.assertEqual(self.client("bob").output("echo back"), b"back\n")


class MaxSessions(BastionCase):
    """A hundred sessions of one user where the target takes fewer per connection than the bastion believes."""

    max_sessions = None
    clients = 100
    # All at once, a slow machine takes its time over their logins.
    sections = {"limits": 'max_connections_per_user = 300\nmax_startups = "300:30:400"\nmax_startups_per_source = 0\nlogin_grace_time = "10m"'}
    target_options = 'channels_per_trunk = 64\nconnect_timeout = "5m"'

    @classmethod
    def setUpClass(cls):
        cls.sshd_options = {"MaxSessions": str(cls.max_sessions)}
        super().setUpClass()

    def check(self):
        sessions = [self.spawn(self.client().popen(f"echo {number}; read end; exit {number}")) for number in range(self.clients)]
        for number, process in enumerate(sessions):
            answer = read_until(process.stdout, lambda data: data.endswith(b"\n"))
            self.assertEqual(answer, b"%d\n" % number, answer or process.communicate()[1])
        self.assertGreaterEqual(len(self.sshd.connections()), -(-self.clients // self.max_sessions))
        for process in sessions:
            process.stdin.write(b"\n")
        for number, process in enumerate(sessions):
            self.assertEqual(process.wait(PATIENCE), number)


@needs_bastion
class MaxSessions1Test(MaxSessions):
    max_sessions, clients = 1, 20

    def test_every_session_gets_a_trunk_of_its_own(self):
        self.check()


@needs_bastion
class MaxSessions2Test(MaxSessions):
    max_sessions, clients = 2, 30

    def test_overflow_goes_to_other_trunks(self):
        self.check()


@needs_bastion
class MaxSessions10Test(MaxSessions):
    max_sessions = 10

    def test_a_hundred_clients_notice_nothing(self):
        self.check()

    def test_slots_are_used_again(self):
        for number in range(30):
            self.assertEqual(self.client().run(f"exit {number}").returncode, number)


@needs_bastion
class IdleTest(BastionCase):
    @classmethod
    def configuration(cls):
        return bastion_config(ssh_target("main", cls.sshd, more='idle_timeout = "1s"') + route("everybody", "main"))

    def test_a_trunk_without_channels_ends_after_the_idle_time(self):
        mark = self.bastion.mark()
        self.client().output("true")
        trunk = self.bastion.wait_for(r"trunk=(\w+) ready", since=mark).group(1)
        self.bastion.wait_for(rf'trunk={trunk} closed reason=".*idle', since=mark)
        self.wait_until(lambda: not self.trunks(), what="the end of the idle trunk")
        self.wait_until(lambda: not self.sshd.connections(), what="the end of its connection")
        self.client().output("true")


if __name__ == "__main__":
    main()
