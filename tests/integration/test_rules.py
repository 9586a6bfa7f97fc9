"""Rules about commands and destinations, against what a shell and a resolver make of them. With the real ssh and sshd."""

import subprocess

from harness.case import BastionCase, main, needs_bastion
from harness.config import bastion_config, route, ssh_target
from harness.process import PATIENCE

#: What a shell would do more with than to run `echo`; each would leave a file.
TRICKS = ["echo x; touch {file}", "echo x && touch {file}", "echo x || touch {file}", "echo x & touch {file}", "echo x | touch {file}",
          "echo $(touch {file})", "echo `touch {file}`", "echo x\ntouch {file}", "echo x > {file}", "echo x >> {file}", "echo x;touch {file};",
          "echo ${{IFS;}}$(touch {file})", "echo \"$(touch {file})\"", "echo x\r\ntouch {file}", "echo <(touch {file})",
          "touch {file}", " echo x; touch {file}", "echo\ntouch {file}"]


@needs_bastion
class CommandRulesTest(BastionCase):
    @classmethod
    def configuration(cls):
        def only(*rules):
            tables = "".join(f"[[route.channel]]\n{rule}\n" for rule in rules)
            return tables + '[[route.channel]]\nrequest = "session"\ndeny = "nothing else"\n'
        rules = {
            "glob": only('request = "exec"\ncommand = "echo *"\nto = "main"'),
            "middle": only('request = "exec"\ncommand = "echo * end"\nto = "main"'),
            "regex": only("request = \"exec\"\ncommand_regex = 'echo [a-z ]+'\nto = \"main\""),
            "dot": only('request = "exec"\ncommand_regex = "echo [^;&|<>()$`]*"\nto = "main"'),
            "denied": '[[route.channel]]\nrequest = "exec"\ncommand = "*touch*"\ndeny = "no touch"\n'
                      '[[route.channel]]\nrequest = "exec"\ncommand_regex = ".*(>|tee).*"\ndeny = "no files"\n',
        }
        return bastion_config(ssh_target("main", cls.sshd) + "".join(
            route(name, "main", targets=[name], channels=channels) for name, channels in rules.items()))

    def test_nothing_else_runs(self):
        file = self.workspace / "made"
        for name in ("glob", "middle", "regex", "dot", "denied"):
            for trick in TRICKS:
                command = trick.format(file=file) + (" end" if name == "middle" else "")
                with self.subTest(rule=name, command=command):
                    result = self.client(f"alice+{name}").run(command)
                    self.assertEqual(result.returncode, 255, result.stdout)
                    self.assertRegex(result.stderr.decode(), "nothing else|no touch|no files")
                    self.assertFalse(file.exists())

    def test_what_is_meant_runs(self):
        for name, command in (("glob", "echo a b"), ("glob", "echo 'a  b'"), ("middle", "echo a end"), ("regex", "echo a b"),
                              ("dot", "echo a b"), ("denied", "echo a b; echo c")):
            with self.subTest(rule=name, command=command):
                expected = subprocess.run(["sh", "-c", command], capture_output=True, check=True).stdout
                self.assertEqual(self.client(f"alice+{name}").output(command), expected)


@needs_bastion
class DestinationRulesTest(BastionCase):
    """The bastion connects itself: what it takes for an address is judged as that address."""

    target_options = 'local_forwarding = ["127.0.0.0/8:*"]\njump = "direct"'

    def forwarded(self, host, port):
        return self.client().run(flags=["-W", f"{host}:{port}"], timeout=PATIENCE)

    def test_spellings_of_an_address(self):
        for host in ("127.0.0.1", "127.1", "0x7f.1", "2130706433", "[::ffff:127.0.0.1]"):
            with self.subTest(host=host):
                self.assertIn(b"SSH-2.0-", self.forwarded(host, self.sshd.port).stdout)

    def test_names_and_other_addresses(self):
        for host in ("127.evil.example", "127.0.0.1.evil.example", "localhost", "[::1]", "0", "0300.0.0.1", "127.0.0.1."):
            with self.subTest(host=host):
                result = self.forwarded(host, self.sshd.port)
                self.assertEqual(result.stdout, b"")
                self.assertIn(b"not allowed", result.stderr)


if __name__ == "__main__":
    main()
