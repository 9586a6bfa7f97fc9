"""Who has to go when rights are taken away: on_reload = "recheck", and sallyportctl kill user=NAME. With the real ssh."""

import subprocess

from harness.case import BastionCase, main, needs_bastion, needs_program
from harness.config import bastion_config, route, ssh_target
from harness.factors import hashed, typist
from harness.process import PATIENCE

TOLD = "this login is not granted any more"


class RecheckCase(BastionCase):
    on_reload = "recheck"
    auth = ('authorized_keys = ["authorized_keys/{user}"]\nrevoked_keys = ["revoked"]\ntrusted_user_ca_keys = ["ca.pub"]\n'
            'password_file = "passwords"\nmethods = ["publickey", "password"]')

    @classmethod
    def write(cls, body=None, **sections):
        server = ('host_keys = ["keys/bastion_host"]\ncontrol_socket = "bastion.sock"\n'
                  f'on_reload = "{cls.on_reload}"')
        everybody = ssh_target("main", cls.sshd) + route("everybody", "main")
        return bastion_config(everybody if body is None else body, **{"server": server, "auth": cls.auth, **sections})

    @classmethod
    def configuration(cls):
        cls.workspace.key("ca")
        cls.workspace.write("ca.pub", cls.workspace.public_key("ca") + "\n")
        cls.workspace.write("revoked", "")
        cls.passwords(carol="secret")
        return cls.write()

    @classmethod
    def passwords(cls, **users):
        path = cls.workspace.write("passwords", "".join(f"{user}:{hashed(password)}\n" for user, password in users.items()))
        (cls.workspace / "passwords").chmod(0o600)
        return path

    def setUp(self):
        for user in self.users:
            self.authorize(user)
        self.workspace.write("revoked", "")
        self.bastion.write_config(self.write())
        self.reload()

    def authorize(self, user, options=""):
        self.workspace.write(f"authorized_keys/{user}", f"{options}{self.workspace.public_key(user)}\n")

    def reload(self):
        self.assertEqual(self.bastion.control("reload").status, 0)

    def sessions(self):
        """One session of each user: {user: (process, echo)}."""
        return {user: self.echo_session(self.client(user)) for user in self.users}

    def check_ended(self, process, told=TOLD):
        self.assertEqual(process.wait(PATIENCE), 255)
        self.assertIn(told, process.stderr.read().decode())

    def check_only_alice_goes(self, change, told=TOLD, why=""):
        """Bob's session, and a second look at everybody, show that nobody else is concerned."""
        sessions = self.sessions()
        mark = self.bastion.mark()
        change()
        self.reload()
        self.check_ended(sessions["alice"][0], told)
        self.bastion.wait_for(rf'ended after a reload user=alice reason=".*{why}', since=mark)
        self.reload()
        sessions["bob"][1](b"still here")


@needs_bastion
class RecheckTest(RecheckCase):
    def test_a_key_that_is_no_longer_authorized(self):
        self.check_only_alice_goes(lambda: self.workspace.write("authorized_keys/alice", ""), why="not one of the user")

    def test_a_key_whose_file_has_gone(self):
        self.check_only_alice_goes((self.workspace / "authorized_keys" / "alice").unlink, why="not one of the user")

    def test_a_key_that_has_been_revoked(self):
        self.check_only_alice_goes(lambda: self.workspace.write("revoked", self.workspace.public_key("alice") + "\n"), why="revoked by")

    def test_a_key_with_other_options(self):
        self.check_only_alice_goes(lambda: self.authorize("alice", "restrict "), why="other options")
        self.authorize("alice", 'no-pty,command="cat" ')
        process, _ = self.echo_session()
        self.authorize("alice", 'command="cat",no-pty ')
        self.reload()
        self.authorize("alice", 'command="id",no-pty ')
        self.reload()
        self.check_ended(process)

    def test_nobody_is_kept_while_a_list_cannot_be_read(self):
        sessions = self.sessions()
        (self.workspace / "revoked").unlink()
        self.reload()
        for process, _ in sessions.values():
            self.check_ended(process)

    def test_a_route_that_has_gone(self):
        only_bob = ssh_target("main", self.sshd) + route("bob's", "main", users=["bob"])
        self.check_only_alice_goes(lambda: self.bastion.write_config(self.write(only_bob)), "no route")

    def test_a_route_with_other_rights(self):
        def changed(more="", channels=""):
            return lambda: self.bastion.write_config(self.write(
                ssh_target("main", self.sshd) + route("alice's", "main", users=["alice"], channels=more + channels) + route("all", "main")))
        for change in (changed("permit_pty = false"), changed('force_command = "id"'), changed('permit_subsystems = []'),
                       changed(channels='[[route.channel]]\nrequest = "exec"\ndeny = "no"')):
            self.check_only_alice_goes(change)
            self.setUp()

    def test_what_is_no_right_ends_nobody(self):
        sessions = self.sessions()
        self.bastion.write_config(self.write(defaults='idle_timeout = "1m"\nkeepalive_interval = "20s"\nwarm = 0\nmax_age = "1h"'))
        self.reload()
        # A change that does end somebody comes after it, so that there is something to wait for.
        self.workspace.write("authorized_keys/alice", "")
        self.reload()
        self.check_ended(sessions["alice"][0])
        sessions["bob"][1](b"still here")

    def test_a_way_to_log_in_that_has_gone(self):
        session = self.echo_session()[0]
        self.bastion.write_config(self.write(auth=self.auth.replace('["publickey", "password"]', '["publickey+password", "password"]')))
        self.reload()
        self.check_ended(session)

    def test_a_certificate(self):
        self.workspace.write("authorized_keys/alice", "")
        subprocess.run(["ssh-keygen", "-q", "-s", str(self.workspace / "keys" / "ca"), "-I", "id", "-n", "alice", "-z", "7",
                        str(self.workspace / "keys" / "alice.pub")], check=True)
        try:
            process, echo = self.echo_session(self.client(CertificateFile=self.workspace / "keys" / "alice-cert.pub"))
            self.reload()
            echo(b"still here")
            self.workspace.write("revoked", self.workspace.public_key("ca") + "\n")
            self.reload()
            self.check_ended(process)
        finally:
            (self.workspace / "keys" / "alice-cert.pub").unlink()

    @needs_program("sshpass")
    def test_a_user_without_a_password(self):
        client = typist(self.client("carol", key="alice"))
        process = self.spawn(subprocess.Popen(["sshpass", "-p", "secret", *client.argv("cat")], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                              stderr=subprocess.PIPE, bufsize=0, start_new_session=True))
        process.stdin.write(b"in\n")
        self.assertEqual(process.stdout.read(3), b"in\n")
        self.passwords(dave="secret")
        try:
            self.reload()
            self.assertEqual(process.wait(PATIENCE), 255)
        finally:
            self.passwords(carol="secret")


@needs_bastion
class KeepTest(RecheckCase):
    on_reload = "keep"

    def test_a_reload_ends_nobody_and_kill_does(self):
        sessions = self.sessions()
        more = self.echo_session()
        self.workspace.write("authorized_keys/alice", "")
        self.bastion.write_config(self.write(ssh_target("main", self.sshd) + route("bob's", "main", users=["bob"])))
        self.reload()
        sessions["alice"][1](b"kept")
        more[1](b"kept")
        killed = self.bastion.control("kill", "user=alice")
        self.assertEqual((killed.status, killed.stdout), (0, "ended 2 connections\n"), killed.stderr)
        for process in (sessions["alice"][0], more[0]):
            self.check_ended(process, "ended by the administrator")
        sessions["bob"][1](b"still here")
        nobody = self.bastion.control("kill", "user=alic")
        self.assertEqual((nobody.status, nobody.stderr), (1, 'sallyportctl: no connection of user "alic"\n'))


if __name__ == "__main__":
    main()
