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
    from peer import CLOSE, FAILURE, SUCCESS, string, u32

PROMPT = b"router>"


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


if __name__ == "__main__":
    main()
