"""Wishes in their order, and answers that are the target's own: forwards that lean on each other, refused terminals and
programs, targets with habits of their own."""

import os
import socket
import subprocess
import threading
import unittest

from harness.case import BastionCase, main, needs_bastion, read_until
from harness.config import bastion_config, route, ssh_target
from harness.ports import free_port
from harness.process import PATIENCE, eventually
from harness.servers import Server, echo, talk
from harness.workspace import clean_environment, login_name

try:
    import paramiko
    from harness.peculiar_server import Interface, PeculiarServer
    from harness.raw import start_transport
except ImportError:
    paramiko = None


class Order(BastionCase):
    target_options = 'remote_forwarding = ["*"]\nlocal_forwarding = ["*"]'

    def test_a_connection_through_both_ways_of_one_ssh_at_once(self):
        """`ssh -f -N -R 9000:… -L 8000:127.0.0.1:9000`, and a connection to port 8000 as soon as there is one."""
        server = Server(echo)
        self.addCleanup(server.close)
        for attempt in range(6):
            if attempt % 2 == 0 and self.bastion is not None:
                self.bastion.control("exit", "main") if self.trunks() else None
                self.wait_until(lambda: not self.trunks(), what="a fresh trunk")
            remote, local = free_port(), free_port()
            master = self.workspace / f"master{attempt}"
            client = self.client(ControlMaster="yes", ControlPath=master)
            subprocess.run(client.argv(flags=["-f", "-N", "-R", f"127.0.0.1:{remote}:127.0.0.1:{server.port}",
                                              "-L", f"127.0.0.1:{local}:127.0.0.1:{remote}"]), check=True, timeout=PATIENCE,
                           stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                           env=clean_environment())
            self.addCleanup(client.with_(ControlMaster="no").run, flags=["-O", "exit"])
            with self.subTest(attempt):
                self.assertEqual(talk(socket.create_connection(("127.0.0.1", local), PATIENCE), b"round and round"),
                                 b"round and round")
            client.with_(ControlMaster="no").run(flags=["-O", "exit"])


class Refusals(BastionCase):
    """An sshd that gives no terminal, takes one variable and has no subsystem."""

    sshd_options = {"PermitTTY": "no", "AcceptEnv": "GOOD", "Subsystem": "other /bin/true"}

    @classmethod
    def configuration(cls):
        rule = '[[route.channel]]\nrequest = "exec"\ncommand = "never *"\ndeny = "never"\n'
        return bastion_config(ssh_target("main", cls.sshd) + ssh_target("ruled", cls.sshd) +
                              route("ruled", "ruled", targets=["ruled"], channels=rule) + route("everybody", "main"))

    def both(self):
        return ("alice", "alice+ruled")

    def test_a_refused_terminal_is_told_to_the_client(self):
        for user in self.both():
            with self.subTest(user):
                result = self.client(user).run("echo in", flags=["-tt"])
                self.assertIn(b"PTY allocation request failed", result.stderr)
                self.assertEqual(result.returncode, 255)  # which is the client's answer at sshd itself, too

    @unittest.skipIf(paramiko is None, "python3-paramiko is not installed")
    def test_a_library_learns_what_became_of_its_variables(self):
        channel = self.channel("alice")
        self.assertTrue(self.ask_env(channel, "GOOD"))
        self.assertFalse(self.ask_env(channel, "BAD"))
        channel.exec_command('echo "$GOOD$BAD"')
        self.assertEqual(channel.makefile("rb").read(), b"value\n")

    @unittest.skipIf(paramiko is None, "python3-paramiko is not installed")
    def test_where_a_rule_may_lead_elsewhere_it_learns_it_on_stderr(self):
        channel = self.channel("alice+ruled")
        self.assertTrue(self.ask_env(channel, "BAD"))
        channel.get_pty()
        channel.exec_command("echo in")
        self.assertEqual(channel.makefile("rb").read(), b"in\n")
        told = channel.makefile_stderr("rb").read()
        self.assertIn(b"target ruled refused the variable BAD", told)
        self.assertIn(b"target ruled refused the terminal", told)

    @unittest.skipIf(paramiko is None, "python3-paramiko is not installed")
    def test_after_a_refused_subsystem_the_channel_takes_a_command(self):
        for user in self.both():
            with self.subTest(user):
                channel = self.channel(user)
                with self.assertRaises(paramiko.SSHException):
                    self.subsystem(channel, "sftp")
                self.program(channel, "exec", "echo in")
                self.assertEqual(channel.makefile("rb").read(), b"in\n")

    def channel(self, user):
        transport = start_transport(self.bastion.port)
        self.addCleanup(transport.close)
        transport.auth_publickey(user, paramiko.Ed25519Key.from_private_key_file(str(self.workspace.key("alice"))))
        return transport.open_session(timeout=PATIENCE)

    @staticmethod
    def request(channel, kind, *strings):
        """A request that wants an answer. SSHException when that is a failure; the channel stays, unlike with paramiko's own calls."""
        message = paramiko.Message()
        message.add_byte(bytes([98]))
        message.add_int(channel.remote_chanid)
        message.add_string(kind)
        message.add_boolean(True)
        for text in strings:
            message.add_string(text)
        answer = threading.Event()
        failed = []
        channel._request_success = lambda _message: answer.set()
        channel._request_failed = lambda _message: (failed.append(kind), answer.set())
        table = dict(channel.transport._channel_handler_table)
        table[99] = lambda to, message: to._request_success(message)
        table[100] = lambda to, message: to._request_failed(message)
        channel.transport._channel_handler_table = table
        channel.transport._send_user_message(message)
        answered = answer.wait(PATIENCE)
        del channel._request_success, channel._request_failed
        if not answered:
            raise AssertionError(f"no answer to {kind}")
        if failed:
            raise paramiko.SSHException(f"{kind} was refused")

    def ask_env(self, channel, name):
        try:
            self.request(channel, "env", name, "value")
            return True
        except paramiko.SSHException:
            return False

    def subsystem(self, channel, name):
        self.request(channel, "subsystem", name)

    def program(self, channel, kind, text):
        self.request(channel, kind, text)


class Sockets(BastionCase):
    target_options = 'remote_forwarding = ["*"]'
    sshd_options = {"StreamLocalBindUnlink": "yes"}

    def test_the_newest_forward_of_a_socket_has_it(self):
        path = self.workspace / "taken.sock"
        clients = []
        for name in (b"first", b"second"):
            server = Server(lambda peer, said=name: peer.sendall(said))
            self.addCleanup(server.close)
            mark = self.bastion.mark()
            clients.append(self.spawn(self.client(ExitOnForwardFailure="yes").popen(
                flags=["-N", "-R", f"{path}:127.0.0.1:{server.port}"])))
            self.wait_until(lambda: self.said(path) == name, what="the forward")
            self.assertEqual(len(self.bastion.rows("forwards")), 1)
        self.bastion.wait_for("another connection of the user has it now", since=mark)
        # The older one is still there, and its end takes nothing away.
        self.assertIsNone(clients[0].poll())
        clients[0].terminate()
        clients[0].wait(PATIENCE)
        self.assertEqual(self.said(path), b"second")

    @staticmethod
    def said(path):
        """What is said there; None when nobody listens."""
        peer = socket.socket(socket.AF_UNIX)
        peer.settimeout(PATIENCE)
        try:
            peer.connect(str(path))
        except OSError:
            peer.close()
            return None
        return talk(peer, b"")


@needs_bastion
class Habits(BastionCase):
    """Targets with habits of their own, and what the login makes of them."""

    @classmethod
    def configuration(cls):
        cls.servers = {name: PeculiarServer(cls.workspace, interface, name) for name, interface in {
            "once": Once, "onlyone": OnlyOne, "mute": Mute, "open": Open, "telling": Telling, "slow": Slow, "busy": Interface,
            "change": Change}.items()}
        for server in cls.servers.values():
            cls.addClassCleanup(server.close)
        cls.workspace.write("habits_known_hosts", "".join(server.known_hosts_line() for server in cls.servers.values()))
        cls.workspace.write("secret", "hunter2\n")
        cls.workspace.key("stranger")
        credentials = {"open": '"key:keys/stranger"', "change": '"password-file:secret"', "telling": '"keyboard-interactive"'}
        body = "".join(f'''
[target.{name}]
address = "127.0.0.1:{server.port}"
user = "tester"
credentials = [{credentials.get(name, '"key:keys/upstream"')}]
known_hosts = "habits_known_hosts"
connect_timeout = "10s"
''' for name, server in cls.servers.items())
        return bastion_config(body + route("all", "{target}", targets=list(cls.servers)))

    def at(self, target, user="alice", **options):
        return self.client(f"{user}+{target}", key=user, **options)

    def test_one_session_in_a_connections_life(self):
        for word in ("one", "two", "three", "four"):
            self.assertEqual(self.at("once").output(word), word.encode())
        # Learnt: but for the first refusal, each has a connection without asking.
        self.assertEqual(self.servers["once"].connections, 4)

    def test_one_session_at_a_time(self):
        sessions = [self.spawn(self.at("onlyone").popen(word)) for word in ("a", "b", "c")]
        self.assertEqual([session.communicate(timeout=PATIENCE)[0] for session in sessions], [b"a", b"b", b"c"])

    def test_a_target_that_answers_no_request(self):
        result = self.at("mute").run("echo", flags=["-tt"])
        self.assertEqual(result.stdout, b"said at once")
        self.assertEqual(result.returncode, 0)
        self.assertNotIn(b"failed", result.stderr)

    def test_a_login_without_a_secret(self):
        self.assertEqual(self.at("open").output("in"), b"in")
        self.bastion.wait_for('upstream login target=open .*credential="none"')

    def test_a_question_without_prompts_needs_nobody(self):
        self.assertEqual(self.at("telling").output("in"), b"in")
        self.bastion.control("exit", "telling")
        session = self.spawn(self.at("telling").with_(RequestTTY="force", LogLevel="ERROR").popen("in"))
        seen = read_until(session.stderr, lambda data: b"Maintenance at noon." in data, one_by_one=True)
        self.assertIn(b"(telling) Maintenance at noon.", seen)
        session.stdin.close()
        self.assertEqual(session.stdout.read(), b"in")

    def test_a_password_that_must_be_changed(self):
        result = self.at("change").run("in")
        self.assertIn(b"target change refused the login: its password must be changed", result.stderr)

    def test_a_login_that_takes_its_time(self):
        self.assertEqual(self.at("slow").output("in"), b"in")

    def test_a_busy_target_pauses_nobody(self):
        server = self.servers["busy"]
        server.busy = True
        for _ in range(2):
            self.assertIn(b"it is busy or down", self.at("busy").run("in").stderr)
        server.busy = False
        self.assertEqual(self.at("busy").output("in"), b"in")


if paramiko is None:
    del Habits
else:
    class Once(Interface):
        """One session in a connection's life."""

        def check_channel_request(self, kind, channel_id):
            answer = super().check_channel_request(kind, channel_id)
            return answer if self.sessions == 1 else paramiko.OPEN_FAILED_ADMINISTRATIVELY_PROHIBITED

    class OnlyOne(Interface):
        """One session at a time."""

        def check_channel_request(self, kind, channel_id):
            answer = super().check_channel_request(kind, channel_id)
            others = [channel for channel in self.transport._channels.values() if not channel.closed]
            return answer if len(others) <= 1 else paramiko.OPEN_FAILED_UNKNOWN_CHANNEL_TYPE

    class Mute(Interface):
        """Answers no channel request at all: prints something and ends when one comes for a program."""

        def __init__(self, server, transport):
            super().__init__(server, transport)
            send = transport._send_user_message

            def all_but_answers(message):
                if bytes(message.asbytes())[0] not in (99, 100):
                    send(message)
            transport._send_user_message = all_but_answers

        def check_channel_pty_request(self, *_):
            return True

        def check_channel_exec_request(self, channel, command):
            def answer():
                channel.sendall(b"said at once")
                channel.send_exit_status(0)
                channel.close()
            threading.Thread(target=answer, daemon=True).start()
            return True

    class Open(Interface):
        def check_auth_none(self, _username):
            # Only when the key has been refused.
            return paramiko.AUTH_SUCCESSFUL if self.server.attempts else paramiko.AUTH_FAILED

    class Telling(Interface):
        def get_allowed_auths(self, _username):
            return "keyboard-interactive"

        def check_auth_interactive(self, _username, _submethods):
            return paramiko.InteractiveQuery("", "Maintenance at noon.")

        def check_auth_interactive_response(self, responses):
            return paramiko.AUTH_FAILED if responses else paramiko.AUTH_SUCCESSFUL

        def check_channel_pty_request(self, *_):
            return True

    class Slow(Interface):
        """Takes longer to accept a key than the bastion may take to connect."""

        def check_auth_publickey(self, username, key):
            threading.Event().wait(13)
            return super().check_auth_publickey(username, key)

    class Change(Interface):
        """Wants another password (PASSWD_CHANGEREQ)."""

        def get_allowed_auths(self, _username):
            return "password"

        def check_auth_password(self, _username, _password):
            message = paramiko.Message()
            message.add_byte(bytes([60]))
            message.add_string("Choose another one.")
            message.add_string("")
            self.transport._send_message(message)
            self.transport.auth_handler._send_auth_result = lambda *_: None  # and nothing else
            return paramiko.AUTH_FAILED

if __name__ == "__main__":
    main()
