"""One-time codes: oathtool makes them, expect types them."""

import unittest

from harness import raw
from harness.case import BastionCase, main, needs_bastion, needs_program
from harness.config import bastion_config, local_target, route
from harness.factors import SECRET, answer, code, hashed, typist


class TotpCase(BastionCase):
    """Each test is a user of its own, since codes are good once: self.user, with alice's key and the password apple."""

    people = [f"user{number}" for number in range(20)]
    methods = '"publickey+keyboard-interactive"'
    factors = 'totp_file = "totp"\n'

    @classmethod
    def configuration(cls):
        cls.left = list(cls.people)
        cls.workspace.write("totp", "# secrets\n" + "".join(f"{name} {SECRET}\n" for name in cls.people)
                            + f"bob {SECRET} digits=8 algorithm=sha512 period=60\n")
        apple = hashed("apple")
        cls.workspace.write("passwords", "".join(f"{name}:{apple}\n" for name in cls.people))
        for name in cls.people:
            cls.workspace.write(f"authorized_keys/{name}", cls.workspace.public_key("alice") + "\n")
        auth = f'''authorized_keys = ["authorized_keys/{{user}}"]
methods = [{cls.methods}]
failure_delay = "100ms"
max_password_failures_per_user = 0
{cls.factors}'''
        return bastion_config(local_target("shell") + route("everybody", "shell"), auth=auth)

    def setUp(self):
        self.user = self.left.pop()

    def log_in(self, *answers, methods="publickey,keyboard-interactive", user=None, key="alice"):
        """Logs in with those answers, each to the prompt that it names; returns what was on the terminal."""
        client = typist(self.client(user or self.user, key=key), methods, PubkeyAuthentication="yes" if "publickey" in methods else "no")
        return answer(client.argv("echo in"), answers)

    def assert_in(self, said):
        self.assertEqual(said.status, 0, said.text)
        self.assertIn("in", said.text.splitlines(), said.text)

    def assert_out(self, said):
        self.assertEqual(said.status, 255, said.text)
        self.assertIn("Permission denied", said.text)


@needs_bastion
@needs_program("oathtool")
@needs_program("expect")
class CodeTest(TotpCase):
    def test_a_key_and_a_code(self):
        mark = self.bastion.mark()
        self.assert_in(self.log_in(("Verification code: $", code())))
        self.bastion.wait_for(r"authenticated user=\w+ method=publickey[+]keyboard-interactive ", since=mark)
        self.bastion.wait_for_audit("auth", success=True, mfa=True)

    def test_a_users_own_digits_period_and_digest(self):
        self.assert_in(self.log_in(("Verification code: $", code(digits=8, algorithm="sha512", period=60)), user="bob", key="bob"))

    def test_a_code_is_good_once(self):
        used = code()
        self.assert_in(self.log_in(("code: $", used)))
        mark = self.bastion.mark()
        self.assert_out(self.log_in(("code: $", used)))
        self.bastion.wait_for("has been used before", since=mark)
        self.assertEqual((self.workspace / "totp.used").stat().st_mode & 0o777, 0o600)

    def test_wrong_codes(self):
        for wrong in ("000000", "", "12345", code(shift=-120), code(shift=120), "not a code"):
            with self.subTest(code=wrong):
                self.assert_out(self.log_in(("code: $", wrong)))

    def test_who_has_no_secret_is_asked_all_the_same(self):
        self.workspace.write("authorized_keys/carol", self.workspace.public_key("alice") + "\n")
        mark = self.bastion.mark()
        self.assert_out(self.log_in(("code: $", code()), user="carol"))
        self.bastion.wait_for("has no secret", since=mark)

    def test_a_code_without_the_key(self):
        result = typist(self.client(), "keyboard-interactive").run("true")
        self.assertIn(b"Permission denied (publickey)", result.stderr)

    def test_a_code_is_not_good_after_a_restart(self):
        used = code()
        self.assert_in(self.log_in(("code: $", used)))
        self.assertEqual(self.bastion.stop(), [])
        self.bastion.start()
        self.assert_out(self.log_in(("code: $", used)))

    def test_nobody_gets_in_when_the_use_of_codes_cannot_be_recorded(self):
        record = self.workspace / "totp.used"
        record.unlink(missing_ok=True)
        record.mkdir()
        self.addCleanup(record.rmdir)
        mark = self.bastion.mark()
        self.assert_out(self.log_in(("code: $", code())))
        self.bastion.wait_for("keyboard-interactive unavailable", since=mark)


@needs_bastion
@needs_program("oathtool")
@needs_program("expect")
class PasswordAndCodeTest(TotpCase):
    methods = '"keyboard-interactive", "password+keyboard-interactive"'
    factors = 'totp_file = "totp"\npassword_file = "passwords"\n'

    def test_first_the_password_then_the_code(self):
        mark = self.bastion.mark()
        self.assert_in(self.log_in(("Password: $", "apple"), ("Verification code: $", code()), methods="keyboard-interactive"))
        self.bastion.wait_for(r"authenticated user=\w+ method=keyboard-interactive ", since=mark)
        self.bastion.wait_for_audit("auth", success=True, mfa=True)

    def test_a_wrong_password_is_told_only_behind_the_code_and_uses_none_up(self):
        for user, reason in ((self.user, "wrong password"), ("nobody", "not in the password file")):
            mark = self.bastion.mark()
            self.assert_out(self.log_in(("Password: $", "wrong"), ("Verification code: $", code()), user=user, methods="keyboard-interactive"))
            self.bastion.wait_for(f'authentication refused user="{user}" .*{reason}', since=mark)
        self.assert_in(self.log_in(("Password: $", "apple"), ("Verification code: $", code()), methods="keyboard-interactive"))

    def test_a_password_that_has_been_passed_is_not_asked_for_again(self):
        mark = self.bastion.mark()
        said = self.log_in(("password: $", "apple"), ("Verification code: $", code()), methods="password,keyboard-interactive")
        self.assert_in(said)
        self.assertNotIn(") Password: ", said.text)
        self.bastion.wait_for(r"authenticated user=\w+ method=password[+]keyboard-interactive ", since=mark)

    @unittest.skipUnless(raw.paramiko, "python3-paramiko is not installed")
    def test_several_rounds_with_paramiko(self):
        rounds = []

        def handler(title, instructions, prompts):
            rounds.append(prompts)
            return [code() if "code" in text else "apple" for text, _ in prompts]
        transport = raw.start_transport(self.bastion.port)
        self.addCleanup(transport.close)
        transport.auth_interactive(self.user, handler)
        self.assertTrue(transport.is_authenticated())
        self.assertEqual(rounds, [[("Password: ", False)], [("Verification code: ", False)]])


if __name__ == "__main__":
    main()
