"""Keys that an agent gives only for certain hosts (ssh-add -h): ours on the bastion, and the client's own."""

import os
import re
import signal
import subprocess

from harness.case import BastionCase, main, needs_bastion
from harness.config import bastion_config, route, ssh_target
from harness.workspace import clean_environment, login_name


class Agent:
    """An ssh-agent of our own."""

    def __init__(self, workspace, name):
        self.socket = workspace / f"{name}.agent"
        started = subprocess.run(["ssh-agent", "-s", "-a", str(self.socket)], capture_output=True, text=True, check=True, env=clean_environment())
        self.pid = int(re.search(r"SSH_AGENT_PID=(\d+)", started.stdout).group(1))

    def add(self, known_hosts, key, *ways):
        flags = [flag for way in ways for flag in ("-h", way)]
        subprocess.run(["ssh-add", "-q", "-H", str(known_hosts), *flags, str(key)], check=True, capture_output=True,
                       env=clean_environment(SSH_AUTH_SOCK=str(self.socket)))

    def empty(self):
        subprocess.run(["ssh-add", "-q", "-D"], check=True, capture_output=True, env=clean_environment(SSH_AUTH_SOCK=str(self.socket)))

    def end(self):
        os.kill(self.pid, signal.SIGTERM)


@needs_bastion
class BoundKeysTest(BastionCase):
    @classmethod
    def configuration(cls):
        cls.ours = Agent(cls.workspace, "ours")
        cls.addClassCleanup(cls.ours.end)
        cls.theirs = Agent(cls.workspace, "theirs")
        cls.addClassCleanup(cls.theirs.end)
        # Names that stand for host keys; agents know nothing of addresses.
        cls.workspace.key("elsewhere")
        cls.hosts = cls.workspace.write("hosts", "".join(
            f"{name} {cls.workspace.public_key(key)}\n" for name, key in (("target", "target_host"), ("bastion", "bastion_host"), ("elsewhere", "elsewhere"))))
        with_ours, with_theirs = (ssh_target(name, cls.sshd).replace('"key:keys/upstream"', f'"{credential}"') for name, credential in
                                  (("ours", f"agent:{cls.ours.socket}"), ("theirs", "forwarded-agent")))
        return bastion_config(with_ours + with_theirs + "forward_agent = true\n" + route("by name", "{target}", targets=["*"]))

    def tried(self, target, **options):
        # Each try is a login of its own, and a refused one makes the next one wait.
        result = self.client(f"alice+{target}", **options).run("echo there")
        self.bastion.control("renew", target)
        return result

    def test_an_agent_on_the_bastion(self):
        for way, good in ((f"{login_name()}@target", True), ("target", True), ("elsewhere", False)):
            with self.subTest(way=way):
                self.ours.empty()
                self.ours.add(self.hosts, self.workspace.key("upstream"), way)
                result = self.tried("ours")
                self.assertEqual(result.stdout, b"there\n" if good else b"", result.stderr)

    def test_the_client_s_own_agent(self):
        lent = {"ForwardAgent": "yes", "IdentityAgent": self.theirs.socket}
        for ways, good in ((("bastion", "bastion>target"), True), (("bastion", "bastion>elsewhere"), False), (("target",), False)):
            with self.subTest(ways=ways):
                self.theirs.empty()
                self.theirs.add(self.hosts, self.workspace.key("upstream"), *ways)
                result = self.tried("theirs", **lent)
                self.assertEqual(result.stdout, b"there\n" if good else b"", result.stderr)

    def test_keys_that_are_bound_to_nothing(self):
        self.ours.empty()
        self.ours.add(self.hosts, self.workspace.key("upstream"))
        self.assertEqual(self.tried("ours").stdout, b"there\n")


if __name__ == "__main__":
    main()
