"""How the bastion proves to a target who it is: keys, agents, certificates, passwords, and questions to the client."""

import os
import socket
import subprocess

from harness.case import BastionCase, main, needs_bastion, read_until
from harness.config import bastion_config, route
from harness.openssh import Sshd
from harness.process import PATIENCE, accepts, eventually
from harness.workspace import clean_environment, find_program, login_name

try:
    import paramiko
    from harness.asking_server import AskingServer
except ImportError:
    paramiko = None


def start_agent(case, name, keys):
    """An ssh-agent with those keys; its socket."""
    path = case.workspace / f"{name}.agent"
    path.unlink(missing_ok=True)
    case.spawn(subprocess.Popen(["ssh-agent", "-D", "-a", str(path)], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                stderr=subprocess.DEVNULL, env=clean_environment(), start_new_session=True))
    eventually(lambda: accepts(path), what="the agent")
    for key in keys:
        subprocess.run(["ssh-add", "-q", str(case.workspace.key(key))], check=True, capture_output=True, timeout=PATIENCE,
                       env=clean_environment(SSH_AUTH_SOCK=str(path)))
    return path


class Targets(BastionCase):
    """One target for each line of `credentials`, all of them the private sshd; the client names the target."""

    credentials = {}
    more = {}
    options = ""

    @classmethod
    def configuration(cls):
        body = ""
        for name, listed in cls.credentials.items():
            listed = ", ".join(f'"{one}"' for one in ([listed] if isinstance(listed, str) else listed))
            body += f'''
[target.{name}]
address = "{cls.sshd.address}:{cls.sshd.port}"
user = "{login_name()}"
credentials = [{listed}]
known_hosts = "upstream_known_hosts"
{cls.more.get(name, "")}
'''
        return bastion_config(body + route("all", "{target}", targets=list(cls.credentials)), **cls.sections)

    def at(self, target, user="alice", **options):
        return self.client(f"{user}+{target}", key=user, **options)

    def refused(self, target, told=b"refused the login", **options):
        result = self.at(target, **options).run("true")
        self.assertEqual(result.returncode, 255)
        self.assertIn(told, result.stderr)
        return result


@needs_bastion
class Keys(Targets):
    credentials = {
        "locked": "key:keys/locked", "wrong": "key:keys/locked", "bare": "key:keys/locked",
        "systemd": "key:keys/locked",
        "second": ["key:keys/stranger", "key:keys/missing", "key:keys/upstream"],
    }
    more = {"locked": 'passphrase_file = "passphrase"', "wrong": 'passphrase_file = "wrong"',
            "systemd": 'passphrase_file = "credential:keys"'}

    @classmethod
    def setUpClass(cls):
        os.environ.pop("CREDENTIALS_DIRECTORY", None)
        super().setUpClass()

    @classmethod
    def configuration(cls):
        cls.workspace.key("stranger")
        key = cls.workspace.key("locked")
        subprocess.run(["ssh-keygen", "-q", "-p", "-P", "", "-N", "open sesame", "-f", str(key)], check=True,
                       capture_output=True)
        authorized = cls.workspace / "sshd_authorized_keys"
        authorized.write_text(authorized.read_text() + cls.workspace.public_key("locked") + "\n")
        cls.workspace.write("passphrase", "open sesame\n")
        cls.workspace.write("wrong", "open says me\n")
        cls.workspace.write("credentials/keys", "open sesame", mode=0o440)
        return super().configuration()

    def test_a_key_with_a_passphrase(self):
        self.assertEqual(self.at("locked").output("echo in"), b"in\n")

    def test_a_wrong_passphrase_and_none(self):
        mark = self.bastion.mark()
        self.refused("wrong", told=b"configuration for it is at fault")
        self.bastion.wait_for("the passphrase is not the key", since=mark)
        self.refused("bare", told=b"configuration for it is at fault")
        self.bastion.wait_for("the key has a passphrase", since=mark)
        self.assertNotIn("sesame", self.bastion.log())
        self.assertNotIn("says me", self.bastion.log())

    def test_a_credential_of_systemds(self):
        self.refused("systemd", told=b"configuration for it is at fault")
        self.bastion.wait_for("systemd has given no credentials")

    def test_the_next_key_when_one_is_missing_and_one_is_refused(self):
        mark = self.bastion.mark()
        self.assertEqual(self.at("second").output("echo in"), b"in\n")
        self.bastion.wait_for(r'upstream login target=second .*credential="key:.*/upstream"', since=mark)
        self.bastion.wait_for(r"keys/missing: No such file", since=mark)


@needs_bastion
class Agents(Targets):
    credentials = {
        "agent": "agent:{target}.agent", "empty": "agent:empty.agent", "nobody": "agent:nobody.agent",
        "hangs": ["agent:hangs.agent", "key:keys/upstream"], "many": "agent:many.agent",
        "later": ["agent:later.agent", "key:keys/upstream"],
        "client": "forwarded-agent", "forbidden": "forwarded-agent",
    }
    more = {"client": "forward_agent = true"}
    sshd_options = {"MaxAuthTries": "6"}

    def test_an_agent_on_the_bastion(self):
        start_agent(self, "agent", ["laptop", "upstream"])
        mark = self.sshd.mark()
        self.assertEqual(self.at("agent").output("echo in"), b"in\n")
        self.assertEqual(self.sshd.logins(mark), 1)

    def test_rsa_and_ecdsa_keys_of_an_agent(self):
        authorized = self.workspace / "sshd_authorized_keys"
        for kind in ("rsa", "ecdsa"):
            self.workspace.key(f"agent_{kind}", kind)
            authorized.write_text(authorized.read_text() + self.workspace.public_key(f"agent_{kind}") + "\n")
            with self.subTest(kind):
                agent = start_agent(self, "agent", [f"agent_{kind}"])
                self.assertEqual(self.at("agent").output("echo in"), b"in\n")
                self.bastion.control("exit", "agent")
                agent.unlink()

    def test_no_agent_and_one_without_keys(self):
        mark = self.bastion.mark()
        self.refused("nobody")
        self.bastion.wait_for("connect to .*nobody.agent", since=mark)
        start_agent(self, "empty", [])
        self.refused("empty")
        self.bastion.wait_for("the agent has no keys", since=mark)

    def test_an_agent_that_hangs_is_left_out(self):
        start_agent(self, "agent", ["upstream"])
        silent = socket.socket(socket.AF_UNIX)
        silent.bind(str(self.workspace / "hangs.agent"))
        silent.listen(4)
        silent.settimeout(PATIENCE)
        self.addCleanup(silent.close)
        _, echo = self.echo_session(self.at("agent", user="bob"))
        control = self.workspace / "later.master"
        other = self.at("later", ControlPath=control)
        self.spawn(other.with_(ControlMaster="yes").popen(flags=["-N"]))
        self.wait_until(control.exists, what="the master")
        waiting = self.spawn(self.at("hangs").popen("echo in"))
        asked, _ = silent.accept()
        self.addCleanup(asked.close)
        # The loops go on for the 4 s that it has: neither a session nor another login is held up.
        echo()
        self.assertEqual(other.output("echo in"), b"in\n")
        self.assertIsNone(waiting.poll())
        self.assertEqual(waiting.communicate(timeout=PATIENCE)[0], b"in\n")

    def test_not_more_keys_than_the_target_takes(self):
        start_agent(self, "many", [f"key{number}" for number in range(8)])
        mark = self.bastion.mark()
        self.refused("many")
        self.bastion.wait_for("5 keys refused, 3 not offered", since=mark)
        start_agent(self, "later", [f"key{number}" for number in range(8)])
        self.assertEqual(self.at("later").output("echo in"), b"in\n")

    def test_the_clients_own_agent(self):
        agent = start_agent(self, "own", ["upstream"])
        client = self.at("client", ForwardAgent="yes", IdentityAgent=agent)
        # What another connection of hers lacks, or brings along, is no reason for this one to wait.
        stranger = start_agent(self, "strange", ["stranger"])
        self.refused("client", told=b"no usable credentials")
        self.refused("client", ForwardAgent="yes", IdentityAgent=stranger)
        self.assertEqual(client.output("echo in"), b"in\n")
        # It is that connection's trunk alone.
        sessions = [self.spawn(client.popen("echo ready; cat")) for _ in range(2)]
        for session in sessions:
            self.assertEqual(session.stdout.readline(), b"ready\n")
        self.wait_until(lambda: len(self.trunks(user="alice", target="client")) == 2, what="a trunk for each, and no other any more")

    def test_an_agent_that_wasnt_lent_is_not_used(self):
        agent = start_agent(self, "kept", ["upstream"])
        self.refused("client", told=b"no usable credentials", IdentityAgent=agent)
        self.bastion.wait_for("the client has not lent its agent")
        self.refused("forbidden", told=b"no usable credentials", ForwardAgent="yes", IdentityAgent=agent)

    def test_a_clients_agent_with_other_keys(self):
        agent = start_agent(self, "others", ["stranger"])
        self.refused("client", user="bob", ForwardAgent="yes", IdentityAgent=agent)


@needs_bastion
class Certificates(Targets):
    credentials = {"ca": "ca:keys/ca", "other": "ca:keys/ca", "program": "signer", "printed": "signer", "fails": "signer",
                   "agent": "agent:certified.agent"}

    @classmethod
    def setUpClass(cls):
        cls.sshd_options = {"TrustedUserCAKeys": "none"}
        super().setUpClass()

    @classmethod
    def configuration(cls):
        cls.workspace.key("ca")
        cls.sshd.stop()
        cls.sshd = Sshd(cls.workspace, ["laptop"], name="sshd2", TrustedUserCAKeys=cls.workspace / "keys/ca.pub")
        cls.addClassCleanup(cls.sshd.stop)
        cls.sshd.start()
        cls.workspace.write("upstream_known_hosts", cls.sshd.known_hosts_line())
        me = f'certificate_principals = ["{login_name()}"]'
        keygen, ca = find_program("ssh-keygen"), cls.workspace / "keys/ca"
        sign = f'["{keygen}", "-q", "-s", "{ca}", "-I", "{{identity}} by program", "-n", "{{principals}}", "-V", "+{{validity}}", "{{key}}"]'
        print_it = cls.workspace.write("signer", f'''#!/bin/sh
set -e
folder=$(mktemp -d)
trap 'rm -r "$folder"' EXIT
cat > "$folder/k.pub"
{keygen} -q -s {ca} -I "$1" -n "$2" -V "+$3" "$folder/k.pub"
cat "$folder/k-cert.pub"
''', mode=0o700)
        cls.more = {
            "ca": me, "other": 'certificate_principals = ["somebody-else"]',
            "program": f"{me}\nsigner = {sign}",
            "printed": f'{me}\nsigner = ["{print_it}", "{{user}} at {{target}}", "{{principals}}", "{{validity}}"]',
            "fails": f'{me}\nsigner = ["/bin/sh", "-c", "echo sorry >&2; exit 3"]',
        }
        return super().configuration()

    def test_the_bastion_issues_a_certificate_for_each_login(self):
        mark = self.sshd.mark()
        self.assertEqual(self.at("ca").output("echo in"), b"in\n")
        first = self.sshd.wait_for(r"ID (alice/c\d+) \(serial (\d+)\) CA ED25519 " + self.workspace.fingerprint("ca").replace("+", r"\+"),
                                   since=mark)
        self.bastion.control("exit", "ca")
        mark = self.sshd.mark()
        self.assertEqual(self.at("ca").output("echo in"), b"in\n")
        second = self.sshd.wait_for(r"ID (alice/c\d+) \(serial (\d+)\)", since=mark)
        self.assertNotEqual(first.group(2), second.group(2))

    def test_principals_decide(self):
        self.refused("other")

    def test_an_own_program_signs_a_file(self):
        mark = self.sshd.mark()
        self.assertEqual(self.at("program").output("echo in"), b"in\n")
        self.sshd.wait_for(r"ID alice/c\d+ by program", since=mark)

    def test_an_own_program_prints_the_certificate(self):
        mark = self.sshd.mark()
        self.assertEqual(self.at("printed", user="bob").output("echo in"), b"in\n")
        self.sshd.wait_for(r"ID bob at printed", since=mark)

    def test_a_program_that_fails(self):
        mark = self.bastion.mark()
        self.refused("fails")
        self.bastion.wait_for('stderr="sorry"', since=mark)
        self.bastion.wait_for("signer: exit status 3", since=mark)

    def test_a_certificate_in_an_agent(self):
        key = self.workspace.key("certified")
        subprocess.run(["ssh-keygen", "-q", "-s", str(self.workspace / "keys/ca"), "-I", "of the agent", "-n", login_name(),
                        str(key) + ".pub"], check=True, capture_output=True)
        start_agent(self, "certified", ["certified"])
        mark = self.sshd.mark()
        self.assertEqual(self.at("agent").output("echo in"), b"in\n")
        self.sshd.wait_for("ID of the agent", since=mark)


class Asking(BastionCase):
    """Targets that want passwords and answers."""

    @classmethod
    def configuration(cls):
        cls.servers = {
            "password": AskingServer(cls.workspace, ["password"], "password"),
            "wrong": AskingServer(cls.workspace, ["password"], "wrong", password="other"),
            "pam": AskingServer(cls.workspace, ["keyboard-interactive"], "pam", questions=(("Password: ", False, "hunter2"),)),
            "code": AskingServer(cls.workspace, ["publickey", "keyboard-interactive"], "code",
                                 key=cls.workspace.public_key("upstream"), instruction="Token please.\n\x1b[2J"),
            "two": AskingServer(cls.workspace, ["keyboard-interactive"], "two",
                                questions=(("Name: ", True, "alice"), ("Code: ", False, "42"))),
            "both": AskingServer(cls.workspace, ["publickey", "password"], "both", key=cls.workspace.public_key("upstream")),
        }
        for server in cls.servers.values():
            cls.addClassCleanup(server.close)
        cls.workspace.write("asking_known_hosts", "".join(server.known_hosts_line() for server in cls.servers.values()))
        cls.workspace.write("secrets/password", "hunter2\n")
        cls.workspace.write("secrets/open", "hunter2\n", mode=0o644)
        credentials = {"password": '"password-file:secrets/password"', "wrong": '"password-file:secrets/password"',
                       "pam": '"password-file:secrets/password"', "code": '"keyboard-interactive", "key:keys/upstream"',
                       "two": '"keyboard-interactive"', "both": '"password-file:secrets/password", "key:keys/upstream"'}
        body = "".join(f'''
[target.{name}]
address = "127.0.0.1:{server.port}"
user = "tester"
credentials = [{credentials[name]}]
known_hosts = "asking_known_hosts"
''' for name, server in cls.servers.items()) + f'''
[target.open]
address = "127.0.0.1:{cls.servers["password"].port}"
user = "tester"
credentials = ["password-file:secrets/open"]
known_hosts = "asking_known_hosts"
'''
        return bastion_config(body + route("all", "{target}", targets=[*cls.servers, "open"]))

    def at(self, target, user="alice"):
        return self.client(f"{user}+{target}", key=user)

    def terminal(self, target, command="echo in"):
        return self.spawn(self.at(target).with_(RequestTTY="force", LogLevel="ERROR").popen(command))

    @staticmethod
    def read_to(process, text):
        return read_until(process.stderr, lambda data: data.endswith(text), one_by_one=True)

    def test_a_password_from_a_file(self):
        self.assertEqual(self.at("password").output("echo in"), b"echo in")
        self.assertNotIn("hunter2", self.bastion.log())

    def test_a_password_that_others_could_read_is_not_used(self):
        result = self.at("open").run("true")
        self.assertIn(b"configuration for it is at fault", result.stderr)
        self.bastion.wait_for("a secret that others may read")

    def test_a_wrong_password_is_tried_once(self):
        result = self.at("wrong").run("true")
        self.assertIn(b"refused the login", result.stderr)
        self.assertEqual(self.servers["wrong"].attempts, [("password", False)])

    def test_a_password_where_the_server_asks_for_it(self):
        self.assertEqual(self.at("pam").output("echo in"), b"echo in")

    def test_a_password_after_a_key(self):
        self.assertEqual(self.at("both").output("echo in"), b"echo in")
        # The password is passed over until the target takes it.
        self.assertEqual([method for method, good in self.servers["both"].attempts if not good], [])
        self.assertEqual(self.servers["both"].attempts[-1], ("password", True))

    def test_a_question_is_answered_at_the_terminal_and_once_for_all_sessions(self):
        session = self.terminal("code")
        seen = self.read_to(session, b"(code) Verification code: ")
        self.assertIn(b"(code) Token please.\r\n", seen)
        self.assertNotIn(b"\x1b", seen)
        session.stdin.write(b"12345x\x7f6\r")
        output, _ = session.communicate(timeout=PATIENCE)
        self.assertEqual(output, b"echo in")
        logins = self.servers["code"].logins
        self.assertEqual(self.at("code").output("second"), b"second")
        self.assertEqual(self.servers["code"].logins, logins)
        self.bastion.wait_for(r'credential="key:.*upstream \+ keyboard-interactive"')
        self.assertNotIn("123456", self.bastion.log())

    def test_two_questions_one_with_echo(self):
        session = self.terminal("two")
        self.read_to(session, b"(two) Name: ")
        session.stdin.write(b"alice\r")
        seen = self.read_to(session, b"(two) Code: ")
        self.assertIn(b"alice\r\n", seen)
        session.stdin.write(b"42\r")
        self.assertEqual(session.communicate(timeout=PATIENCE)[0], b"echo in")

    def test_without_a_terminal_it_says_so(self):
        self.bastion.control("exit", "code")
        result = self.at("code").run("true")
        self.assertEqual(result.returncode, 255)
        self.assertIn(b"it asks a question, which only a session with a terminal can answer: log in with ssh -t", result.stderr)
        # That was no wrong login: the next one may follow at once.
        session = self.terminal("code")
        self.read_to(session, b"(code) Verification code: ")
        session.stdin.write(b"123456\r")
        self.assertEqual(session.communicate(timeout=PATIENCE)[0], b"echo in")

    def test_who_hangs_up_at_the_question_ends_the_login(self):
        self.bastion.control("exit", "two")
        session = self.terminal("two")
        self.read_to(session, b"(two) Name: ")
        session.stdin.write(b"\x03")
        _, seen = session.communicate(timeout=PATIENCE)
        self.assertIn(b"was not answered", seen)
        self.assertEqual(session.returncode, 255)
        session = self.terminal("two")
        self.read_to(session, b"(two) Name: ")
        session.kill()
        self.wait_until(lambda: not self.trunks(target="two"), what="the end of the login")


@needs_bastion
class TypedPassword(BastionCase):
    """The password that the client types at the bastion goes on to the target, for this connection alone."""

    sections = {"auth": 'authorized_keys = ["authorized_keys/{user}"]\n'
                        'methods = ["password", "publickey"]\npassword_file = "passwords"\n'}

    @classmethod
    def configuration(cls):
        cls.server = AskingServer(cls.workspace, ["password"], "typed")
        cls.addClassCleanup(cls.server.close)
        cls.workspace.write("typed_known_hosts", cls.server.known_hosts_line())
        hashed = subprocess.run([os.environ["SALLYPORT_CONTROL"], "hash-password"], input=b"hunter2\n", capture_output=True,
                                check=True).stdout.decode().strip()
        cls.workspace.write("passwords", f"alice:{hashed}\n")
        body = f'''
[target.typed]
address = "127.0.0.1:{cls.server.port}"
user = "tester"
credentials = ["password"]
known_hosts = "typed_known_hosts"
'''
        return bastion_config(body + route("all", "typed"), **cls.sections)

    def with_password(self, *args):
        ask = self.workspace.write("askpass", "#!/bin/sh\necho hunter2\n", mode=0o700)
        client = self.client().with_(BatchMode="no", PreferredAuthentications="password", NumberOfPasswordPrompts=1)
        process = self.spawn(subprocess.Popen(client.argv(*args), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                              stderr=subprocess.PIPE, start_new_session=True,
                                              env=clean_environment(SSH_ASKPASS=str(ask), SSH_ASKPASS_REQUIRE="force")))
        return process

    def test_it_goes_on_to_the_target_and_is_nobody_elses(self):
        first = self.with_password("echo in")
        self.assertEqual(first.communicate(timeout=PATIENCE)[0], b"echo in")
        self.assertEqual(self.server.attempts[-1], ("password", True))
        # With a key there is no password to pass on, and no trunk of that other connection to ride on.
        result = self.client().run("echo in")
        self.assertEqual(result.returncode, 255)
        self.assertIn(b"no usable credentials", result.stderr)
        self.bastion.wait_for("the client has typed no password")
        self.assertNotIn("hunter2", self.bastion.log())
        self.wait_until(lambda: not self.trunks(target="typed"), what="the end of the trunk with its connection")


if paramiko is None:
    del Asking, TypedPassword
else:
    Asking = needs_bastion(Asking)

if __name__ == "__main__":
    main()
