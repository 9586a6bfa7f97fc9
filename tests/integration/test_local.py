"""Channels that end on the bastion: targets of kind local and [[route.channel]] rules."""

import os
import re
import struct
import subprocess
import unittest

from harness import raw
from harness.case import BastionCase, main, needs_bastion, read_line, read_until
from harness.config import bastion_config, local_target, route, ssh_target
from harness.openssh import sftp_server
from harness.process import PATIENCE, eventually, open_descriptors, process_stat, zombies
from harness.raw import RawConnection, requests_in, string
from harness.workspace import clean_environment, login_name, sha256


class LocalBase(BastionCase):
    @classmethod
    def configuration(cls):
        subsystem = f'subsystems = {{ sftp = ["{sftp_server()}"] }}' if sftp_server() else ""
        other_user = local_target("nobody", more='user = "nobody"')
        rules = '''
  [[route.channel]]
  request = "exec"
  command_regex = "bastion-.*"
  to = "shell"
  [[route.channel]]
  request = "exec"
  command = "forbidden*"
  deny = "not on a weekday"
'''
        return bastion_config(
            ssh_target("main", cls.sshd) + other_user
            + local_target("shell", more='environment = { LANG = "C.UTF-8", FIXED = "yes" }\n'
                           'accept_environment = ["LC_*", "SP_*"]\n' + subsystem)
            + route("local", "{target}", targets=["shell", "nobody"]) + route("mixed", "main", channels=rules))

    @classmethod
    def local(cls, **options):
        return cls.client("alice+shell", **options)


@needs_bastion
class LocalCommandTest(LocalBase):
    def test_exit_statuses(self):
        for status in (0, 1, 42, 255):
            self.assertEqual(self.local().run(f"exit {status}").returncode, status)

    def test_streams_stay_apart_and_input_arrives(self):
        result = self.local().run("cat; echo err >&2", input=b"in\n")
        self.assertEqual((result.stdout, result.stderr), (b"in\n", b"err\n"))

    def test_a_shell_reads_its_commands(self):
        result = self.local().run(flags=["-T"], input=b"echo $((6*7)); exit 5\n")
        self.assertEqual((result.stdout, result.returncode), (b"42\n", 5))

    def test_much_output_and_much_input(self):
        self.assertEqual(len(self.local().output("head -c 20000000 /dev/zero")), 20000000)
        self.assertEqual(self.local().output("wc -c", input=b"\0" * 5_000_000).strip(), b"5000000")

    def test_the_clients_eof_leaves_the_output_open(self):
        result = self.local().run("cat >/dev/null; echo after; exit 3", input=b"x")
        self.assertEqual((result.stdout, result.returncode), (b"after\n", 3))

    def test_the_commands_eof_leaves_its_input_open(self):
        process = self.spawn(self.local().popen("exec >&- 2>&-; read line; test \"$line\" = late"))
        self.assertEqual(read_until(process.stdout, lambda data: False), b"")
        process.stdin.write(b"late\n")
        self.assertEqual(process.wait(PATIENCE), 0)

    def test_the_environment_is_made_from_scratch(self):
        client = self.local(SetEnv="LC_TEST=accepted LD_PRELOAD_X=refused SP_A=b")
        shown = dict(line.split("=", 1) for line in client.output("env").decode().splitlines() if "=" in line)
        self.assertEqual(shown.get("LC_TEST"), "accepted")
        self.assertEqual(shown.get("SP_A"), "b")
        self.assertEqual(shown.get("LANG"), "C.UTF-8")
        self.assertEqual(shown.get("FIXED"), "yes")
        for name in ("HOME", "SHELL", "PATH"):
            self.assertIn(name, shown)
        self.assertEqual((shown["USER"], shown["LOGNAME"]), (login_name(), login_name()))
        self.assertRegex(shown["SSH_CONNECTION"], r"^127\.0\.0\.1 \d+ 127\.0\.0\.1 %d$" % self.bastion.port)
        self.assertNotIn("LD_PRELOAD_X", shown)
        self.assertFalse([name for name in shown if name.endswith("SAN_OPTIONS")], "the daemon's own environment leaks")

    def test_no_descriptor_of_the_daemon_reaches_a_child(self):
        listed = self.local().output("ls -l /proc/self/fd").decode()
        numbers = {int(number) for number in re.findall(r" (\d+) ->", listed)}
        self.assertLessEqual(numbers, {0, 1, 2, 3}, listed)  # 3 is ls's own

    @unittest.skipUnless(os.getuid() == 0, "needs root")
    def test_another_local_user(self):
        shown = self.client("alice+nobody").output("id -un; id -Gn; echo $USER").decode().split()
        self.assertEqual(shown[0], "nobody")
        self.assertEqual(shown[-1], "nobody")
        self.assertNotIn("root", shown)

    @unittest.skipUnless(sftp_server(), "no sftp-server")
    def test_the_sftp_subsystem(self):
        source, digest = self.workspace.random_file("sftp-source", 1_000_000)
        target = self.workspace / "sftp-target"
        done = self.local().run("127.0.0.1", flags=["-b", "-"], input=f"put {source} {target}\n".encode(), program="sftp")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(sha256(target), digest)

    def test_an_unknown_subsystem_is_refused(self):
        self.assertNotEqual(self.local().run("nothing", flags=["-s"]).returncode, 0)

    def test_children_come_and_go_without_a_trace(self):
        self.local().output("true")
        before = len(open_descriptors(self.bastion.pid))
        done = self.spawn(self.local(ControlMaster="yes", ControlPath=self.workspace / "cm").popen(flags=["-N"]))
        eventually((self.workspace / "cm").exists, what="the control socket")
        for number in range(100):
            client = self.local(ControlPath=self.workspace / "cm")
            self.assertEqual(client.run(f"exit {number}").returncode, number)
        done.kill()
        done.wait()
        eventually(lambda: not zombies(self.bastion.pid), what="no zombie")
        eventually(lambda: len(open_descriptors(self.bastion.pid)) <= before + 1, what="as few descriptors as before")

    def test_a_closed_output_ends_an_endless_command(self):
        process = self.spawn(subprocess.Popen(
            ["sh", "-c", f"{self.local().command_line()} 127.0.0.1 'echo $$ >&2; exec yes' | head -1"], stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=clean_environment(), start_new_session=True))
        output, errors = process.communicate(timeout=PATIENCE)
        self.assertEqual(output, b"y\n")
        pid = int(errors.split()[0])
        eventually(lambda: (process_stat(pid) or "Z")[0] == "Z", what="the end of yes")

    def test_the_group_is_hung_up_when_the_client_dies(self):
        process = self.spawn(self.local().popen("sleep 987 & echo $! $$; wait"))
        pids = [int(number) for number in read_line(process).split()]
        process.kill()
        eventually(lambda: all((process_stat(pid) or "Z")[0] == "Z" for pid in pids), what="the end of the group")


@needs_bastion
@unittest.skipUnless(os.getuid() == 0, "needs root")
class AccountsTest(BastionCase):
    """Who may become whom, and what they get."""

    @classmethod
    def configuration(cls):
        return bastion_config(
            local_target("implicit", more='permit_accounts = ["*"]')
            + local_target("other", more='user = "daemon"\npermit_accounts = ["nobody"]')
            + local_target("confined", more='user = "nobody"\npermit_accounts = ["nobody"]\ngroups = ["tty"]\numask = "0077"\n'
                           'limits = { nofile = 99, core = 0 }\nno_new_privs = true\nrecord_login = false')
            + local_target("open-jail", more='user = "nobody"\npermit_accounts = ["nobody"]\nchroot = "/tmp"')
            + local_target("absent", more='user = "{user}"\npermit_accounts = ["*"]')
            + route("local", "{target}", targets=["*"]))

    def told(self, name):
        result = self.client(f"alice+{name}").run("id")
        self.assertEqual((result.returncode, result.stdout), (255, b""))
        return result.stderr.decode()

    def test_root_must_be_named(self):
        self.assertIn("the account may not be used", self.told("implicit"))
        self.bastion.wait_for(r"program could not be started user=alice request=exec command=.id. reason=.*permit_accounts, which must name root")

    def test_other_accounts_are_refused(self):
        self.assertIn("this account is not allowed", self.told("other"))
        self.assertIn("the program could not be started", self.told("absent"))
        shown = self.bastion.control("explain", "user=alice,target=other").stdout
        self.assertIn("decided by permit_accounts of target other", shown)

    def test_a_chroot_that_others_may_write_is_refused(self):
        self.assertIn("the program could not be started", self.told("open-jail"))
        self.bastion.wait_for(r"chroot: /tmp must be owned by root, and nobody else may write there")

    def test_what_the_account_gets(self):
        shown = self.client("alice+confined").output(
            "id -un; id -Gn; umask; ulimit -n; ulimit -c; grep -o 'NoNewPrivs.*' /proc/self/status").decode().splitlines()
        self.assertEqual(shown, ["nobody", "nogroup tty", "0077", "99", "0", "NoNewPrivs:\t1"])


@needs_bastion
@unittest.skipUnless(raw.paramiko, "python3-paramiko is not installed")
class LocalRequestsTest(LocalBase):
    def open(self):
        connection = RawConnection(self.bastion.port, "alice+shell", self.workspace.key("alice"))
        self.addCleanup(connection.close)
        return connection, connection.open()

    def test_a_signal_is_delivered_to_the_group_and_reported(self):
        connection, channel = self.open()
        self.assertTrue(connection.exec(channel, "trap '' TERM; trap 'echo got; exit 6' USR1; echo up; while :; do sleep 0.1; done"))
        connection.expect(raw.DATA)
        connection.request(channel, "signal", string("USR1"), want_reply=False)
        output, messages = connection.until_close()
        self.assertEqual(output, b"got\n")
        self.assertEqual(requests_in(messages)["exit-status"], struct.pack(">I", 6))

    def test_a_death_by_signal_is_an_exit_signal(self):
        connection, channel = self.open()
        connection.exec(channel, "kill -SEGV $$")
        _, messages = connection.until_close()
        name, offset = raw.read_string(requests_in(messages)["exit-signal"], 0)
        self.assertEqual(name, b"SEGV")
        self.assertIn(requests_in(messages)["exit-signal"][offset], (0, 1))

    def test_a_terminal_with_its_modes_and_size(self):
        connection, channel = self.open()
        modes = struct.pack(">BIBIB", 1, 7, 3, 8, 0)  # VINTR ^G, VERASE ^H
        pty = string("vt220") + struct.pack(">IIII", 132, 41, 0, 0) + string(modes)
        self.assertTrue(connection.request(channel, "pty-req", pty))
        command = ("stty -a; echo TERM=$TERM; test \"$(tty)\" = \"$SSH_TTY\" && echo SAME-TTY; "
                   "trap 'stty size; exit 7' WINCH; : </dev/tty && echo CONTROLLING; echo READY; while :; do sleep 0.1; done")
        self.assertTrue(connection.exec(channel, command))
        shown = b""
        while b"READY" not in shown:
            shown += raw.read_string(connection.expect(raw.DATA)[1], 4)[0]
        for expected in (rb"intr = \^G", rb"erase = \^H", rb"rows 41; columns 132", rb"TERM=vt220", rb"SAME-TTY", rb"CONTROLLING"):
            self.assertRegex(shown, expected)
        connection.request(channel, "window-change", struct.pack(">IIII", 99, 50, 0, 0), want_reply=False)
        output, messages = connection.until_close()
        self.assertIn(b"50 99", output)
        self.assertEqual(requests_in(messages)["exit-status"], struct.pack(">I", 7))

    def test_closing_the_channel_hangs_up_the_group(self):
        connection, channel = self.open()
        connection.exec(channel, "sleep 987 & echo $! $$; wait")
        pids = [int(word) for word in raw.read_string(connection.expect(raw.DATA)[1], 4)[0].split()]
        connection.send(raw.CLOSE, struct.pack(">I", channel))
        eventually(lambda: all((process_stat(pid) or "Z")[0] == "Z" for pid in pids), what="the end of the group")


@needs_bastion
class ChannelRulesTest(LocalBase):
    def test_a_rule_sends_a_command_to_the_bastion(self):
        result = self.client().run("bastion-cmd 2>/dev/null; echo on $PPID")
        self.assertEqual(result.returncode, 0)
        self.assertEqual(int(result.stdout.split()[1]), self.bastion.pid)

    def test_other_commands_go_to_the_target(self):
        self.assertNotEqual(int(self.client().output("echo $PPID")), self.bastion.pid)

    def test_a_denied_command_is_told_why(self):
        result = self.client().run("forbidden thing")
        self.assertNotEqual(result.returncode, 0)
        self.assertIn(b"not on a weekday", result.stderr)

    def test_upstream_and_local_channels_live_in_one_connection(self):
        master = self.spawn(self.client(ControlMaster="yes", ControlPath=self.workspace / "mix").popen(flags=["-N"]))
        eventually((self.workspace / "mix").exists, what="the control socket")
        client = self.client(ControlPath=self.workspace / "mix")
        running = self.spawn(client.popen("cat"))
        for number in range(10):
            self.assertEqual(client.run(f"bastion-x 2>/dev/null; exit {number}").returncode, number)
            self.assertEqual(client.run(f"exit {number}").returncode, number)
            running.stdin.write(b"line\n")
            self.assertEqual(read_line(running), b"line\n")
        self.assertEqual(len(self.bastion.rows("connections")), 1)
        self.assertIsNone(master.poll())


if __name__ == "__main__":
    main()
