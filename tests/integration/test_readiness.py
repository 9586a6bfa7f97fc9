"""What -t finds is what a start and a reload refuse; what they warn of, -t warns of."""

import os
import socket
import unittest

from harness.case import Case, main, needs_bastion
from harness.config import bastion_config, local_target, route
from harness.sallyport import Sallyport, run_daemon

BODY = local_target("shell") + route("everybody", "shell")

UPSTREAM = '''
[target.far]
address = "192.0.2.1"
credentials = ["key:keys/far", "password-file:secret"]
known_hosts = "far_known_hosts"
'''


class ReadinessCase(Case):
    """One folder, a good daemon in it, and configurations that differ from its own in one thing."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.workspace.key("bastion_host")
        cls.workspace.write("authorized_keys/alice", "")
        cls.workspace.write("open_host_key", (cls.workspace / "keys" / "bastion_host").read_text(), mode=0o644)
        cls.workspace.write("no_folder", "")

    def config(self, body=BODY, listen=("127.0.0.1:0",), **sections):
        return bastion_config(body, listen=listen, **sections)

    def check(self, config):
        return run_daemon("-t", "-f", self.workspace.write("checked.toml", config))

    def server(self, host_key="keys/bastion_host", socket_path="bastion.sock"):
        return f'host_keys = ["{host_key}"]\ncontrol_socket = "{socket_path}"'


def obstacles(case):
    """Configurations with which no daemon starts, by what -t says of each."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    return {
        "no /etc/pam.d/no-such-service": case.config(auth='pam_service = "no-such-service"'),
        "no/such/folder": case.config(server=case.server("no/such/folder/host_key")),
        "a private key that others may read": case.config(server=case.server("open_host_key")),
        "log.file: .*no_folder/daemon.log": case.config(log='file = "no_folder/daemon.log"'),
        "log.file: .*missing/daemon.log": case.config(log='file = "missing/daemon.log"'),
        "audit.file: .*missing/audit": case.config(audit='file = "missing/audit"'),
        "listens already": case.config(listen=(f"127.0.0.1:{port}", f"0.0.0.0:{port}")),
        "listen: 192.0.2.1:22": case.config(listen=("192.0.2.1:22",)),
        "server.control_socket: .*no_folder": case.config(server=case.server(socket_path="no_folder/deeper/x.sock")),
        "is not a socket": case.config(server=case.server(socket_path="no_folder")),
        "the same key as": case.config(server='host_keys = ["keys/bastion_host", "keys/../keys/bastion_host"]'),
    }


@needs_bastion
class ObstaclesTest(ReadinessCase):
    def test_what_a_start_refuses(self):
        for told, config in obstacles(self).items():
            with self.subTest(told=told):
                checked = self.check(config)
                self.assertEqual(checked.status, 3, checked.stderr)
                self.assertRegex(checked.stderr, told)
                started = run_daemon("-f", self.workspace.write("started.toml", config))
                self.assertIn(started.status, (1, 3), started.stderr)
                self.assertFalse((self.workspace / "missing").exists())

    def test_what_the_build_of_libssh_lacks(self):
        name = "mlkem1024nistp384-sha384"  # with OpenSSL from 3.5 on
        for where in (self.config(algorithms=f'kex = ["{name}"]'),
                      self.config(BODY + UPSTREAM + f'[target.far.algorithms]\nkex = ["curve25519-sha256", "{name}"]\n')):
            checked = self.check(where)
            if checked.status == 0:
                self.skipTest("this one has it")
            self.assertEqual(checked.status, 3)
            self.assertIn(f'this build of libssh has no key exchange method "{name}"', checked.stderr)
            self.assertEqual(run_daemon("-f", self.workspace.write("started.toml", where)).status, 3)

    def test_what_a_reload_refuses(self):
        bastion = Sallyport(self.workspace, self.config())
        self.addCleanup(lambda: self.assertEqual(bastion.stop(), []))
        bastion.start()
        for told, config in obstacles(self).items():
            if told.startswith(("server.", "audit.", "is not a socket")):
                continue  # these can't be changed by a reload at all
            with self.subTest(told=told):
                bastion.write_config(config)
                done = bastion.control("reload")
                self.assertEqual(done.status, 1, done.stdout)
        bastion.write_config(self.config())
        self.assertEqual(bastion.control("reload").status, 0)

    def test_what_is_only_missing_is_made_by_the_start_and_not_by_the_check(self):
        config = self.config(server=self.server("new_keys/host_key", "new_run/bastion.sock"))
        checked = self.check(config)
        self.assertEqual((checked.status, checked.stderr), (0, ""))
        self.assertFalse((self.workspace / "new_keys").exists())
        self.assertFalse((self.workspace / "new_run").exists())
        bastion = Sallyport(self.workspace, config)
        self.addCleanup(lambda: self.assertEqual(bastion.stop(), []))
        bastion.start()
        self.assertEqual((self.workspace / "new_keys").stat().st_mode & 0o777, 0o700)
        self.assertEqual((self.workspace / "new_keys" / "host_key").stat().st_mode & 0o777, 0o600)
        self.assertTrue((self.workspace / "new_run" / "bastion.sock").is_socket())

    def test_a_running_daemon_s_own_configuration_is_good(self):
        bastion = Sallyport(self.workspace, self.config())
        self.addCleanup(lambda: self.assertEqual(bastion.stop(), []))
        bastion.start()
        bastion.write_config(self.config(listen=(f"127.0.0.1:{bastion.port}",)))
        checked = run_daemon("-t", "-f", bastion.config_file)
        self.assertEqual((checked.status, checked.stderr), (0, ""))


@needs_bastion
class WarningsTest(ReadinessCase):
    def setUp(self):
        self.workspace.write("open", "x\n", mode=0o644)

    def warnings(self):
        auth = 'authorized_keys = ["nobodys_keys/{user}"]\nmethods = ["publickey", "password+keyboard-interactive"]\n'
        return {
            "nobodys_keys: No such file": self.config(auth='authorized_keys = ["nobodys_keys/{user}"]'),
            "key file .*ca.pub:0: no authority is trusted": self.config(auth='trusted_user_ca_keys = ["ca.pub"]'),
            "password_file .*open.*0600": self.config(auth=auth + 'password_file = "open"\ntotp_file = "open"'),
            "totp_file .*open": self.config(auth=auth + 'password_file = "open"\ntotp_file = "open"'),
            "target.other: nobody gets there: .*no-such-account": self.config(
                BODY + local_target("other", more='user = "no-such-account"\n')),
            "target.far: credentials: .*keys/far: No such file": self.config(BODY + UPSTREAM),
            "target.far: credentials: .*secret: No such file": self.config(BODY + UPSTREAM),
            "target.far: known_hosts .*far_known_hosts: No such file": self.config(BODY + UPSTREAM),
            "target.far: credentials: .*none: No such file": self.config(BODY + UPSTREAM.replace("keys/far", "none/{user}")),
            "target.far: passphrase_file .*open.*0600": self.config(BODY + UPSTREAM + 'passphrase_file = "open"\n'),
            "command.*wildcard": self.config(BODY.replace('to = "shell"\n', 'to = "shell"\n[[route.channel]]\nrequest = "exec"\ncommand = "a *"\nto = "shell"\n')),
        }

    def test_the_check_and_the_log_have_the_same(self):
        for told, config in self.warnings().items():
            with self.subTest(told=told):
                checked = self.check(config)
                self.assertEqual(checked.status, 0, checked.stderr)
                self.assertRegex(checked.stderr, told + r".*\(warning\)")
                bastion = Sallyport(self.workspace, config, name="bastion")
                bastion.start()
                bastion.wait_for("warn +.*" + told)
                mark = bastion.mark()
                self.assertEqual(bastion.control("reload").status, 0)
                bastion.wait_for("warn +.*" + told, since=mark)
                self.assertEqual(bastion.stop(), [])

    @unittest.skipUnless(os.geteuid() == 0, "only root's daemon may not run as itself")
    def test_a_local_target_that_would_run_as_root(self):
        body = BODY + local_target("tools", more='permit_accounts = ["*"]\n')
        checked = self.check(self.config(body))
        self.assertRegex(checked.stderr, r"target.tools: nobody gets there: account root: not in permit_accounts, which must name root")
        way = body + 'jump = "direct"\n'
        self.assertNotIn("target.tools", self.check(self.config(way)).stderr)


if __name__ == "__main__":
    main()
