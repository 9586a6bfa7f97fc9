"""What tests/hostile does for hours, for some seconds: random messages, and the attacks that are known."""

import sys
import unittest
from pathlib import Path

from harness import raw
from harness.case import main, needs_bastion

sys.path.append(str(Path(__file__).resolve().parents[1] / "hostile"))
if raw.paramiko:  # and with it python3-cryptography
    import logs
    import memory
    import storm

SEED = 9


@needs_bastion
@unittest.skipUnless(raw.paramiko, "python3-paramiko is not installed")
class StormTest(unittest.TestCase):
    """Bystanders' sessions on the same daemon and the same connection to the target must not notice anything."""

    def check(self, role, messages=2000):
        wrong, figures = storm.storm(role, messages, SEED, workers=2, say=lambda _: None)
        self.assertEqual(wrong, [], "\n".join(wrong))
        self.assertFalse([figure for figure in figures if figure.missed])

    def test_by_a_client(self):
        self.check("client")

    def test_before_a_login(self):
        self.check("before-login")

    def test_by_a_target(self):
        self.check("target")


@needs_bastion
@unittest.skipUnless(raw.paramiko, "python3-paramiko is not installed")
class EndTest(unittest.TestCase):
    """Ends that came at the worst moment, and once ended the daemon."""

    def test_a_target_resets_behind_its_success(self):
        self.assertEqual(storm.success_then_reset(12), [])

    def test_a_client_resets_while_it_is_told_of_its_success(self):
        self.assertEqual(storm.reset_at_success(), [])


@needs_bastion
@unittest.skipUnless(raw.paramiko, "python3-paramiko is not installed")
class FloodTest(unittest.TestCase):
    """What a client makes the daemon hold and write is bounded; under a sanitizer only that nobody notices."""

    def check(self, wrong, figures):
        self.assertEqual(wrong, [], "\n".join(wrong))
        self.assertEqual([f"{figure.name}: {figure.value:.1f} {figure.unit}" for figure in figures if figure.missed], [])

    def test_memory(self):
        for flood in ("unimplemented", "collected", "stranger-service"):
            with self.subTest(flood=flood):
                self.check(*memory.measure(flood, memory.FLOODS[flood].fewest, 4))

    def test_log_and_audit_trail(self):
        for attack in logs.ATTACKS:
            with self.subTest(attack=attack):
                self.check(*logs.measure(attack, 3))


if __name__ == "__main__":
    main()
