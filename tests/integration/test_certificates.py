"""User certificates and revocation, made by the real ssh-keygen."""

import random
import subprocess
import unittest

from harness import raw
from harness.case import BastionCase, main, needs_bastion
from harness.config import bastion_config, local_target, route
from harness.process import PATIENCE, LoggedProcess, accepts
from harness.workspace import clean_environment


class CertificateCase(BastionCase):
    auth = '''authorized_keys = ["authorized_keys/{user}"]
trusted_user_ca_keys = ["user_ca.pub"]
revoked_keys = ["revoked", "revoked.krl"]
'''

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        for user in cls.users:  # certificates alone count
            (cls.workspace / f"authorized_keys/{user}").unlink()

    @classmethod
    def configuration(cls):
        for name in ("ca", "ca_rsa", "other_ca"):
            cls.workspace.key(name, *(("rsa", 2048) if name == "ca_rsa" else ()))
        cls.workspace.write("user_ca.pub", "# our authorities\n" + "".join(
            f"{cls.workspace.public_key(name)} {name}\n" for name in ("ca", "ca_rsa")))
        cls.workspace.write("revoked", "")
        cls.krl()
        return bastion_config(local_target("shell") + route("everybody", "shell"), auth=cls.auth)

    @classmethod
    def krl(cls, spec="", ca=None, *keys):
        """Makes the revocation list anew, of a specification (ssh-keygen(1)) about certificates of `ca`, or of keys."""
        path, source = cls.workspace / "revoked.krl", cls.workspace.write("krl.spec", spec)
        authority = ["-s", str(cls.workspace / "keys" / f"{ca}.pub")] if ca else []
        subprocess.run(["ssh-keygen", "-q", "-k", "-f", str(path), *authority, str(source), *map(str, keys)], check=True)

    def sign(self, key, *flags, ca="ca", principals="alice", key_id=None, serial=1, validity="-1h:+1h"):
        """The client that has a certificate for the key `key`, which is made when it doesn't exist."""
        path = self.workspace.key(key)
        who = ["-n", principals] if principals else []
        subprocess.run(["ssh-keygen", "-q", "-s", str(self.workspace / "keys" / ca), "-I", key_id or f"id of {key}", "-z", str(serial),
                        "-V", validity, *who, *flags, f"{path}.pub"], check=True, capture_output=True)
        return self.client(key=key, CertificateFile=f"{path}-cert.pub")

    def refused(self, client):
        """The log's reason why a client is not let in with its certificate."""
        mark = self.bastion.mark()
        self.assertEqual(client.run("true").returncode, 255)
        return self.bastion.wait_for(r'key not accepted .*reason="(.*)" key_id=', since=mark).group(1).replace("\\", "")


@needs_bastion
class LoginTest(CertificateCase):
    def test_every_kind_of_key_and_authority(self):
        kinds = {"ed": ("ed25519", None), "p256": ("ecdsa", 256), "p384": ("ecdsa", 384), "p521": ("ecdsa", 521), "rsa": ("rsa", 2048)}
        for name, (kind, bits) in kinds.items():
            self.workspace.key(name, kind, bits)
            for ca in ("ca", "ca_rsa"):
                with self.subTest(key=name, ca=ca):
                    self.assertEqual(self.sign(name, ca=ca).output("echo in"), b"in\n")
        for algorithm in ("rsa-sha2-256", "rsa-sha2-512"):
            with self.subTest(algorithm=algorithm):
                client = self.sign("rsa").with_(PubkeyAcceptedAlgorithms=f"{algorithm}-cert-v01@openssh.com,{algorithm}")
                self.assertEqual(client.output("echo in"), b"in\n")

    def test_sha1_is_refused_in_the_clients_signature_and_in_the_authoritys(self):
        self.workspace.key("rsa", "rsa", 2048)
        client = self.sign("rsa").with_(PubkeyAcceptedAlgorithms="ssh-rsa-cert-v01@openssh.com,ssh-rsa")
        self.assertEqual(client.run("true").returncode, 255)
        self.assertIn("algorithm that is not accepted", self.refused(self.sign("sha1", "-t", "ssh-rsa", ca="ca_rsa")))

    def test_the_identity_is_logged_audited_and_listed(self):
        client = self.sign("who", key_id='Alice "A" <a@b>', serial=77)
        mark = self.bastion.mark()
        process, echo = self.echo_session(client)
        self.bastion.wait_for(r'authenticated user=alice .*key=' + self.workspace.fingerprint("who").replace("+", r"\+")
                              + r' .*key_id="Alice .*" serial=77 ca=SHA256:', since=mark)
        ca = self.workspace.fingerprint("ca")
        event = self.bastion.wait_for_audit("auth", serial=77, success=True)
        self.assertEqual((event["key_id"], event["ca"]), ('Alice "A" <a@b>', ca))
        fingerprint = self.workspace.fingerprint("who")
        row = next(row for row in self.bastion.rows("connections") if row["key_fingerprint"] == fingerprint)
        self.assertEqual(row["certificate"], {"key_id": 'Alice "A" <a@b>', "serial": 77, "ca": ca})
        self.assertIn('Alice "A" <a@b>', self.bastion.control("connections").stdout)
        echo()
        process.stdin.close()
        process.wait(PATIENCE)

    def test_through_an_agent(self):
        client = self.sign("agents")
        socket = self.workspace / "agent.sock"
        agent = LoggedProcess(["ssh-agent", "-D", "-a", str(socket)], clean_environment())
        self.addCleanup(agent.kill)
        self.wait_until(lambda: accepts(socket), what="the agent")
        key = self.workspace / "keys" / "agents"
        subprocess.run(["ssh-add", "-q", str(key)], check=True, env=clean_environment(SSH_AUTH_SOCK=str(socket)))
        plain = client.with_(CertificateFile=None, IdentityFile="none", IdentitiesOnly="no", IdentityAgent=str(socket))
        self.assertEqual(plain.output("echo in"), b"in\n")

    def test_a_certificate_that_is_not_good_is_refused(self):
        refusals = {
            "has expired": dict(validity="-2h:-1h"),
            "not valid yet": dict(validity="+1h:+2h"),
            "does not name the user": dict(principals="bob,carol"),
            "names no principal": dict(principals=None),
            "no authority that is trusted": dict(ca="other_ca"),
        }
        for number, (reason, how) in enumerate(refusals.items()):
            with self.subTest(reason=reason):
                self.assertIn(reason, self.refused(self.sign(f"bad{number}", **how)))
        with self.subTest(reason="unknown critical option"):
            self.assertIn("is unknown here", self.refused(self.sign("critical", "-O", "critical:new@example.org=1")))

    @unittest.skipUnless(raw.paramiko, "python3-paramiko is not installed")
    def test_a_host_certificate_is_refused(self):
        self.sign("host", "-h")  # ssh itself doesn't offer such a one
        path = str(self.workspace / "keys" / "host")
        key = raw.paramiko.Ed25519Key(filename=path)
        key.load_certificate(path + "-cert.pub")
        transport = raw.start_transport(self.bastion.port)
        self.addCleanup(transport.close)
        mark = self.bastion.mark()
        with self.assertRaises(raw.paramiko.AuthenticationException):
            transport.auth_publickey("alice", key)
        self.bastion.wait_for(r"(key not accepted|refused) .*not a user.*key_id=", since=mark)

    def test_the_key_of_a_certificate_alone_is_nobodys(self):
        self.sign("half")
        self.assertEqual(self.client(key="half").run("true").returncode, 0, "ssh finds half-cert.pub beside the key")
        (self.workspace / "keys" / "half-cert.pub").unlink()
        self.assertEqual(self.client(key="half").run("true").returncode, 255)


@needs_bastion
class OptionsTest(CertificateCase):
    def test_force_command_and_source_address(self):
        client = self.sign("forced", "-O", "force-command=echo forced: $SSH_ORIGINAL_COMMAND", "-O", "source-address=127.0.0.0/8")
        self.assertEqual(client.output("ls"), b"forced: ls\n")
        self.assertIn("source-address does not include", self.refused(self.sign("elsewhere", "-O", "source-address=192.0.2.0/24")))

    def test_extensions_decide_about_terminals_and_forwarding(self):
        tty = ["-tt"]
        self.assertIn(b"/dev/pts/", self.sign("all").output("tty", flags=tty))
        result = self.sign("clear", "-O", "clear").run("echo in", flags=tty)
        self.assertIn(b"PTY allocation request failed", result.stderr)
        self.assertEqual(self.sign("one", "-O", "clear", "-O", "permit-pty").run("tty", flags=tty).returncode, 0)

    def test_lines_of_authorized_keys_trust_authorities_too(self):
        def authorize(options):
            self.workspace.write("authorized_keys/alice", f"{options} {self.workspace.public_key('other_ca')}\n")
        self.addCleanup(lambda: (self.workspace / "authorized_keys/alice").unlink())
        authorize("cert-authority")
        self.assertEqual(self.sign("line", ca="other_ca").output("echo in"), b"in\n")
        authorize('cert-authority,principals="ops",no-pty')
        self.assertIn("none of the principals", self.refused(self.sign("line", ca="other_ca")))
        ops = self.sign("line", ca="other_ca", principals="ops")
        self.assertEqual(ops.output("echo in"), b"in\n")
        self.assertIn(b"PTY allocation request failed", ops.run("true", flags=["-tt"]).stderr)
        authorize('cert-authority,command="echo line"')
        self.assertEqual(self.sign("line", ca="other_ca").output("ls"), b"line\n")
        self.assertIn("forces another command", self.refused(self.sign("line", "-O", "force-command=id", ca="other_ca")))
        authorize("")
        self.assertIn("no authority that is trusted", self.refused(self.sign("line", ca="other_ca")))


@needs_bastion
class PrincipalsTest(CertificateCase):
    auth = CertificateCase.auth + 'authorized_principals = ["principals/{user}"]\n'

    def test_files_say_which_principals_a_user_has(self):
        self.workspace.write("principals/alice", '# of alice\nops\nfrom="192.0.2.1" away\ncommand="echo limited" dba\n')
        self.assertEqual(self.sign("p1", principals="x,ops").output("echo in"), b"in\n")
        self.assertEqual(self.sign("p2", principals="dba").output("ls"), b"limited\n")
        self.assertIn("does not include", self.refused(self.sign("p3", principals="away")))
        self.assertIn("none of the user's principals", self.refused(self.sign("p4", principals="alice")))
        self.assertIn("none of the user's principals", self.refused(self.sign("p1", principals="ops").with_(user="bob")))


@needs_bastion
class RevocationTest(CertificateCase):
    def tearDown(self):
        self.workspace.write("revoked", "")
        self.krl()

    def test_lists_of_keys(self):
        client = self.sign("listed")
        self.assertEqual(client.output("echo in"), b"in\n")
        for key in ("listed", "ca"):
            with self.subTest(key=key):
                self.workspace.write("revoked", f"# gone\n{self.workspace.public_key(key)} {key}\n")
                self.assertIn("revoked by", self.refused(client))

    def test_lists_made_by_ssh_keygen(self):
        client = self.sign("krl", serial=1000, key_id="stolen laptop")
        certificate = self.workspace / "keys" / "krl-cert.pub"
        public = self.workspace.public_key("krl")
        lists = {
            "serial": ("serial: 1000\n", "ca"), "range": ("serial: 900-2000\n", "ca"),
            "bitmap": ("".join(f"serial: {n}\n" for n in range(990, 1020, 2)), "ca"), "key id": ("id: stolen laptop\n", "ca"),
            "key": (f"key: {public}\n", None), "sha1": (f"sha1: {public}\n", None), "sha256": (f"sha256: {public}\n", None),
            "authority": (f"key: {self.workspace.public_key('ca')}\n", None),
        }
        for name, (spec, ca) in lists.items():
            with self.subTest(kind=name):
                self.krl(spec, ca)
                self.assertIn("revoked by", self.refused(client))
        with self.subTest(kind="the certificate's file"):
            self.krl("", None, certificate)
            self.assertIn("revoked by", self.refused(client))
        others = {
            "serials around it": ("serial: 999\nserial: 1001-5000\n", "ca"), "another authority's": ("serial: 1000\nid: stolen laptop\n", "other_ca"),
            "another id": ("id: stolen\n", "ca"), "bits around it": ("".join(f"serial: {n}\n" for n in range(991, 1021, 2)), "ca"),
        }
        for name, (spec, ca) in others.items():
            with self.subTest(not_revoked=name):
                self.krl(spec, ca)
                self.assertEqual(client.output("echo in"), b"in\n")

    def test_nobody_gets_in_while_a_list_cannot_be_read(self):
        client = self.sign("anybody")
        path = self.workspace / "revoked.krl"
        whole = path.read_bytes()
        for content in (whole[:-1], b"SSHKRL\n", b"garbage\n", None):
            with self.subTest(content=content):
                path.unlink() if content is None else path.write_bytes(content)
                mark = self.bastion.mark()
                self.bastion.reload()
                self.bastion.wait_for(r"key file .*revoked.krl:0: nobody gets in with a key", since=mark)
                self.assertEqual(client.run("true").returncode, 255)
                self.bastion.wait_for(r'keys unavailable .*reason="revoked keys: .*revoked.krl', since=mark)
        path.write_bytes(whole)
        self.assertEqual(client.output("echo in"), b"in\n")

    def test_ssh_keygen_agrees_about_what_is_revoked(self):
        client = self.sign("agreed", serial=5)
        certificate = self.workspace / "keys" / "agreed-cert.pub"
        for spec in ("serial: 5\n", "serial: 4\nserial: 6\n", "serial: 1-5\n", "serial: 6-9\n"):
            with self.subTest(spec=spec):
                self.krl(spec, "ca")
                asked = subprocess.run(["ssh-keygen", "-Qf", str(self.workspace / "revoked.krl"), str(certificate)],
                                       capture_output=True, check=False)
                self.assertEqual(client.run("true").returncode == 0, asked.returncode == 0)


@needs_bastion
@unittest.skipUnless(raw.paramiko, "python3-paramiko is not installed")
class HostileTest(CertificateCase):
    @classmethod
    def configuration(cls):
        return super().configuration() + "[limits]\nmax_auth_tries = 1000\n"

    def test_changed_and_cut_off_certificates_let_nobody_in_and_do_no_harm(self):
        seed = random.randrange(1 << 32)
        dice = random.Random(seed)
        clients = []
        for name, (kind, bits) in {"ed": ("ed25519", None), "ec": ("ecdsa", 256), "rsa": ("rsa", 2048)}.items():
            self.workspace.key(name, kind, bits)
            self.assertEqual(self.sign(name).output("echo in"), b"in\n")
            path = str(self.workspace / "keys" / name)
            kinds = {"ed": raw.paramiko.Ed25519Key, "ec": raw.paramiko.ECDSAKey, "rsa": raw.paramiko.RSAKey}
            clients.append((kinds[name](filename=path), raw.paramiko.pkey.PublicBlob.from_file(path + "-cert.pub")))
        transport = None
        for number in range(300):
            key, blob = clients[number % len(clients)]
            changed = bytearray(blob.key_blob)
            for _ in range(dice.randrange(1, 4)):
                changed[dice.randrange(len(changed))] ^= 1 << dice.randrange(8)
            if number % 5 == 0:
                del changed[dice.randrange(len(changed)):]
            if bytes(changed) == blob.key_blob:
                continue  # two changes of the same bit
            key.public_blob = raw.paramiko.pkey.PublicBlob(blob.key_type, bytes(changed))
            if transport is None or not transport.is_active():
                transport = raw.start_transport(self.bastion.port)
                self.addCleanup(transport.close)
            with self.subTest(seed=seed, number=number):
                with self.assertRaises((raw.paramiko.SSHException, EOFError, OSError)):  # the bastion may have hung up on the last one
                    transport.auth_publickey("alice", key)
                self.assertFalse(transport.is_authenticated())
        self.assertEqual(self.sign("ed").output("echo in"), b"in\n")


if __name__ == "__main__":
    main()
