"""Peers that break the rules, as a client and as a target, beside a bystander on the same connection who must notice nothing.

A row is one offence: `commit` takes the offender's channel (harness/peers.py), and `goes_on` says whether that channel must still echo
afterwards. What sshd shrugs off ends nothing; what it doesn't may end the offender's channel, and never the connection that others share.
"""

import dataclasses
import typing
import unittest

from harness import peers
from harness.case import BastionCase, main, needs_bastion
from harness.config import bastion_config, route, ssh_target
from harness.peers import Client, Script, Target

if peers.peer:
    from peer import DATA, REQUEST, WINDOW_ADJUST, string, u32


@dataclasses.dataclass
class Row:
    name: str
    commit: typing.Callable
    goes_on: bool = True


def row(name, commit, goes_on=True):
    return Row(name, commit, goes_on)


@needs_bastion
@unittest.skipUnless(peers.peer, "python3-cryptography is not installed")
class PeersCase(BastionCase):
    """A bastion before an sshd (`main`) and scripted targets, one for each of `scripts`; `options` is TOML in their tables."""

    scripts = {"peer": Script}
    options = ""

    @classmethod
    def configuration(cls):
        cls.targets, body = {}, ""
        for name, script in cls.scripts.items():
            target = cls.targets[name] = Target(cls.workspace, name, script())
            cls.addClassCleanup(target.close)
            with open(cls.workspace / "upstream_known_hosts", "a", encoding="ascii") as file:
                file.write(target.known_hosts_line())
            body += ssh_target(name, address=target.address, more=cls.options) + route(name, name, targets=[name])
        body += ssh_target("main", cls.sshd, more=cls.target_options) + route("everybody", "main")
        return bastion_config(body, **cls.sections)

    def bystander(self, user="alice", target="peer"):
        """A session beside the offender's, on the same connection to the target: its echo()."""
        return self.echo_session(self.client(f"{user}+{target}"))[1]

    def offender(self, user="alice", target="peer", command="offend"):
        """A client's session at the scripted target: its process, and the target's end of it."""
        process = self.spawn(self.client(f"{user}+{target}").popen(command))
        return process, self.targets[target].session(command)

    def raw_client(self, user="alice"):
        client = Client(self.workspace, self.bastion.port, user)
        self.addCleanup(client.close)
        return client


TARGETS_ROWS = [
    row("nothing", lambda session: None),
    row("a window adjust of nothing", lambda session: session.send(WINDOW_ADJUST, u32(0))),
    row("empty data", lambda session: session.send(DATA, string(""))),
    row("a request that nobody knows", lambda session: session.send(REQUEST, string("what@example.org") + b"\0")),
]

CLIENTS_ROWS = [*TARGETS_ROWS]


class TargetTest(PeersCase):
    def test_rows(self):
        bystander = self.bystander()
        (trunk,) = self.trunks(target="peer")
        for offence in TARGETS_ROWS:
            with self.subTest(offence.name):
                process, session = self.offender()
                offence.commit(session)
                bystander(offence.name.encode())
                self.assertEqual([row["id"] for row in self.trunks(target="peer")], [trunk["id"]])
                if offence.goes_on:
                    process.stdin.write(b"still here\n")
                    self.wait_until(lambda session=session: session.received.endswith(b"still here\n"), what="the offender's input")
                process.kill()
                process.wait()


class ClientTest(PeersCase):
    def test_rows(self):
        neighbour = self.bystander(target="main")
        client = self.raw_client()
        bystander = client.run("cat")
        for offence in CLIENTS_ROWS:
            with self.subTest(offence.name):
                channel = client.run("cat")
                offence.commit(channel)
                bystander.echo(offence.name.encode())
                neighbour(offence.name.encode())
                if offence.goes_on:
                    channel.echo(b"still here")


if __name__ == "__main__":
    main()
