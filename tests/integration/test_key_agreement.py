"""What lets somebody in: sshd and the bastion, asked the same, must say the same."""

import subprocess

from harness.case import BastionCase, main, needs_bastion
from harness.config import bastion_config, local_target, route
from harness.openssh import OpenSsh, Sshd
from harness.workspace import login_name

#: Options of a line with the user's key, or (with cert-authority) of one with the authority's.
LINES = ("", "restrict", 'from="127.0.0.0/8"', 'from="127.0.0.1,!127.0.0.1"', 'from="192.0.2.*"', 'from="127.0.0.1/8"', 'from="*"',
         'from="!192.0.2.1"', 'from="::1,127.*"', 'expiry-time="20200101"', 'expiry-time="20990101Z"', 'expiry-time="never"', "no-such-option",
         'command="true"', "command=true", 'command="true', 'permitopen="a:1"', 'permitopen="a"', 'permitlisten="1"', 'permitlisten="a:b"',
         'environment="A=b"', 'environment="A"', 'tunnel="0"', "no-pty,", "cert-authority", 'principals="x"', "NO-PTY,restrict,PTY",
         'from="127.*",from="127.*"', 'command="a",command="b"')

#: Options of the authority's line (None: it is trusted for everybody), of the certificate, and its principals (None: the user).
CERTIFICATES = (
    (None, (), None), (None, (), "other"), (None, ("-V", "-2h:-1h"), None), (None, ("-V", "+1h:+2h"), None),
    (None, ("-O", "source-address=127.0.0.0/8,::1/128"), None), (None, ("-O", "source-address=192.0.2.0/24"), None),
    (None, ("-O", "critical:new@example.org=x"), None), (None, ("-O", "extension:new@example.org=x"), None), (None, ("-O", "clear"), None),
    ("cert-authority", (), None), ("cert-authority", (), "other"), ('cert-authority,principals="ops,dba"', (), "dba"),
    ('cert-authority,principals="ops,dba"', (), None), ('cert-authority,from="192.0.2.1"', (), None), ("no-pty", (), None),
    ('cert-authority,command="true"', ("-O", "force-command=true"), None), ('cert-authority,command="true"', ("-O", "force-command=false"), None),
)


@needs_bastion
class AgreementTest(BastionCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.keys = cls.workspace.write(f"authorized_keys/{login_name()}", "")
        cls.judge = Sshd(cls.workspace, [], name="judge", AuthorizedKeysFile=cls.keys, TrustedUserCAKeys=cls.workspace / "user_ca.pub",
                         RevokedKeys=cls.workspace / "revoked")
        cls.addClassCleanup(cls.judge.stop)
        cls.judge.start()

    @classmethod
    def configuration(cls):
        for name in ("ca", "other_ca"):
            cls.workspace.key(name)
        cls.workspace.write("user_ca.pub", cls.workspace.public_key("ca") + "\n")
        cls.workspace.write("revoked", "")
        return bastion_config(local_target("shell") + route("everybody", "shell"), auth='''authorized_keys = ["authorized_keys/{user}"]
trusted_user_ca_keys = ["user_ca.pub"]
revoked_keys = ["revoked"]
''')

    def compare(self, key):
        """Whether both let that key in."""
        answers = []
        for client in (OpenSsh(self.workspace, self.judge.port, key=key), self.client(login_name(), key=key)):
            result = client.run("true", flags=["-v"])
            answers.append(b"Authenticated to" in result.stderr)
        self.assertEqual(answers[1], answers[0], "the bastion lets in whom sshd refuses, or the reverse")
        return answers[0]

    def test_lines_with_keys(self):
        outcomes = set()
        for options in LINES:
            with self.subTest(options=options):
                self.keys.write_text(f"# {options}\n{options} {self.workspace.public_key('alice')} comment\n")
                outcomes.add(self.compare("alice"))
        self.assertEqual(outcomes, {True, False})

    def test_certificates(self):
        outcomes = set()
        for number, (options, flags, principals) in enumerate(CERTIFICATES):
            with self.subTest(line=options, certificate=flags, principals=principals):
                path = self.workspace.key(f"certified{number}")
                ca = "ca" if options is None else "other_ca"
                self.keys.write_text("" if options is None else f"{options} {self.workspace.public_key(ca)}\n")
                validity = () if "-V" in flags else ("-V", "-1h:+1h")
                subprocess.run(["ssh-keygen", "-q", "-s", str(self.workspace / "keys" / ca), "-I", "id", "-n", principals or login_name(),
                                *validity, *flags, f"{path}.pub"], check=True, capture_output=True)
                outcomes.add(self.compare(path.name))
        self.assertEqual(outcomes, {True, False})

    def test_revoked_keys(self):
        self.keys.write_text(self.workspace.public_key("alice") + "\n")
        alice, bob = self.workspace.public_key("alice"), self.workspace.public_key("bob")
        revoked = self.workspace / "revoked"
        self.addCleanup(revoked.write_text, "")
        for text in ("", "# none\n\n", bob + "\n", alice + "\n", f"{bob}\n{alice} c\n", f"  {alice}\n", "garbage\n", "ssh-ed25519 AAAA\n"):
            with self.subTest(text=text):
                revoked.write_text(text)
                self.compare("alice")


if __name__ == "__main__":
    main()
