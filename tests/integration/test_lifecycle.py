"""What happens to trunks in the course of time: stop, exit, renew, and the roll-over at max_age."""

import concurrent.futures
import threading
import time

from harness.case import BastionCase, main, needs_bastion, read_line
from harness.process import PATIENCE


@needs_bastion
class VerbsTest(BastionCase):
    def test_stop_lets_the_old_session_finish_and_the_next_one_start(self):
        process, echo = self.echo_session()
        [before] = self.trunks(user="alice")
        result = self.bastion.control("stop", "main", "--user", "alice")
        self.assertEqual((result.status, result.stdout), (0, "1 trunk stopped: no new channels, the old ones finish\n"))
        echo(b"old")
        self.assertEqual(self.client().output("echo new"), b"new\n")
        self.assertEqual(len(self.trunks(user="alice")), 2)
        process.stdin.close()
        self.assertEqual(process.wait(PATIENCE), 0)
        self.wait_until(lambda: before["id"] not in [row["id"] for row in self.trunks()], what="the end of the old trunk")

    def test_exit_ends_the_sessions_of_that_user_alone(self):
        process, _ = self.echo_session()
        _, bob = self.echo_session(self.client("bob"))
        count = len(self.trunks(user="alice"))
        self.assertEqual(self.bastion.query("exit", "main", "--user", "alice"), {"ended": count})
        _, errors = process.communicate(timeout=PATIENCE)
        self.assertEqual(process.returncode, 255)
        self.assertIn(b"ended by the administrator", errors)
        bob(b"unharmed")
        self.assertEqual(self.client().output("echo again"), b"again\n")

    def test_renew_brings_a_fresh_login(self):
        self.client("bob").output("true")
        mark = self.sshd.mark()
        self.assertEqual(self.bastion.control("renew", "main", "--user", "bob").status, 0)
        self.client("bob").output("true")
        self.assertEqual(self.sshd.logins(mark), 1)

    def test_check_asks_the_trunks(self):
        _, echo = self.echo_session()
        found = self.bastion.query("check", "main", "--user", "alice")
        self.assertTrue(found["healthy"])
        self.assertTrue(all(row["answers"] and row["round_trip_ms"] < 60000 for row in found["trunks"]))
        self.assertIn(" ms", self.bastion.control("check", "main").stdout)
        echo(b"unharmed")

    def test_verbs_about_nothing_fail(self):
        for verb in ("stop", "exit", "renew", "check"):
            result = self.bastion.control(verb, "main", "--user", "nobody")
            self.assertEqual((result.status, result.stdout), (1, ""))
            self.assertIn('no trunk to target "main" of user "nobody"', result.stderr)
            self.assertEqual(self.bastion.control(verb, "elsewhere").status, 1)
            self.assertEqual(self.bastion.control(verb).status, 2)


@needs_bastion
class ChannelTimeoutTest(BastionCase):
    """Commands on which nothing happens end."""

    target_options = 'channel_timeouts = { "session:exec" = "1s" }'

    def test_a_silent_command_is_ended(self):
        begun = time.monotonic()
        result = self.client().run("sleep 60", timeout=PATIENCE)
        self.assertEqual(result.returncode, 255)
        self.assertIn(b"nothing has happened here for too long", result.stderr)
        self.assertGreater(time.monotonic() - begun, 0.9)

    def test_shells_have_no_time_out_here(self):
        process = self.spawn(self.client().popen(flags=["-T"]))
        process.stdin.write(b"sleep 2; echo done\n")
        process.stdin.flush()
        self.assertEqual(read_line(process), b"done\n")


@needs_bastion
class SpeakingTest(BastionCase):
    """Commands that say something now and then don't end. The time-out is far from that, for a machine that stalls."""

    target_options = 'channel_timeouts = { "session:exec" = "4s" }'

    def test_one_that_speaks_goes_on(self):
        result = self.client().run("for i in 1 2 3 4 5 6 7 8 9; do sleep 0.5; echo $i; done; exit 3")
        self.assertEqual((result.returncode, result.stdout.split()), (3, [b"%d" % i for i in range(1, 10)]))


@needs_bastion
class RollOverTest(BastionCase):
    """A trunk lives for a second; sessions come without a pause, so that many begin in the moment of a change."""

    target_options = 'max_age = "1s"'

    def test_every_session_succeeds(self):
        _, echo = self.echo_session()
        mark = self.sshd.mark()
        enough = threading.Event()

        def work(worker):
            count = 0
            while not enough.is_set() or count < 10:
                result = self.client().run(f"echo {worker}.{count}; exit {count % 100}")
                self.assertEqual((result.returncode, result.stdout), (count % 100, f"{worker}.{count}\n".encode()),
                                 result.stderr)
                count += 1

        with concurrent.futures.ThreadPoolExecutor(3) as pool:
            workers = [pool.submit(work, worker) for worker in range(3)]
            try:
                self.wait_until(lambda: self.sshd.logins(mark) >= 5 or any(worker.done() for worker in workers),
                                what="five changes of trunks")
            finally:
                enough.set()
            for worker in workers:
                worker.result()
        self.assertGreaterEqual(self.sshd.logins(mark), 5)
        echo(b"on the oldest trunk")
        self.wait_until(lambda: len(self.sshd.connections()) <= 2, what="the end of the old trunks")


if __name__ == "__main__":
    main()
