"""What clients lend a target: their authentication agent and their X11 display."""

import os
import secrets
import socket
import subprocess
import tempfile
import threading
from pathlib import Path

from harness.case import BastionCase, main, needs_bastion, needs_program
from harness.config import bastion_config, local_target, route, ssh_target
from harness.process import PATIENCE, accepts, eventually
from harness.workspace import clean_environment, find_program

_COOKIE_PROTOCOL = b"MIT-MAGIC-COOKIE-1"


class Agent:
    """An ssh-agent with one key."""

    def __init__(self, case, name):
        self.socket = case.workspace / f"{name}.agent"
        process = subprocess.Popen(["ssh-agent", "-D", "-a", str(self.socket)], stdin=subprocess.DEVNULL,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=clean_environment(),
                                   start_new_session=True)
        case.spawn(process)
        eventually(lambda: accepts(self.socket), what="the agent")
        key = case.workspace.key(name)
        subprocess.run(["ssh-add", "-q", str(key)], check=True, capture_output=True, timeout=PATIENCE,
                       env=clean_environment(SSH_AUTH_SOCK=str(self.socket)))
        self.fingerprint = case.workspace.fingerprint(name).encode()


class AgentForwarding(BastionCase):
    target_options = "forward_agent = true"

    def with_agent(self, name, user="alice", **options):
        agent = Agent(self, name)
        return agent, self.client(user, ForwardAgent="yes", IdentityAgent=agent.socket, **options)

    def test_the_target_sees_the_clients_key(self):
        agent, client = self.with_agent("laptop")
        self.assertIn(agent.fingerprint, client.output("ssh-add -l"))

    def test_without_an_agent_there_is_none(self):
        _, client = self.with_agent("other-laptop")
        session = self.spawn(client.popen("echo ready; cat"))
        session.stdout.readline()
        self.assertEqual(self.client().output("echo ${SSH_AUTH_SOCK:-none}"), b"none\n")

    @needs_bastion
    def test_two_clients_of_one_user_see_their_own_keys(self):
        one, client_one = self.with_agent("one")
        two, client_two = self.with_agent("two")
        sessions = [self.spawn(client.popen("echo ready; read line; ssh-add -l")) for client in (client_one, client_two)]
        for session in sessions:
            self.assertEqual(session.stdout.readline(), b"ready\n")
        self.wait_until(lambda: len(self.trunks(user="alice")) == 2, what="a trunk for each, and no other any more")
        for session, agent, other in zip(sessions, (one, two), (two, one)):
            listed, _ = session.communicate(b"go\n", timeout=PATIENCE)
            self.assertIn(agent.fingerprint, listed)
            self.assertNotIn(other.fingerprint, listed)
        self.wait_until(lambda: not self.trunks(user="alice"), what="the end of the private trunks")

    @needs_bastion
    def test_a_masters_sessions_share_its_trunk(self):
        control = self.workspace / "master"
        agent, client = self.with_agent("master", ControlPath=control)
        self.spawn(client.with_(ControlMaster="yes").popen(flags=("-N",)))
        self.wait_until(control.exists, what="the master")
        sessions = [self.spawn(client.popen("echo ready; read line; ssh-add -l")) for _ in range(3)]
        for session in sessions:
            self.assertEqual(session.stdout.readline(), b"ready\n")
        self.assertEqual(len([row for row in self.trunks(user="alice") if row["channels"] > 0]), 1)
        for session in sessions:
            listed, _ = session.communicate(b"go\n", timeout=PATIENCE)
            self.assertIn(agent.fingerprint, listed)


@needs_bastion
class AgentDenied(BastionCase):
    users = ("alice", "bob", "carol")

    @classmethod
    def configuration(cls):
        rule = '[[route.channel]]\nrequest = "agent"\ndeny = "no agents"\n'
        return bastion_config(
            ssh_target("open", cls.sshd, more="forward_agent = true") + ssh_target("closed", cls.sshd)
            + local_target("shell") + route("bob", "open", users=["bob"], targets=["open"], channels=rule)
            + route("by name", "{target}", targets=["*"]))

    def denied(self, user, why):
        agent = Agent(self, f"agent-{user}")
        mark = self.bastion.mark()
        client = self.client(user, ForwardAgent="yes", IdentityAgent=agent.socket)
        self.assertEqual(client.output("echo ${SSH_AUTH_SOCK:-none}"), b"none\n")
        self.bastion.wait_for(f"request refused .*request=auth-agent-req@openssh.com .*{why}", since=mark)

    def test_by_option(self):
        self.denied("alice+closed", "forward_agent is false")

    def test_by_rule(self):
        self.denied("bob+open", "no agents")

    def test_on_the_bastion_itself(self):
        self.denied("alice+shell", "is the bastion itself")

    def test_by_the_keys_options(self):
        keys = self.workspace / "authorized_keys" / "carol"
        keys.write_text("no-agent-forwarding " + self.workspace.public_key("carol") + "\n")
        self.denied("carol+open", "options forbid it")


class FakeDisplay:
    """An X server that looks at the first request of each connection: what protocol and cookie it came with."""

    def __init__(self):
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.name = f"localhost:{self._socket.getsockname()[1] - 6000}.0"
        self.seen = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                peer, _ = self._socket.accept()
            except OSError:
                return
            try:
                self._serve(peer)
            except OSError:  # it has gone in the middle of it
                pass

    def _serve(self, peer):
        with peer, peer.makefile("rb") as stream:
            head = stream.read(12)
            if not head:  # ssh connects before it has seen the cookie
                return
            sizes = int.from_bytes(head[6:8], "little"), int.from_bytes(head[8:10], "little")
            protocol, cookie = (stream.read(size + -size % 4)[:size] for size in sizes)
            self.seen.append((protocol, cookie))
            peer.sendall(b"welcome to " + self.name.encode())

    def close(self):
        self._socket.shutdown(socket.SHUT_RDWR)  # wakes the accepting thread
        self._socket.close()


#: An X client, as a program at the target: says hello with the cookie of its argument and prints the answer.
_X_CLIENT = """
import os, socket, sys
number = int(os.environ["DISPLAY"].split(":")[1].split(".")[0])
protocol, cookie = b"MIT-MAGIC-COOKIE-1", bytes.fromhex(sys.argv[1])
stream = socket.create_connection(("127.0.0.1", 6000 + number), timeout=100)
pad = lambda text: text + bytes(-len(text) % 4)
stream.sendall(b"l\\0\\x0b\\0\\0\\0" + len(protocol).to_bytes(2, "little") + len(cookie).to_bytes(2, "little") + b"\\0\\0"
               + pad(protocol) + pad(cookie))
try:
    sys.stdout.write(stream.recv(1000).decode())
except ConnectionResetError:
    pass
"""


@needs_program("xauth")
class X11Forwarding(BastionCase):
    target_options = "forward_x11 = true"

    @classmethod
    def setUpClass(cls):
        cls._folder = tempfile.TemporaryDirectory(prefix="sp-x11-")
        cls.addClassCleanup(cls._folder.cleanup)
        cls.at_target = Path(cls._folder.name) / "xauthority"
        wrapper = Path(cls._folder.name) / "xauth"
        wrapper.write_text(f'#!/bin/sh\nexec {find_program("xauth")} -f {cls.at_target} "$@"\n')
        wrapper.chmod(0o700)
        # sshd would write its cookies into the home of whoever runs the tests.
        cls.sshd_options = {"XAuthLocation": wrapper}
        super().setUpClass()
        cls.workspace.write("x_client.py", _X_CLIENT)

    def setUp(self):
        super().setUp()
        self.display = FakeDisplay()
        self.addCleanup(self.display.close)
        self.cookie = secrets.token_bytes(16)
        self.xauthority = self.workspace / f"client_xauthority.{os.path.basename(self.display.name)}"
        number = self.display.name.split(":")[1].split(".")[0]
        subprocess.run([find_program("xauth"), "-f", str(self.xauthority), "add", f"unix:{number}", ".", self.cookie.hex()],
                       check=True, capture_output=True, timeout=PATIENCE, env=clean_environment())

    def run_x(self, cookie, user="alice"):
        """Runs the X client at the target; `cookie` is a shell expression."""
        client = self.client(user, ForwardX11="yes", ForwardX11Trusted="yes", XAuthLocation=find_program("xauth"))
        environment = clean_environment(DISPLAY=self.display.name, XAUTHORITY=str(self.xauthority))
        command = f"/usr/bin/python3 {self.workspace / 'x_client.py'} {cookie}"
        return subprocess.run(client.argv(command), input=b"", capture_output=True, timeout=PATIENCE, env=environment,
                              check=False, start_new_session=True)

    def cookie_at_target(self):
        return f"$(xauth -f {self.at_target} list $DISPLAY | tail -n 1 | cut -d' ' -f5)"

    def test_a_program_reaches_the_clients_display(self):
        result = self.run_x(self.cookie_at_target())
        self.assertEqual(result.stdout.decode(), f"welcome to {self.display.name}", result.stderr)
        self.assertEqual(self.display.seen, [(_COOKIE_PROTOCOL, self.cookie)])

    def test_each_client_has_its_own_display(self):
        first = self.display
        self.run_x(self.cookie_at_target())
        self.setUp()
        result = self.run_x(self.cookie_at_target())
        self.assertEqual(result.stdout.decode(), f"welcome to {self.display.name}", result.stderr)
        self.assertEqual(len(first.seen), 1)

    def test_a_wrong_cookie_is_refused(self):
        result = self.run_x("00112233445566778899aabbccddeeff")
        self.assertEqual(result.stdout, b"")
        self.assertIn(b"wrong authentication", result.stderr)
        self.assertEqual(self.display.seen, [])


@needs_bastion
class X11Denied(X11Forwarding):
    target_options = ""

    def test_a_program_reaches_the_clients_display(self):
        result = self.run_x("00")
        self.assertIn(b"X11 forwarding request failed", result.stderr)
        self.bastion.wait_for("request refused .*request=x11-req .*forward_x11 is false")

    test_each_client_has_its_own_display = None
    test_a_wrong_cookie_is_refused = None


if __name__ == "__main__":
    main()
