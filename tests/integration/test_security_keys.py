"""Security keys: who touched them, and who was verified. The authenticator is made of software, the certificates by ssh-keygen."""

import subprocess
import unittest

from harness import raw
from harness.case import BastionCase, main, needs_bastion
from harness.config import bastion_config, local_target, route

if raw.paramiko:
    from harness.security_key import USER_PRESENT, USER_VERIFIED, SecurityKey


@needs_bastion
@unittest.skipUnless(raw.paramiko, "python3-paramiko is not installed")
class SecurityKeyTest(BastionCase):
    @classmethod
    def configuration(cls):
        cls.workspace.key("ca")
        cls.workspace.write("user_ca.pub", cls.workspace.public_key("ca") + "\n")
        return bastion_config(local_target("shell") + route("everybody", "shell"),
                              auth='authorized_keys = ["authorized_keys/{user}"]\ntrusted_user_ca_keys = ["user_ca.pub"]\n')

    def authorize(self, line):
        self.workspace.write("authorized_keys/alice", line + "\n")

    def certify(self, key, *flags):
        """Gives the key a certificate for alice."""
        path = self.workspace.write("keys/security.pub", key.public_line() + " security\n", 0o644)
        subprocess.run(["ssh-keygen", "-q", "-s", str(self.workspace / "keys" / "ca"), "-I", "touch", "-n", "alice", *flags, str(path)],
                       check=True, capture_output=True)
        # load_certificate() would not believe that the two belong together.
        key.public_blob = raw.paramiko.pkey.PublicBlob.from_file(str(self.workspace / "keys" / "security-cert.pub"))

    def logs_in(self, key, flags):
        key.flags = flags
        transport = raw.start_transport(self.bastion.port)
        try:
            transport.auth_publickey("alice", key)
            return transport.is_authenticated()
        except raw.paramiko.AuthenticationException:
            return False
        finally:
            transport.close()

    def check(self, key, allowed):
        """`allowed` says for each combination of flags whether it lets in."""
        for flags, expected in allowed.items():
            with self.subTest(flags=flags):
                self.assertEqual(self.logs_in(key, flags), expected)

    def test_the_user_has_to_touch_it_unless_the_line_waives_that(self):
        for kind in ("ed25519", "ecdsa"):
            key = SecurityKey(kind)
            with self.subTest(kind=kind):
                self.authorize(key.public_line())
                self.check(key, {0: False, USER_PRESENT: True, USER_VERIFIED: False, USER_PRESENT | USER_VERIFIED: True})
                self.authorize("no-touch-required " + key.public_line())
                self.check(key, {0: True, USER_PRESENT: True})

    def test_the_user_has_to_be_verified_when_the_line_wants_it(self):
        key = SecurityKey()
        self.authorize("verify-required " + key.public_line())
        mark = self.bastion.mark()
        self.check(key, {USER_PRESENT: False, USER_VERIFIED: False, USER_PRESENT | USER_VERIFIED: True})
        self.bastion.wait_for(r"authentication refused .*was not verified", since=mark)
        self.bastion.wait_for(r"authentication refused .*was not touched", since=mark)

    def test_certificates_waive_and_want_it_too(self):
        for kind in ("ed25519", "ecdsa"):
            with self.subTest(kind=kind):
                key = SecurityKey(kind)
                self.authorize("# nobody")
                self.certify(key)
                self.check(key, {0: False, USER_PRESENT: True})
                self.certify(key, "-O", "no-touch-required")
                self.check(key, {0: True})
                self.certify(key, "-O", "verify-required")
                self.check(key, {USER_PRESENT: False, USER_PRESENT | USER_VERIFIED: True})
                self.authorize("cert-authority " + self.workspace.public_key("ca"))
                self.certify(key, "-O", "no-touch-required")
                self.check(key, {0: False, USER_PRESENT: True})  # the line, which is asked first, doesn't waive it

    def test_a_signature_of_another_key_is_refused(self):
        key, other = SecurityKey(), SecurityKey()
        self.authorize(key.public_line())
        key.sign_ssh_data = other.sign_ssh_data
        self.assertFalse(self.logs_in(key, USER_PRESENT))


if __name__ == "__main__":
    main()
