"""Old network gear: it calls itself 1.99, has a shell and nothing else, takes one session in a connection's life, and ends the connection
over what it doesn't know. What OpenSSH's client can do with it straight, it can do through the bastion.
"""

from harness import peers
from harness.case import main, read_until
from harness.openssh import OpenSsh
from harness.peers import Script
from test_peers import PeersCase
from test_peers_life import KEEPALIVES, QUESTIONS

if peers.peer:
    from peer import (CLOSE, FAILURE, SERVICE_ACCEPT, SERVICE_REQUEST, SUCCESS, USERAUTH_FAILURE, USERAUTH_REQUEST, USERAUTH_SUCCESS,
                      read_string, string, u32)

PROMPT = b"router>"
PASSWORD = b"hunter2"
INFO_REQUEST, INFO_RESPONSE = 60, 61  # RFC 4256


class OldDevice(Script):
    """The usual one: a shell with a prompt, and an end of the connection behind it, without a word."""

    def greet(self, connection):
        connection.peer.version = b"SSH-1.99-Cisco-1.25"
        super().greet(connection)

    def on_request(self, session, name, want_reply, fields):
        if name == b"pty-req":
            return session.send(SUCCESS) if want_reply else None
        if name == b"shell":
            return self.on_program(session, name, want_reply)
        return self.on_unknown(session, name, want_reply)

    def on_unknown(self, session, name, want_reply):
        """A request that it has no use for."""
        if want_reply:
            session.send(FAILURE)

    def on_program(self, session, command, want_reply):
        super().on_program(session, command, want_reply)
        session.data(PROMPT)

    def on_data(self, session, content):
        session.send(peers.WINDOW_ADJUST, u32(len(content)))
        session.data(content.replace(b"\r", b"\r\n"))
        if b"exit" in session.received:
            session.connection.send(session.message(CLOSE))
            session.connection.close()
        elif content.endswith((b"\r", b"\n")):
            session.data(b"12.4(24)T\r\n" + PROMPT)


class Abrupt(OldDevice):
    """Ends the connection over what it doesn't know, a second session among it."""

    def on_open(self, connection, kind, number):
        return connection.close() if connection.sessions else super().on_open(connection, kind, number)

    def on_unknown(self, session, name, want_reply):
        session.connection.close()

    def on_global_request(self, connection, name, want_reply, fields):
        connection.close()


class Curt(OldDevice):
    """Refuses a second session."""

    def on_open(self, connection, kind, number):
        return connection.refuse(number) if connection.sessions else super().on_open(connection, kind, number)


class Mute(Curt):
    """Answers nothing that it has no use for."""

    def on_unknown(self, session, name, want_reply):
        pass

    def on_global_request(self, connection, name, want_reply, fields):
        pass


class Crowded(OldDevice):
    """Takes any session, and refuses the program of a second one."""

    def on_program(self, session, command, want_reply):
        if session.ours > 0:
            return self.on_unknown(session, command, want_reply)
        return super().on_program(session, command, want_reply)


class Asks(Curt):
    """Lets in by what somebody knows, and by `method` alone."""

    method = b""

    def log_in(self, connection):
        while True:
            message = connection.peer.receive(SERVICE_REQUEST, USERAUTH_REQUEST, INFO_RESPONSE)
            if message[0] == SERVICE_REQUEST:
                connection.send(bytes([SERVICE_ACCEPT]) + message[1:])
            elif self.answers(connection, message):
                return connection.send(bytes([USERAUTH_SUCCESS]))

    def answers(self, connection, message):
        """Whether it is the right answer; else it is asked for."""
        if message[0] == INFO_RESPONSE and read_string(message, 5)[0] == PASSWORD:
            return True
        if message[0] == USERAUTH_REQUEST:
            _, offset = read_string(message, 1)
            _, offset = read_string(message, offset)
            method, offset = read_string(message, offset)
            if method == self.method:
                return self.begin(connection, message[offset:])
        connection.send(bytes([USERAUTH_FAILURE]) + string(self.method) + b"\0")
        return False


class AsksForPassword(Asks):
    method = b"password"

    def begin(self, connection, fields):
        if read_string(fields, 1)[0] == PASSWORD:
            return True
        connection.send(bytes([USERAUTH_FAILURE]) + string(self.method) + b"\0")
        return False


class Prompts(Asks):
    method = b"keyboard-interactive"

    def begin(self, connection, _fields):
        connection.send(bytes([INFO_REQUEST]) + string("") + string("") + string("") + u32(1) + string("Password: ") + b"\0")
        return False


class PromptsAbruptly(Prompts, Abrupt):
    pass


class OldDeviceTest(PeersCase):
    devices = {"old": OldDevice, "abrupt": Abrupt, "curt": Curt, "mute": Mute, "crowded": Crowded}
    scripts = {**devices, "asked": Script}
    options = KEEPALIVES

    def straight(self, name):
        return OpenSsh(self.workspace, self.targets[name].port, key="alice", host_key=f"{name}_host")

    def terminal(self, client):
        """A terminal at the device, at its prompt."""
        process = self.spawn(client.popen(flags=["-tt"]))
        self.read(process, PROMPT)
        return process

    def read(self, process, end):
        self.assertTrue(read_until(process.stdout, lambda data: data.endswith(end)).endswith(end))

    def ask(self, process):
        process.stdin.write(b"show version\n")
        self.read(process, b"12.4(24)T\r\n" + PROMPT)

    def leave(self, process):
        process.stdin.write(b"exit\n")
        return process.wait(peers.PATIENCE)

    def test_one_session_after_another(self):
        for name in self.devices:
            with self.subTest(name):
                found = []
                for client in (self.straight(name), self.client(f"alice+{name}")):
                    for _ in range(3):
                        process = self.terminal(client)
                        self.ask(process)
                        found.append(self.leave(process))
                self.assertEqual(len(set(found)), 1, found)

    def test_sessions_beside_one_another(self):
        for name in self.devices:
            with self.subTest(name):
                self.leave(self.terminal(self.client(f"alice+{name}")))
                self.leave(self.terminal(self.client(f"alice+{name}")))  # from which the bastion knows
                sessions = [self.terminal(self.client(f"alice+{name}")) for _ in range(3)]
                for process in sessions:
                    self.ask(process)

    def test_an_idle_session_stays(self):
        """Though the bastion would ask for a sign of life, and OpenSSH's client doesn't by default."""
        processes = {name: self.terminal(self.client(f"alice+{name}")) for name in self.devices}
        neighbour = self.bystander(target="asked")
        connection = self.targets["asked"].connections[-1]
        self.wait_until(lambda: connection.messages.count(peers.GLOBAL_REQUEST) > QUESTIONS, what="keepalives of another target")
        for name, process in processes.items():
            with self.subTest(name):
                self.ask(process)
        neighbour()

    def test_a_command_is_refused_as_the_device_does(self):
        for name in ("old", "curt", "abrupt"):
            with self.subTest(name):
                straight, through = self.straight(name).run("show version"), self.client(f"alice+{name}").run("show version")
                self.assertEqual((straight.returncode, straight.stdout), (through.returncode, through.stdout), through.stderr)

    def test_a_command_that_is_not_answered_harms_nobody(self):
        self.spawn(self.client("alice+mute").popen("show version"))
        self.wait_until(lambda: any(b"exec" in session.requests for connection in self.targets["mute"].connections
                                    for session in connection.sessions.values()), what="the command")
        self.ask(self.terminal(self.client("alice+mute")))


class LoginAtOldDevice(PeersCase):
    """One that ends with its session, so that every session is a login."""

    scripts = {"filed": AsksForPassword, "filed-prompt": Prompts, "typed": Prompts, "abrupt": PromptsAbruptly}
    credentials = {"filed": "password-file:secrets/device", "filed-prompt": "password-file:secrets/device", "typed": "keyboard-interactive",
                   "abrupt": "keyboard-interactive"}

    @classmethod
    def configuration(cls):
        cls.workspace.write("secrets/device", PASSWORD + b"\n")
        return super().configuration()

    def terminal(self, name):
        return self.spawn(self.client(f"alice+{name}").with_(LogLevel="ERROR").popen(flags=["-tt"]))

    def work(self, process):
        """A command at the prompt, and the end."""
        self.read(process.stdout, PROMPT)
        process.stdin.write(b"show version\n")
        self.read(process.stdout, b"12.4(24)T\r\n" + PROMPT)
        process.stdin.write(b"exit\n")
        process.wait(peers.PATIENCE)

    def read(self, stream, end):
        self.assertTrue(read_until(stream, lambda data: data.endswith(end), one_by_one=True).endswith(end))

    def test_its_password_stands_in_a_file(self):
        for name in ("filed", "filed-prompt"):
            with self.subTest(name):
                for _ in range(3):
                    self.work(self.terminal(name))
                self.assertEqual(len(self.targets[name].connections), 3)
        self.assertNotIn(PASSWORD.decode(), self.bastion.log())

    def answer(self, process, name):
        self.read(process.stderr, f"({name}) Password: ".encode())
        process.stdin.write(PASSWORD + b"\r")

    def test_its_prompt_is_answered_at_the_terminal(self):
        for _ in range(3):
            process = self.terminal("typed")
            self.answer(process, "typed")
            self.work(process)
        self.assertNotIn(PASSWORD.decode(), self.bastion.log())

    def test_one_that_ends_over_a_question_of_the_bastions_asks_once_more_the_first_time(self):
        for times in (2, 1, 1):
            process = self.terminal("abrupt")
            for _ in range(times):
                self.answer(process, "abrupt")
            self.work(process)


if __name__ == "__main__":
    main()
