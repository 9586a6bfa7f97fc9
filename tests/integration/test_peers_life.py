"""Signs of life, ends that a peer owes, and programs whose client doesn't wait for them: as OpenSSH has it, beside bystanders.

Who is thought dead is so after five intervals of a second, which a machine may come to a stop for; so it has to bear more of them.
"""


from harness import peers
from harness.case import main
from harness.config import bastion_config, local_target, route, ssh_target
from harness.peers import Client, Script
from harness.process import eventually
from test_peers import PeersCase

if peers.peer:
    from peer import (CLOSE, DISCONNECT, EOF, FAILURE, GLOBAL_REQUEST, IGNORE, REQUEST, REQUEST_FAILURE, UNIMPLEMENTED, string,
                      u32)

QUESTIONS = 9
KEEPALIVES = 'keepalive_interval = "1s"\nkeepalive_count = 5\n'


class Unimplementing(Script):
    """Knows no global requests, and says so as RFC 4253, 11.4 wants it."""

    def on_global_request(self, connection, name, want_reply, fields):
        connection.send(bytes([UNIMPLEMENTED]) + u32(0))


class Murmuring(Script):
    """Answers no global request, and says something else."""

    def on_global_request(self, connection, name, want_reply, fields):
        connection.send(bytes([IGNORE]) + string(b""))


class TargetsLifeTest(PeersCase):
    scripts = {"unimplementing": Unimplementing, "murmuring": Murmuring}
    options = KEEPALIVES + 'remote_forwarding = ["*"]\n'

    def test_any_packet_is_a_sign_of_life(self):
        for name, target in self.targets.items():
            with self.subTest(name):
                bystander = self.bystander(target=name)
                (connection,) = target.connections
                eventually(lambda seen=connection.messages: seen.count(GLOBAL_REQUEST) >= QUESTIONS, what="many keepalives")
                bystander(b"still here")
                self.assertEqual(len(target.connections), 1)

    def test_unimplemented_answers_what_a_client_asks(self):
        mark = self.bastion.mark()
        process = self.spawn(self.client("alice+unimplementing").popen(flags=["-N", "-R", "0:127.0.0.1:1"]))
        self.bastion.wait_for("forward refused .*refused", since=mark)  # and not for want of an answer
        process.kill()


class ClientsLifeTest(PeersCase):
    scripts = {}
    sections = {"defaults": KEEPALIVES}

    def answer(self, client, kind, answer, times=QUESTIONS):
        for _ in range(times):
            question = client.peer.receive(kind)
            while b"hostkeys-00@openssh.com" in question:  # which wants no answer
                question = client.peer.receive(kind)
            self.assertIn(b"keepalive@openssh.com", question)
            client.send(answer)

    def test_with_a_channel_it_is_asked_there(self):
        client = self.raw_client()
        channel = client.run("cat")
        self.answer(client, REQUEST, channel.message(FAILURE))
        channel.echo()

    def test_answers_of_both_kinds_find_who_asked(self):
        """Replies carry no number: a keepalive's stands in line with those of the client's own requests."""
        client = self.raw_client()
        channel = client.run("cat")
        client.peer.receive(REQUEST)
        channel.send(REQUEST, string("what@example.org") + b"\1")
        channel.receive(FAILURE)
        channel.send(FAILURE)
        channel.echo()

    def test_without_one_it_is_asked_for_anything(self):
        client = self.raw_client()
        self.answer(client, GLOBAL_REQUEST, bytes([REQUEST_FAILURE]))
        client.run("cat").echo()

    def test_any_packet_is_a_sign_of_life(self):
        client = self.raw_client()
        channel = client.run("cat")
        self.answer(client, REQUEST, bytes([IGNORE]) + string(b""))
        channel.echo()

    def test_one_that_says_nothing_is_given_up(self):
        client = self.raw_client()
        self.assertIn(b"keepalives", client.peer.receive(DISCONNECT))


class Unclosing(Script):
    """Ends nothing for good."""

    def on_close(self, session):
        pass


class OwedEndTest(PeersCase):
    """A session whose end the target owes keeps no trunk."""

    scripts = {"idle": Unclosing, "old": Unclosing}

    @classmethod
    def configuration(cls):
        idle, old = 'idle_timeout = "1s"', 'idle_timeout = "1h"\nmax_age = "1s"'
        return super().configuration().replace('[target.idle]', f'[target.idle]\n{idle}').replace('[target.old]', f'[target.old]\n{old}')

    def test_not_when_it_is_idle_or_old(self):
        for name in self.scripts:
            self.client(f"alice+{name}").run("cat", input=b"")
        for name, target in self.targets.items():
            self.wait_until(lambda name=name: not self.trunks(target=name), what=f"the end of the trunk to {name}")
            self.wait_until(lambda target=target: not target.connections[0].alive, what="the end of its connection")


class UnattendedTest(PeersCase):
    """exec without an answer, and CLOSE at once: sshd runs the program, whether there is a connection to the target or not."""

    scripts = {}

    @classmethod
    def configuration(cls):
        shell = local_target("shell")
        return bastion_config(shell + ssh_target("main", cls.sshd) + route("shell", "shell", targets=["shell"]) + route("everybody", "main"),
                              **cls.sections)

    def leave_behind(self, user, name, *last, goodbye=False):
        """What the program makes must appear."""
        made = self.workspace / name
        client = Client(self.workspace, self.bastion.port, user)
        self.addCleanup(client.close)
        channel = client.open()
        client.send(channel.message(REQUEST, string("exec") + b"\0" + string(f"echo done > {made}")), *(channel.message(kind) for kind in last))
        if goodbye:
            client.close()
        else:
            channel.receive(CLOSE)
        self.wait_until(lambda: made.exists() and made.read_text() == "done\n", what=f"the work of the program {name}")

    def test_at_a_target(self):
        self.leave_behind("bob", "cold", CLOSE)
        self.leave_behind("bob", "warm", CLOSE)
        self.leave_behind("bob", "eof", EOF, CLOSE)

    def test_at_a_target_though_the_client_goes(self):
        self.leave_behind("alice", "gone", EOF, CLOSE, goodbye=True)

    def test_on_the_bastion(self):
        self.leave_behind("alice+shell", "local", CLOSE)
        self.leave_behind("alice+shell", "local-eof", EOF, CLOSE)
        self.wait_until(lambda: any(row["event"] == "exit" for row in self.bastion.audit()), what="the program's end in the audit trail")

    def test_a_program_that_reads_no_more_says_so(self):
        client = self.raw_client("alice+shell")
        channel = client.run("exec <&-; echo closed; exec sleep 1000")
        self.assertEqual(channel.read(7), b"closed\n")
        channel.data(b"for nobody")
        self.assertIn(b"eow@openssh.com", channel.receive(REQUEST))
        channel.send(CLOSE)


if __name__ == "__main__":
    main()
