"""Session channels through the relay: what a user's ssh sees must be what it sees without a bastion."""

import fcntl
import os
import pty
import re
import signal
import struct
import subprocess
import termios

from harness.case import BastionCase, main, read_until
from harness.process import PATIENCE, eventually
from harness.workspace import clean_environment


class ExitStatusTest(BastionCase):
    def test_exit_statuses_arrive_unchanged(self):
        for status in (0, 1, 2, 127, 255):
            with self.subTest(status=status):
                self.assertEqual(self.client().run(f"exit {status}").returncode, status)

    def test_a_death_by_signal_is_255_as_without_a_bastion(self):
        self.assertEqual(self.client().run("kill -TERM $$").returncode, 255)

    def test_an_unknown_command_is_127_with_the_shells_message(self):
        result = self.client().run("/does/not/exist")
        self.assertEqual(result.returncode, 127)
        self.assertIn(b"/does/not/exist", result.stderr)

    def test_a_status_comes_with_the_output_before_it(self):
        result = self.client().run("head -c 300000 /dev/zero; exit 7")
        self.assertEqual((len(result.stdout), result.returncode), (300000, 7))


class StreamsTest(BastionCase):
    def test_stdout_and_stderr_stay_apart(self):
        result = self.client().run("echo out; echo err >&2; echo out2")
        self.assertEqual((result.stdout, result.stderr), (b"out\nout2\n", b"err\n"))

    def test_a_lot_of_stderr_arrives_whole(self):
        result = self.client().run("head -c 3000000 /dev/zero >&2; echo done")
        self.assertEqual((len(result.stderr), result.stdout), (3000000, b"done\n"))

    def test_input_reaches_the_command(self):
        self.assertEqual(self.client().output("tr a-z A-Z", input=b"hello\n"), b"HELLO\n")

    def test_the_clients_eof_leaves_the_commands_output_open(self):
        result = self.client().run("cat >/dev/null; echo after-eof; exit 3", input=b"data")
        self.assertEqual((result.stdout, result.returncode), (b"after-eof\n", 3))

    def test_the_commands_eof_leaves_the_clients_input_open(self):
        process = self.spawn(self.client().popen("exec >&- 2>&-; read line; test \"$line\" = late"))
        self.assertEqual(read_until(process.stdout, lambda data: False), b"")  # EOF of its output alone
        process.stdin.write(b"late\n")
        self.assertEqual(process.wait(PATIENCE), 0)

    def test_a_closed_output_ends_an_endless_command(self):
        # Needs eow@openssh.com to pass; without it `yes` never learns that nobody reads.
        process = self.spawn(subprocess.Popen(
            ["sh", "-c", f"{self.client().command_line()} 127.0.0.1 yes | head -1"], stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=clean_environment(), start_new_session=True))
        self.assertEqual(process.communicate(timeout=PATIENCE)[0], b"y\n")

    def test_no_input_with_minus_n(self):
        self.assertEqual(self.client().output("cat; echo end", flags=["-n"]), b"end\n")

    def test_environment_that_the_target_accepts_passes(self):
        client = self.client(SetEnv='SP_ONE="first value"')
        self.assertEqual(client.output("echo \"$SP_ONE\""), b"first value\n")

    def test_environment_that_the_target_does_not_accept_does_not_pass(self):
        self.assertEqual(self.client(SetEnv="OTHER=x").output("echo \"[$OTHER]\""), b"[]\n")


class ShellTest(BastionCase):
    def test_a_shell_without_a_terminal_runs_what_it_reads(self):
        result = self.client().run(flags=["-T"], input=b"echo shell-$((6*7))\nexit 4\n")
        self.assertIn(b"shell-42\n", result.stdout)
        self.assertEqual(result.returncode, 4)

    def test_a_subsystem_runs(self):
        # SSH_FXP_INIT version 3 is answered by SSH_FXP_VERSION.
        process = self.spawn(self.client().popen("sftp", flags=["-s"]))
        process.stdin.write(struct.pack(">IBI", 5, 1, 3))
        answer = read_until(process.stdout, lambda data: len(data) >= 5)
        self.assertEqual(answer[4], 2)

    def test_an_unknown_subsystem_is_refused(self):
        result = self.client().run("no-such-subsystem", flags=["-s"])
        self.assertNotEqual(result.returncode, 0)
        self.assertIn(b"subsystem request failed", result.stderr)


class TerminalTest(BastionCase):
    def setUp(self):
        self.master, self.slave = pty.openpty()
        self.addCleanup(os.close, self.master)
        self.addCleanup(os.close, self.slave)
        self.resize(41, 132)

    def resize(self, rows, columns):
        fcntl.ioctl(self.slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def start(self, *args, client=None):
        """ssh -tt with our terminal as its input and output."""
        argv = (client or self.client()).argv(*args, flags=["-tt"])
        return self.spawn(subprocess.Popen(
            argv, stdin=self.slave, stdout=self.slave, stderr=subprocess.PIPE, env=clean_environment(TERM="vt220"),
            start_new_session=True))

    def read(self, pattern, timeout=PATIENCE):
        master = os.fdopen(os.dup(self.master), "rb", buffering=0)
        with master:
            return read_until(master, lambda data: re.search(pattern, data), timeout)

    def test_modes_size_and_type_of_the_terminal_arrive(self):
        modes = termios.tcgetattr(self.slave)
        modes[6][termios.VINTR] = b"\x07"
        modes[6][termios.VERASE] = b"\x08"
        modes[0] = modes[0] & ~termios.IXON | termios.IXANY
        modes[1] |= termios.OPOST
        termios.tcsetattr(self.slave, termios.TCSANOW, modes)
        self.start("stty -a; echo TERM=$TERM; tty; echo END")
        shown = self.read(rb"END\r?\n").decode()
        for expected in (r"intr = \^G", r"erase = \^H", r"-ixon\b", r"(?<!-)ixany", r"rows 41; columns 132", "TERM=vt220", "/dev/pts/"):
            self.assertRegex(shown, expected)

    def test_a_resized_window_is_seen(self):
        process = self.start("trap 'stty size; echo RESIZED' WINCH; echo READY; while :; do sleep 0.05; done")
        self.read(rb"READY")
        self.resize(50, 99)
        process.send_signal(signal.SIGWINCH)
        self.assertIn(b"50 99", self.read(rb"RESIZED"))

    def test_control_c_interrupts_the_foreground_command(self):
        process = self.start("echo READY; sleep 600")
        self.read(rb"READY")
        os.write(self.master, b"\x03")
        eventually(lambda: process.poll() is not None, what="the end of the session")
        self.assertIn(process.returncode, (130, 255))

    def test_an_interactive_shell_ends_with_its_status(self):
        process = self.start()
        os.write(self.master, b"echo VALUE-$((40+2)); exit 9\n")
        self.read(rb"VALUE-42")
        eventually(lambda: process.poll() is not None, what="the end of the session")
        self.assertEqual(process.returncode, 9)


if __name__ == "__main__":
    main()
