"""The one policy, with the real ssh: forced commands, terminals, subsystems, forwarding, hours of the week, second factors."""

import json
import time
import unittest

from harness import raw
from harness.case import BastionCase, main, needs_bastion
from harness.config import bastion_config, local_target, ssh_target
from harness.openssh import sftp_server
from harness.ports import free_port
from harness.process import PATIENCE
from harness.raw import RawConnection, string
from harness.sallyport import run_daemon

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def hours_around_now():
    """A window that is open for the next hours, and one that is closed now and for the next hours."""
    now = time.localtime()
    today, tomorrow, later = (DAYS[(now.tm_wday + shift) % 7] for shift in (0, 1, 3))
    return f"{today},{tomorrow}", later


def routes(**by_name):
    """A route for each name, with the same targets behind it: its options are the value."""
    return "".join(f'\n[[route]]\nname = "{name}"\ntargets = ["{name}"]\nto = "main"\n{options}\n'
                   for name, options in by_name.items())


class PolicyCase(BastionCase):
    """Targets are names of routes to the same sshd: `alice+NAME`."""

    sshd_options = {"AcceptEnv": "SSH_ORIGINAL_COMMAND KEY_* LC_*", "Subsystem": f"sftp {sftp_server() or '/bin/false'}"}

    @classmethod
    def configuration(cls):
        open_now, cls.closed_now = hours_around_now()
        everything = 'local_forwarding = ["*"]\nremote_forwarding = ["*"]\nforward_agent = true\n'
        return bastion_config(
            ssh_target("main", cls.sshd, more=everything)
            + local_target("here", more=f'subsystems = {{ sftp = ["{sftp_server() or "/bin/false"}"] }}')
            + routes(
                plain="",
                forced='force_command = "echo forced; echo asked: \\"$SSH_ORIGINAL_COMMAND\\""',
                sftponly='force_command = "internal-sftp"',
                noterminal="permit_pty = false",
                nosftp='permit_subsystems = ["net*"]',
                now=f'valid = ["Mon 00:00-00:01", "{open_now}"]',
                later=f'valid = ["{cls.closed_now}"]',
                factor='require = ["mfa"]')
            + '\n[[route]]\nname = "fall back"\ntargets = ["*"]\nto = "here"\n'
              'force_command = "echo forced here: $SSH_ORIGINAL_COMMAND"\n')

    def authorize(self, options=""):
        self.workspace.write("authorized_keys/alice", options + self.workspace.public_key("alice") + "\n")

    def setUp(self):
        self.authorize()

    def to(self, name, **options):
        return self.client(f"alice+{name}", **options)

    def check_works(self, name="plain"):
        self.assertEqual(self.to(name).output("echo in"), b"in\n")

    def check_no_terminal(self, name):
        self.check_works(name)
        self.assertIn(b"PTY allocation request failed", self.to(name).run("tty", flags=["-tt"]).stderr)

    def check_told(self, result, text):
        self.assertEqual(result.returncode, 255)
        self.assertIn(text, result.stderr.decode())
        self.assertEqual(result.stdout, b"")


@needs_bastion
class ProgramsTest(PolicyCase):
    def test_a_forced_command_runs_in_place_of_everything(self):
        for run in ({"command": "rm -rf /"}, {"command": "sftp", "flags": ["-s"]}):
            with self.subTest(run=run):
                result = self.to("forced").run(run["command"], flags=run.get("flags", []))
                self.assertEqual(result.stdout.decode(), f"forced\nasked: {run['command']}\n")
        self.assertEqual(self.to("forced").run(flags=["-T"], input=b"echo free\n").stdout, b"forced\nasked: \n")

    def test_what_was_asked_for_can_not_be_made_up(self):
        client = self.to("forced", SetEnv="SSH_ORIGINAL_COMMAND=other")
        self.assertEqual(client.output("real").decode(), "forced\nasked: real\n")
        self.assertEqual(client.run(flags=["-T"]).stdout.decode(), "forced\nasked: \n")

    def test_the_configuration_wins_over_the_key_and_the_key_over_the_client(self):
        self.authorize('command="echo by the key: $SSH_ORIGINAL_COMMAND" ')
        self.assertEqual(self.to("plain").output("mine"), b"by the key: mine\n")
        self.assertEqual(self.to("forced").output("mine"), b"forced\nasked: mine\n")

    def test_a_forced_command_on_the_bastion(self):
        self.assertEqual(self.to("elsewhere").output("uname -a"), b"forced here: uname -a\n")

    @unittest.skipUnless(sftp_server(), "no sftp-server")
    def test_internal_sftp_is_for_sftp_alone(self):
        source, _ = self.workspace.random_file("policy-source", 10_000)
        batch = f"put {source} {self.workspace / 'policy-target'}\n".encode()
        done = self.to("sftponly").run("127.0.0.1", flags=["-b", "-"], input=batch, program="sftp")
        self.assertEqual(done.returncode, 0, done.stderr)
        for flags, command in (([], "id"), (["-T"], None), (["-s"], "netconf")):
            with self.subTest(command=command):
                arguments = [command] if command else []
                self.check_told(self.to("sftponly").run(*arguments, flags=flags), "this service allows sftp connections only")

    def test_internal_sftp_with_arguments_is_refused(self):
        self.authorize('command="internal-sftp -R" ')
        for flags, command in (([], "id"), (["-s"], "sftp")):
            with self.subTest(command=command):
                self.check_told(self.to("plain").run(command, flags=flags), "the forced command is not supported here")
        self.bastion.wait_for(r'program refused .*reason="the forced command is .*internal-sftp -R.*without arguments only')

    def test_terminals(self):
        self.assertIn(b"/dev/pts", self.to("plain").run("tty", flags=["-tt"]).stdout)
        self.check_no_terminal("noterminal")
        self.authorize("no-pty ")
        self.check_no_terminal("plain")

    @unittest.skipUnless(sftp_server(), "no sftp-server")
    def test_subsystems(self):
        done = self.to("nosftp").run("127.0.0.1", flags=["-b", "-"], input=b"pwd\n", program="sftp")
        self.assertNotEqual(done.returncode, 0)
        self.assertIn(b"this subsystem is not allowed", done.stderr)
        self.check_works("nosftp")
        self.bastion.wait_for(r'program refused .*reason="not in permit_subsystems \(net\*\) \(permit_subsystems of route \\"nosftp\\"\)"')
        self.bastion.wait_for_audit("refuse", request="subsystem", command="sftp")


@needs_bastion
class HoursTest(PolicyCase):
    def test_a_route_is_open_in_its_hours_only(self):
        self.check_works("now")
        self.check_told(self.to("later").run("echo in"), "target 'later' may not be used at this time")

    def test_nobody_falls_through_to_the_next_route(self):
        for name in ("later", "factor"):
            self.assertNotIn(b"forced here", self.to(name).run("echo in").stdout)

    def test_a_second_factor_is_asked_for(self):
        self.check_told(self.to("factor").run("echo in"), "target 'factor' needs a login with a second factor")
        self.check_told(self.to("factor").run(flags=["-W", "127.0.0.1:1", "-v"]), "needs a login with a second factor")

    def test_hours_are_those_of_the_bastions_zone(self):
        """Two hours before and after now by UTC, asked of a bastion there and of one half around the world."""
        hours = [f"{(time.gmtime().tm_hour + shift) % 24:02}:00" for shift in (-2, 3)]
        config = self.workspace.write("zone.toml", bastion_config(
            ssh_target("main", self.sshd) + f'[[route]]\nto = "main"\nvalid = ["{"-".join(hours)}"]\n', name="zone"))
        for zone, open_there in (("UTC0", True), ("FAR-12", False), ("FAR12", False)):
            with self.subTest(zone=zone):
                shown = run_daemon("-f", config, "-C", "user=alice", TZ=zone).stdout
                self.assertEqual("result: target main" in shown, open_there, shown)


@needs_bastion
class ForwardingTest(PolicyCase):
    def refusal(self, name, *flags):
        return self.to(name).run(flags=["-o", "ExitOnForwardFailure=yes", *flags]).stderr.decode()

    def test_permitopen(self):
        self.authorize(f'permitopen="127.0.0.1:{self.sshd.port}" ')
        banner = self.to("plain").run(flags=["-W", f"127.0.0.1:{self.sshd.port}"], input=b"").stdout
        self.assertTrue(banner.startswith(b"SSH-2.0-"), banner)
        for elsewhere in (f"localhost:{self.sshd.port}", "127.0.0.1:1", "/run/x.sock"):
            with self.subTest(destination=elsewhere):
                port = free_port()
                self.assertIn("forwarding to this destination is not allowed",
                              self.refusal("plain", "-W", elsewhere) if not elsewhere.startswith("/")
                              else self.forward_once(port, elsewhere))

    def forward_once(self, port, destination):
        """ssh -L to a socket, one connection through it, and what ssh says."""
        import socket
        process = self.spawn(self.to("plain").popen(flags=["-N", "-v", "-L", f"127.0.0.1:{port}:{destination}"]))

        def connects():
            try:
                with socket.create_connection(("127.0.0.1", port), PATIENCE) as connection:
                    return connection.recv(1) == b""
            except ConnectionRefusedError:
                return False
            except ConnectionResetError:
                return True
        self.wait_until(connects, what="the forward")
        process.terminate()
        return process.communicate(timeout=PATIENCE)[1].decode()

    def test_permitlisten(self):
        port = free_port()
        self.authorize(f'permitlisten="localhost:{port}" ')
        done = self.to("plain").run("true", flags=["-o", "ExitOnForwardFailure=yes", "-R", f"{port}:127.0.0.1:1"])
        self.assertEqual(done.returncode, 0, done.stderr)
        for listen in (f"{free_port()}:127.0.0.1:1", f"*:{port}:127.0.0.1:1", "0:127.0.0.1:1"):
            with self.subTest(listen=listen):
                self.assertIn("remote port forwarding failed", self.refusal("plain", "-R", listen, "-N"))
        self.bastion.wait_for(r"not in permitlisten \(localhost:%d\)" % port)

    def test_restrict_leaves_a_command_and_nothing_else(self):
        self.authorize("restrict ")
        self.check_works()
        self.assertIn("remote port forwarding failed", self.refusal("plain", "-R", "0:127.0.0.1:1", "-N"))
        self.assertIn("forwarding is not allowed", self.refusal("plain", "-W", f"127.0.0.1:{self.sshd.port}"))
        self.check_no_terminal("plain")
        self.assertEqual(self.to("plain", ForwardAgent="yes").run("echo ${SSH_AUTH_SOCK:-none}").stdout, b"none\n")


@needs_bastion
@unittest.skipUnless(raw.paramiko, "python3-paramiko is not installed")
class UnknownTest(PolicyCase):
    def open(self, name="plain"):
        connection = RawConnection(self.bastion.port, f"alice+{name}", self.workspace.key("alice"))
        self.addCleanup(connection.close)
        return connection

    def test_unknown_channel_types_and_global_requests_are_denied(self):
        connection = self.open()
        mark = self.bastion.mark()
        for kind in ("tun@openssh.com", "x11", "forwarded-tcpip", "auth-agent@openssh.com", "hello@example.com"):
            with self.subTest(type=kind), self.assertRaises(Exception):
                connection.open(kind=kind)
        self.bastion.wait_for(r"channel refused type=hello@example\.com", since=mark)
        self.check_works()

    def test_unknown_requests_are_denied(self):
        mark = self.bastion.mark()
        connection = self.open()
        channel = connection.open()
        self.assertTrue(connection.exec(channel, "cat"))
        self.assertFalse(connection.request(channel, "hello@example.com", string("x")))
        self.bastion.wait_for(r"request refused .*request=hello@example\.com reason=.unknown request", since=mark)


@needs_bastion
class ExplainTest(PolicyCase):
    def explain(self, query):
        result = run_daemon("-f", self.bastion.config_file, "-C", query)
        self.assertEqual(result.status, 0, result.stderr)
        live = self.bastion.control("explain", query)
        if "\\" not in result.stdout:  # which sallyportctl escapes, as all that a daemon tells it
            self.assertEqual(live.stdout, result.stdout)
        return result.stdout

    def test_the_rule_that_made_the_decision(self):
        shown = self.explain("user=alice,target=forced,command=ls")
        self.assertIn('decided by force_command of route "forced"', shown)
        self.assertIn("runs exec", shown)
        self.assertIn('decided by permit_pty of route "noterminal"', self.explain("user=alice,target=noterminal,request=pty-req"))
        self.assertIn('decided by permit_subsystems of route "nosftp"', self.explain("user=alice,target=nosftp,subsystem=sftp"))
        self.assertIn('decided by local_forwarding of target main', self.explain("user=alice,target=plain,destination=db:1"))
        self.assertIn('decided by forward_x11 of [defaults]', self.explain("user=alice,target=plain,request=x11"))

    def test_time_and_second_factor(self):
        self.assertIn("may not be used at this time", self.explain("user=alice,target=later,command=x"))
        self.assertIn("result: target main", self.explain(f"user=alice,target=later,time={self.closed_now} 12:00,command=x"))
        self.assertIn("needs a login with a second factor", self.explain("user=alice,target=factor,command=x"))
        self.assertIn("result: target main", self.explain("user=alice,target=factor,mfa=yes,command=x"))
        value = json.loads(self.bastion.control("--json", "explain", "user=alice,target=factor,mfa=no,command=x").stdout)
        self.assertEqual((value["decided_by"], value["target"]), ('require of route "factor"', None))


if __name__ == "__main__":
    main()
