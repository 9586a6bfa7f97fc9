"""One small case of each client and each target that `tests/interop/run` knows and that is installed, through one bastion."""

import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "interop"))

import clients  # noqa: E402
import scenarios  # noqa: E402
import targets  # noqa: E402
from harness.case import main, needs_bastion  # noqa: E402
from harness.process import PATIENCE  # noqa: E402
from trial import Trial  # noqa: E402
from world import World  # noqa: E402

#: Of the scenarios that all clients share; a tool's own are run all.
COMMON = ("streams", "down", "up")
#: They have modules of their own.
ELSEWHERE = ("ansible",)
SIZE = 300_000


def missing_target(kind):
    """Why it can't be tried here. Half a minute of compiling isn't for every day: that is left to the matrix."""
    return "needs a compiler's time" if kind == "libssh" else targets.KINDS[kind].missing()


@needs_bastion
class InteropTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.world = World([kind for kind in targets.KINDS if not missing_target(kind)])

    @classmethod
    def tearDownClass(cls):
        wrong = cls.world.close()
        if wrong:
            raise AssertionError("\n".join(wrong))

    def run_client(self, kind, target, wanted):
        if text := clients.ALL[kind].missing():
            self.skipTest(text)
        client = clients.ALL[kind](self.world)
        client.prepare()
        for name, scenario in scenarios.of(client).items():
            if name not in scenarios.ALL or name in wanted:
                with self.subTest(scenario=name):
                    scenario(Trial(client, self.world.way("one", target, client.nist), SIZE, PATIENCE))


def client_test(kind):
    return lambda self: self.run_client(kind, "openssh", COMMON)


def target_test(kind):
    def test(self):
        if text := missing_target(kind):
            self.skipTest(text)
        self.run_client("ssh", kind, ("status", "up"))
        self.run_client("sftp", kind, ("down",))
    return test


for named, made, names in (("client", client_test, [name for name in clients.ALL if name not in ELSEWHERE]),
                           ("target", target_test, targets.KINDS)):
    for each in names:
        setattr(InteropTest, f"test_{named}_{each.replace(' ', '_').replace('-', '_').lower()}", made(each))


if __name__ == "__main__":
    main()
