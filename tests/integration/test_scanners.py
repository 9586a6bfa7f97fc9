"""What other people's tools say of the bastion: ssh-audit of its algorithms, fail2ban of its log."""

import pathlib
import re
import subprocess

import paramiko

from harness import raw
from harness.case import BastionCase, main, needs_bastion, needs_program
from harness.config import bastion_config, local_target, route
from harness.process import PATIENCE

FILTER = pathlib.Path(__file__).resolve().parents[2] / "packaging/fail2ban/sallyport.conf"


@needs_bastion
class ScannersTest(BastionCase):
    @classmethod
    def configuration(cls):
        return bastion_config(local_target("shell") + route("everybody", "shell"), **cls.sections)

    @needs_program("ssh-audit")
    def test_ssh_audit_has_no_failing_line(self):
        found = subprocess.run(["ssh-audit", "-n", "-p", str(self.bastion.port), "127.0.0.1"], capture_output=True, text=True,
                               timeout=PATIENCE, check=False)
        self.assertIn("curve25519-sha256", found.stdout)
        self.assertNotIn("[fail]", found.stdout)
        names = {line.split()[1] for line in found.stdout.splitlines() if re.match(r"\((kex|enc|mac)\) ", line)}
        for bad in ("sha1", "cbc", "md5", "group-exchange", "group16", "group18", "nistp", "arcfour", "3des", "umac-64"):
            self.assertEqual([name for name in names if bad in name], [])
        self.assertIn("kex-strict-s-v00@openssh.com", names)
        macs = [line.split()[1] for line in found.stdout.splitlines() if line.startswith("(mac) ")]
        self.assertTrue(all(name.endswith("-etm@openssh.com") for name in macs[:2]), macs)  # and SHA-2 alone behind them
        self.assertTrue(all(name.startswith("hmac-sha2-") for name in macs), macs)

    @needs_program("fail2ban-regex")
    def test_fail2ban_finds_each_failed_login_and_is_not_led_astray(self):
        mark = self.bastion.mark()
        self.assertEqual(self.client(key="bob").run("true").returncode, 255)  # alice with bob's key
        self.assertEqual(self.client(key="bob").with_(user="mallory").run("true").returncode, 255)
        for name in ('x" source=192.0.2.9 port=1 method=a reason="', "y\nz source=192.0.2.9"):
            with raw.start_transport(self.bastion.port) as transport:
                with self.assertRaises(paramiko.SSHException):
                    transport.auth_password(name, "secret")
        self.assertEqual(self.client().output("echo in"), b"in\n")
        self.wait_until(lambda: self.bastion.log(mark).count("closed before login") == 4)
        log = self.workspace.write("sallyport.log", self.bastion.log(mark))
        found = subprocess.run(["fail2ban-regex", "-o", "ip", str(log), str(FILTER)], capture_output=True, text=True, timeout=PATIENCE,
                               check=False)
        self.assertEqual(found.stdout.split(), ["127.0.0.1"] * 4, found.stderr + self.bastion.log(mark))


if __name__ == "__main__":
    main()
