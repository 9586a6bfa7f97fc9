"""The daemon's life: signals, reload, draining, logs, the audit trail and sallyportctl."""

import contextlib
import json
import os
import signal
import socket
import stat
import time

from harness.case import BastionCase, main, needs_bastion
from harness.config import bastion_config, local_target, route, ssh_target
from harness.process import PATIENCE


@needs_bastion
class ControlTest(BastionCase):
    def test_the_socket_and_the_audit_file_are_private(self):
        self.client().output("true")
        for path in (self.bastion.socket, self.bastion.audit_file):
            self.assertEqual(stat.S_IMODE(os.stat(path).st_mode), 0o600, path)

    def test_status(self):
        self.assertEqual(self.bastion.control("status").status, 0)
        self.assertEqual(self.bastion.query("status")["pid"], self.bastion.pid)

    def test_the_lists_show_a_session(self):
        _, echo = self.echo_session()
        channel = next(row for row in self.bastion.rows("channels") if row["command"] == "cat")
        self.assertEqual(channel["request"], "exec")
        connection = next(row for row in self.bastion.rows("connections") if row["id"] == channel["connection"])
        self.assertEqual(connection["user"], "alice")
        trunk = next(row for row in self.bastion.rows("trunks") if row["id"] == channel["trunk"])
        self.assertEqual((trunk["user"], trunk["target"]), ("alice", "main"))
        for verb in ("connections", "channels", "trunks"):
            table = self.bastion.control(verb)
            self.assertEqual(table.status, 0)
            self.assertIn("alice", table.stdout)
        echo()

    def test_kill_a_channel_and_a_connection(self):
        bystander, echo = self.echo_session(self.client("bob"))
        for verb in ("channels", "connections"):
            process, _ = self.echo_session()
            row = next(row for row in self.bastion.rows(verb) if row["user"] == "alice")
            self.assertEqual(self.bastion.control("kill", row["id"]).status, 0)
            self.assertNotEqual(process.wait(PATIENCE), 0)
            self.wait_until(lambda: not [row for row in self.bastion.rows("connections") if row["user"] == "alice"],
                            what="the end of alice's connection")
        echo()
        self.assertIsNone(bystander.poll())

    def test_a_wrong_id_and_a_wrong_verb_fail(self):
        self.assertNotEqual(self.bastion.control("kill", "c999999").status, 0)
        self.assertNotEqual(self.bastion.control("dance").status, 0)

    def test_garbage_on_the_socket_hurts_nobody(self):
        for data in (b"\0" * 100, b"{" * 5000 + b"\n", b"[]\n", b"\xff\xfe\n", b'{"verb": 7}\n', b"x" * 3_000_000):
            with socket.socket(socket.AF_UNIX) as peer:
                peer.connect(str(self.bastion.socket))
                try:
                    peer.sendall(data)
                except OSError:
                    pass
        self.assertEqual(self.bastion.control("status").status, 0)

    def test_audit_events_join_by_their_ids(self):
        command = "echo audited-session"
        self.client().output(command)
        executed = self.bastion.wait_for_audit("exec", command=command)
        connection, channel = executed["connection"], executed["channel"]
        self.bastion.wait_for_audit("connect", connection=connection)
        login = self.bastion.wait_for_audit("auth", connection=connection, success=True)
        self.assertEqual(login["login"], "alice")
        self.bastion.wait_for_audit("channel", channel=channel)
        self.bastion.wait_for_audit("close", connection=connection)
        self.assertTrue(all("time" in event for event in self.bastion.audit()))

    def test_strings_of_a_peer_are_escaped_in_the_log(self):
        mark = self.bastion.mark()
        self.client().run("printf x \x1b[31mred")
        self.client("alice\x1b[2J").run("true")
        self.bastion.wait_for("x1b|u001b|033", since=mark)
        self.assertNotIn("\x1b", self.bastion.log(mark))


@needs_bastion
class ReloadTest(BastionCase):
    def test_a_reload_keeps_sessions_and_applies_to_new_ones(self):
        process, echo = self.echo_session()
        self.bastion.write_config(bastion_config(
            ssh_target("main", self.sshd) + local_target("shell") + route("new", "shell", targets=["new"]) + route("all", "main")))
        self.bastion.process.signal(signal.SIGHUP)
        self.wait_until(lambda: self.client("alice+new").run("true").returncode == 0, what="the new route")
        echo(b"kept")
        self.assertIsNone(process.poll())
        # a broken file changes nothing
        self.bastion.write_config("[[route]]\nnonsense = 1\n")
        mark = self.bastion.mark()
        self.bastion.process.signal(signal.SIGHUP)
        self.bastion.wait_for(r"(?i)nonsense", since=mark)
        echo(b"kept again")
        self.assertEqual(self.client("alice+new").output("echo old rules"), b"old rules\n")
        self.assertNotEqual(self.bastion.control("reload").status, 0)
        self.bastion.write_config(self.configuration())
        self.assertEqual(self.bastion.control("reload").status, 0)


@needs_bastion
class LogFileTest(BastionCase):
    def test_sigusr1_opens_the_files_anew(self):
        self.client().output("true")
        moved = self.workspace / "moved.jsonl"
        self.bastion.wait_for_audit("close")
        os.rename(self.bastion.audit_file, moved)
        self.bastion.process.signal(signal.SIGUSR1)
        self.wait_until(self.bastion.audit_file.exists, what="a new audit file")
        size = moved.stat().st_size
        self.client().output("echo later")
        self.bastion.wait_for_audit("exec", command="echo later")
        self.assertEqual(moved.stat().st_size, size)
        for line in moved.read_text().splitlines():
            json.loads(line)


def kill_if_there(pid):
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


@needs_bastion
class TerminationTest(BastionCase):
    def setUp(self):
        if not self.bastion.process or not self.bastion.process.running():
            self.bastion.start()

    def test_sigterm_ends_an_idle_daemon(self):
        self.client().output("true")
        self.bastion.process.signal(signal.SIGTERM)
        self.assertEqual(self.bastion.process.wait(PATIENCE), 0)
        self.bastion.start()

    def test_sigterm_drains_then_ends(self):
        process, echo = self.echo_session()
        mark = self.bastion.mark()
        self.bastion.process.signal(signal.SIGTERM)
        self.bastion.wait_for(r"(?i)drain", since=mark)
        echo(b"while draining")
        reloaded = self.bastion.control("reload")  # which would have it listen again
        self.assertNotEqual(reloaded.status, 0)
        self.assertIn("ending", reloaded.stderr)
        refused = self.client().run("true")
        self.assertNotEqual(refused.returncode, 0)
        process.stdin.close()
        self.assertEqual(process.wait(PATIENCE), 0)
        self.assertEqual(self.bastion.process.wait(PATIENCE), 0)
        self.bastion.start()

    def test_nobody_waits_for_what_a_client_has_left_behind(self):
        """The target keeps the channel of a client that has gone open, as long as its program runs."""
        process = self.client().popen("echo $$; exec sleep 1000")
        left_behind = int(process.stdout.readline())
        self.addCleanup(kill_if_there, left_behind)
        process.kill()
        process.communicate()
        self.wait_until(lambda: not self.bastion.rows("connections"), what="the client's end")
        mark = self.bastion.mark()
        self.bastion.process.signal(signal.SIGTERM)
        self.assertEqual(self.bastion.process.wait(PATIENCE), 0)
        self.assertNotIn("ending connections", self.bastion.log(mark))  # which is said when the time to drain is over
        self.bastion.start()

    def test_a_second_sigterm_ends_at_once(self):
        process, _ = self.echo_session()
        mark = self.bastion.mark()
        self.bastion.process.signal(signal.SIGTERM)
        self.bastion.wait_for(r"(?i)drain", since=mark)
        self.bastion.process.signal(signal.SIGTERM)
        self.assertEqual(self.bastion.process.wait(PATIENCE), 0)
        self.assertNotEqual(process.wait(PATIENCE), 0)
        self.bastion.start()

    def test_no_signal_kills_it_while_it_ends(self):
        """Whoever stops it twice gets its own exit status, whenever the second signal comes."""
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1):
            self.bastion.process.signal(signal.SIGTERM)
            deadline = time.monotonic() + PATIENCE
            while self.bastion.process.running() and time.monotonic() < deadline:
                self.bastion.process.signal(number)
            self.assertEqual(self.bastion.process.wait(PATIENCE), 0, number)
            self.bastion.start()


if __name__ == "__main__":
    main()
