"""How the pool treats targets: the pace of logins, refused ones, few sessions, and connections that no longer answer."""

import concurrent.futures
import contextlib
import os
import signal

from harness.case import BastionCase, main, needs_bastion, read_until
from harness.config import bastion_config, route, ssh_target
from harness.process import PATIENCE, children


@needs_bastion
class MaxStartupsTest(BastionCase):
    """sshd drops whoever is more than the third that is logging in; users come all at once."""

    users = tuple(f"user{number}" for number in range(12))
    sshd_options = {"MaxStartups": "6:100:6"}  # it takes note a moment late that somebody has logged in
    sections = {"limits": "max_logins_per_target = 2"}
    target_options = 'connect_timeout = "5m"'

    def test_logins_of_many_users_take_turns(self):
        mark = self.sshd.mark()
        with concurrent.futures.ThreadPoolExecutor(len(self.users)) as pool:
            with held_up(self.sshd.pid):
                running = pool.map(lambda user: self.client(user).run(f"echo {user}"), self.users)
                self.bastion.wait_for("waiting for its turn to log in")
            results = list(running)
        for user, result in zip(self.users, results):
            self.assertEqual((result.returncode, result.stdout), (0, user.encode() + b"\n"), result.stderr)
        self.assertEqual(self.sshd.logins(mark), len(self.users))
        self.assertNotIn("MaxStartups", self.sshd.log())


@contextlib.contextmanager
def held_up(pid):
    """Stops a process meanwhile: what is to meet there has the time to."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


@needs_bastion
class WrongKeyTest(BastionCase):
    """alice's key for the target is none that it knows; bob's is good."""

    target_options = 'connect_timeout = "5m"'

    @classmethod
    def configuration(cls):
        cls.workspace.key("stranger")
        wrong = ssh_target("wrong", cls.sshd, more=cls.target_options).replace("keys/upstream", "keys/stranger")
        return bastion_config(wrong + ssh_target("main", cls.sshd) + route("alice", "wrong", users=["alice"])
                              + route("others", "main"))

    def refused(self):
        result = self.client().run("true")
        self.assertEqual(result.returncode, 255)
        return result.stderr.decode()

    def attempts(self, mark):
        return self.sshd.log(mark).count("Connection from")

    def test_a_refused_login_pauses_that_user_alone(self):
        mark = self.sshd.mark()
        messages = [self.refused() for _ in range(6)]
        self.assertTrue(all("target wrong refused the login" in message for message in messages), messages)
        paused = sum("; next attempt in " in message for message in messages)
        self.assertGreater(paused, 0)
        self.assertEqual(self.attempts(mark), len(messages) - paused)
        self.bastion.wait_for_audit("pause", user="alice", target="wrong")
        self.assertEqual(self.client("bob").output("echo fine"), b"fine\n")

    def test_a_burst_tries_the_key_once(self):
        self.bastion.control("renew", "wrong")
        mark = self.sshd.mark()
        with concurrent.futures.ThreadPoolExecutor(12) as pool:
            with held_up(self.sshd.pid):
                running = pool.map(lambda _: self.refused(), range(12))
                self.wait_until(lambda: len([row for row in self.bastion.rows("channels") if row["request"] == "exec"]) == 12,
                                what="twelve who wait")
            messages = list(running)
        self.assertTrue(all("refused the login" in message for message in messages))
        self.assertLessEqual(self.attempts(mark), 2)

    def test_renew_lets_the_user_try_at_once(self):
        self.bastion.control("renew", "wrong")
        self.refused()
        self.assertEqual(self.bastion.control("renew", "wrong").status, 0)
        mark = self.sshd.mark()
        self.assertNotIn("next attempt", self.refused())
        self.assertEqual(self.attempts(mark), 1)


@needs_bastion
class DownTest(BastionCase):
    def test_whoever_restarts_the_server_need_not_wait(self):
        port = self.sshd.port
        self.client().output("true")
        self.sshd.drop_connections()
        self.sshd.stop()
        for _ in range(5):
            result = self.client().run("true")
            self.assertIn(b"connection refused", result.stderr)
        self.sshd.start(port=port)
        self.assertEqual(self.client().output("echo back"), b"back\n")


@needs_bastion
class LearningTest(BastionCase):
    sshd_options = {"MaxSessions": "2"}

    def test_the_next_trunks_start_with_the_limit(self):
        sessions = []
        for number in range(8):
            process = self.spawn(self.client().popen(f"echo {number}; read end"))
            self.assertEqual(read_until(process.stdout, lambda data: data.endswith(b"\n")), b"%d\n" % number)
            sessions.append(process)
        rows = self.trunks(user="alice")
        self.assertEqual([row["channel_limit"] for row in rows], [2] * 4)
        self.assertEqual(self.bastion.log().count("target refuses more sessions"), 1, "it was learnt once")


@needs_bastion
class SilentTargetTest(BastionCase):
    """A trunk whose other end has stopped without a word, as behind a firewall that forgot the connection."""

    # It is noticed after some 4 s, and given up after 14 s: what happens in between has time on a slow machine.
    target_options = 'connect_timeout = "4s"\nkeepalive_interval = "2s"\nkeepalive_count = 6'

    def stop_trunks(self):
        pids = [pid for monitor in self.sshd.connections() for pid in [monitor, *children(monitor)]]
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        self.addCleanup(self.wake, pids)

    @staticmethod
    def wake(pids):
        for pid in pids:
            try:
                os.kill(pid, signal.SIGCONT)
            except ProcessLookupError:
                pass

    def test_a_new_session_moves_to_a_fresh_trunk(self):
        process, _ = self.echo_session()
        [old] = self.trunks()
        mark = self.bastion.mark()
        self.stop_trunks()

        def asked():
            return [row["channels"] for row in self.trunks(id=old["id"])]
        self.assertEqual(self.client().output("echo moved"), b"moved\n")
        self.bastion.wait_for(f"trunk={old['id']} silent, new channels go elsewhere", since=mark)
        before = asked()
        self.assertEqual(self.client().output("echo at once"), b"at once\n")
        self.assertEqual(asked(), before, "nobody asks the silent trunk again")
        self.assertNotEqual(process.wait(PATIENCE), 0)
        self.assertIn(b"was lost", process.stderr.read())
        self.wait_until(lambda: len(self.trunks()) == 1, what="the end of the silent trunk")


if __name__ == "__main__":
    main()
