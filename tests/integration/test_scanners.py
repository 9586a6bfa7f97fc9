"""What other people's tools say of the bastion: ssh-audit of its algorithms, fail2ban of its log."""

import pathlib
import re
import socket
import subprocess

import paramiko

from harness import raw
from harness.case import BastionCase, main, needs_bastion, needs_program
from harness.config import bastion_config, local_target, route
from harness.process import PATIENCE
from harness.sallyport import Sallyport

FILTER = pathlib.Path(__file__).resolve().parents[2] / "packaging/fail2ban/sallyport.conf"


@needs_bastion
class ScannersTest(BastionCase):
    body = local_target("shell") + route("everybody", "shell")

    @classmethod
    def configuration(cls):
        return bastion_config(cls.body, **cls.sections)

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
        self.check_found(self.bastion.log(mark), ["127.0.0.1"] * 4)

    def check_found(self, log, addresses):
        """In a file of the daemon's own, and in the journal, where a prefix stands in front."""
        for prefix in ("", "Nov 28 18:00:00 gate sallyportd[77]: "):
            file = self.workspace.write("sallyport.log", "".join(f"{prefix}{line}\n" for line in log.splitlines()))
            found = subprocess.run(["fail2ban-regex", "-o", "ip", str(file), str(FILTER)], capture_output=True, text=True,
                                   timeout=PATIENCE, check=False)
            self.assertEqual(found.stdout.split(), addresses, prefix + found.stderr + log)

    @needs_program("fail2ban-regex")
    def test_fail2ban_reads_json_as_well_and_bans_the_block_that_has_a_penalty(self):
        for form in ("text", "json"):
            with self.subTest(format=form):
                config = bastion_config(self.body, name=form, log=f'format = "{form}"', penalties='auth_failure = "20s"').replace(
                    '"127.0.0.1:0"', '"127.0.0.1:0"\nproxy_protocol_from = ["127.0.0.1"]', 1)
                bastion = Sallyport(self.workspace, config, form)
                self.addCleanup(bastion.abandon)
                bastion.start()
                with socket.create_connection(("127.0.0.1", bastion.port), PATIENCE) as peer:
                    peer.sendall(b"PROXY TCP6 2001:db8:1:2::7 2001:db8::1 4711 22\r\n")
                    transport = paramiko.Transport(peer)
                    transport.start_client(timeout=PATIENCE)
                    with self.assertRaises(paramiko.SSHException):
                        transport.auth_password('x" source=192.0.2.9 port=1 method=a reason="', "secret")
                    transport.close()
                bastion.wait_for("penalty begins")
                self.check_found(bastion.log(), ["2001:db8:1:2::7", "2001:db8:1:2::/64"])


if __name__ == "__main__":
    main()
