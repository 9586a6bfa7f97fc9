"""The documents are true: README's examples, the sample configuration, the restricted unit's instructions, what is installed where."""

import os
import pwd
import re
import subprocess
import unittest
from pathlib import Path

from harness.case import BastionCase, Case, main, needs_bastion, needs_program
from harness.config import bastion_config, local_target, route
from harness.factors import SECRET, answer, code, hashed, typist
from harness.openssh import OpenSsh
from harness.process import PATIENCE
from harness.sallyport import Sallyport, program, run_daemon
from harness.workspace import clean_environment, find_program

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text()
SAMPLE = (ROOT / "config" / "sallyport.toml").read_text()
MANUAL = (ROOT / "packaging" / "man" / "sallyport.toml.5").read_text()


def example(words):
    """The first block of TOML behind `words` in README."""
    return re.search(re.escape(words) + r".*?```toml\n(.*?)```", README, re.S).group(1)


@needs_bastion
class ReadmeTest(BastionCase):
    """Daemons with README's own text in their configuration."""

    @classmethod
    def configuration(cls):
        return bastion_config(local_target("shell") + route("everybody", "shell"))

    def start(self, name, config):
        bastion = Sallyport(self.workspace, config, name)
        self.addCleanup(lambda: self.assertEqual(bastion.stop(), []))
        return bastion.start()

    def as_tried(self, text, name):
        """An example with what can't be had here put right: the port, the target, the control socket."""
        for ours, theirs in ((r'"127.0.0.1:0"', r'"[\d.]+:2222"'), (f'"{name}.sock"', '"/run/sallyport/control.sock"'),
                             (f'"127.0.0.1:{self.sshd.port}"', r'"10\.0\.0\.5:22"'), ('"key:keys/upstream"', r'"key:keys/\{user\}_ed25519"'),
                             ('"upstream_known_hosts"', '"known_hosts"'), (f'"{pwd.getpwuid(os.getuid()).pw_name}"', r'"\{user\}"(?= .*same)')):
            text = re.sub(theirs, ours, text)
        return text

    def test_the_smallest_file_starts_and_leads_to_its_target(self):
        text = self.as_tried(example("The smallest useful file"), "smallest").replace("keys/ssh_host", "fresh_keys/ssh_host")
        bastion = self.start("smallest", text + '\n[penalties]\nexempt = ["127.0.0.0/8"]\n')
        shown = (self.workspace / "fresh_keys" / "ssh_host_ed25519_key.pub").read_text()
        self.workspace.write("keys/fresh.pub", shown)
        client = self.client("alice+web1").with_(port=bastion.port, key="alice", host_key="fresh")
        self.assertEqual(client.output("echo in"), b"in\n")

    def second_factor(self, name, text):
        self.workspace.write("totp", f"alice {SECRET}\nbob {SECRET}\n")
        self.workspace.write("passwords", f"bob:{hashed('apple')}\n")
        text = text.replace("[auth]\n", 'authorized_keys = ["authorized_keys/{user}"]\n')
        return self.start(name, bastion_config(local_target("shell") + route("everybody", "shell"), name=name, auth=text))

    @needs_program("oathtool")
    @needs_program("expect")
    def test_a_key_and_a_code(self):
        bastion = self.second_factor("codes", example("**A second factor.**"))
        client = typist(self.client().with_(port=bastion.port), "publickey,keyboard-interactive", PubkeyAuthentication="yes")
        said = answer(client.argv("echo in"), [("Verification code: $", code())])
        self.assertEqual((said.status, "in" in said.text.splitlines(), "assword" in said.text), (0, True, False), said.text)

    @needs_program("oathtool")
    @needs_program("expect")
    def test_a_password_and_a_code(self):
        bastion = self.second_factor("words", example("Or a password and a code"))
        client = typist(self.client("bob").with_(port=bastion.port), "password,keyboard-interactive")
        said = answer(client.argv("echo in"), [("assword: $", "apple"), ("Verification code: $", code())])
        self.assertEqual((said.status, "in" in said.text.splitlines()), (0, True), said.text)

    def test_no_file_transfer(self):
        tools, *_ = example("**Programs on the bastion.**").split("[[route]]")
        rules = example("**Programs on the bastion.**")[len(tools):]
        web = local_target("web1", more='subsystems = { sftp = ["/usr/lib/openssh/sftp-server"] }\n')
        bastion = self.start("files", bastion_config(tools + web + rules, name="files"))
        client = self.client("alice+web1").with_(port=bastion.port, key="alice")
        path = self.workspace.write("to_send", "text")
        told = b"no commands, no file transfer"
        for words in (["scp", "-O"], ["scp", "-s"]):
            sent = subprocess.run([*words, *client.options(), str(path), f"127.0.0.1:{self.workspace / 'arrived'}"], capture_output=True,
                                  timeout=PATIENCE, env=clean_environment(), check=False)
            self.assertNotEqual(sent.returncode, 0, words)
            self.assertIn(told, sent.stderr)
        self.assertIn(told, client.run(f"cat > {self.workspace / 'arrived'}", input=b"text").stderr)
        if find_program("rsync"):
            sent = subprocess.run(["rsync", "-e", client.command_line(), str(path), f"127.0.0.1:{self.workspace / 'arrived'}"],
                                  capture_output=True, timeout=PATIENCE, env=clean_environment(), check=False)
            self.assertNotEqual(sent.returncode, 0)
        self.assertFalse((self.workspace / "arrived").exists())
        self.assertIn(b"in", client.run(input=b"echo in\n").stdout)


class SampleTest(Case):
    def test_it_and_the_manual_have_every_key_and_no_other(self):
        known = set()
        for file in (ROOT / "src" / "config").glob("*.[ch]pp"):
            known |= set(re.findall(r'(?:read_\w+|table\.\w+(?:<\w+>)?|root\.\w+|\w+\.read)\((?:table, )?"(\w+)"|(?:Option|Key)\{"(\w+)"',
                                    file.read_text()))
        known = {first or second for first, second in known}
        self.assertGreater(len(known), 100)
        known -= {"channel", "recording"}  # [[route.channel]], which has its place; and what isn't there yet
        self.assertEqual([key for key in sorted(known) if not re.search(rf"(?m)^\s*(# ?)?(\[+(target\.web1\.)?{key}\b|{key} = )", SAMPLE)], [])
        self.assertEqual([key for key in sorted(known) if not re.search(rf"(\.It Ic .*\b{key}\b|\.Ss \[+{key})", MANUAL)], [])
        known |= {"include", "command", "command_regex"}  # which are read in another way
        shown = set(re.findall(r"(?m)^\s*(?:# ?)?(\w+) = ", SAMPLE)) - {"ops"}  # a group's name
        explained = {key for item in re.findall(r"(?m)^\.It Ic (.*)$", MANUAL) for key in re.findall(r"\b[a-z_0-9]+\b", item)}
        self.assertEqual((shown - known, explained - known), (set(), set()))

    @needs_bastion
    @unittest.skipUnless(os.geteuid() == 0, "its local target needs a daemon that runs as root")
    def test_it_leads_somewhere_when_it_is_started(self):
        self.workspace.key("alice")
        self.workspace.write("authorized_keys/alice", self.workspace.public_key("alice") + "\n")
        text = SAMPLE.replace('"127.0.0.1:2222"', '"127.0.0.1:0"').replace("/run/sallyport/control.sock", "run/sample.sock")
        bastion = Sallyport(self.workspace, text, "sample")
        bastion.socket = self.workspace / "run" / "sample.sock"
        self.addCleanup(lambda: self.assertEqual(bastion.stop(), []))
        bastion.start()
        self.assertEqual(bastion.control("status").status, 0)
        os.rename(self.workspace / "ssh_host_ed25519_key.pub", self.workspace / "keys" / "sample_host.pub")
        client = OpenSsh(self.workspace, bastion.port, user="alice", key="alice", host_key="sample_host")
        self.assertEqual(client.output("id -un"), b"nobody\n")


@needs_bastion
@unittest.skipUnless(os.geteuid() == 0, "gives files to another account")
class RestrictedUnitTest(Case):
    def test_its_instructions_leave_every_secret_readable_for_the_daemon_and_nobody_else(self):
        account = pwd.getpwnam("nobody")
        group = subprocess.run(["id", "-gn", "nobody"], capture_output=True, text=True, check=True).stdout.strip()
        text = (ROOT / "packaging" / "systemd" / "restricted.conf").read_text()
        commands = next(line[1:] for line in text.splitlines() if "chown" in line)
        for key in ("bastion_host", "upstream"):
            self.workspace.key(key)
        for name in ("passwords", "totp", "secret", "passphrase"):
            self.workspace.write(name, "x:y\n" if name == "passwords" else "word\n" if name != "totp" else f"alice {SECRET}\n")
        self.workspace.write("authorized_keys/alice", "")
        self.workspace.write("known_hosts", "")
        config = self.workspace.write("sallyport.toml", bastion_config(f'''
[target.far]
address = "192.0.2.1"
credentials = ["key:keys/upstream", "password-file:secret"]
passphrase_file = "passphrase"
known_hosts = "known_hosts"
''' + route("all", "far"), auth='methods = ["password+keyboard-interactive"]\npassword_file = "passwords"\ntotp_file = "totp"'))
        subprocess.run(["sh", "-e", "-c", commands.replace("sallyport:sallyport", f"nobody:{group}").replace("/etc/sallyport", str(self.workspace.path))],
                       check=True)
        checked = subprocess.run([program("SALLYPORT_DAEMON", "sallyportd"), "-t", "-f", str(config)], capture_output=True, text=True,
                                 timeout=PATIENCE, env=clean_environment(), user=account.pw_uid, group=account.pw_gid, extra_groups=[], check=False)
        self.assertEqual((checked.returncode, checked.stderr), (0, ""))
        for path in self.workspace.path.rglob("*"):
            self.assertEqual(path.stat().st_mode & 0o077, 0, path)


@unittest.skipUnless(find_program("cmake"), "cmake is not installed")
class InstallTest(Case):
    def install(self, prefix, **environment):
        build = Path(program("SALLYPORT_DAEMON", "sallyportd")).resolve().parents[1]
        done = subprocess.run(["cmake", "--install", str(build), "--prefix", str(prefix)], capture_output=True, text=True,
                              timeout=10 * PATIENCE, env=clean_environment(**environment), check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def test_below_another_prefix_nothing_is_written_outside_of_it(self):
        written = self.install(self.workspace / "home")
        paths = re.findall(r"(?m)^-- (?:Installing|Up-to-date): (.*)$", written)
        self.assertGreater(len(paths), 10)
        self.assertEqual([path for path in paths if not path.startswith(str(self.workspace.path))], [])
        self.assertTrue((self.workspace / "home/etc/sallyport/sallyport.toml.example").exists())
        unit = next((self.workspace / "home").rglob("sallyport.service")).read_text()
        self.assertIn(f"-f {self.workspace / 'home'}/etc/sallyport/sallyport.toml", unit)
        self.assertTrue(list((self.workspace / "home").rglob("sallyport-jail.conf")))
        self.assertTrue(list((self.workspace / "home").rglob("control-protocol.md")))

    def test_a_machine_s_own_prefix_has_its_configuration_in_etc(self):
        for prefix in ("/usr", "/usr/local"):
            folder = self.workspace / prefix.replace("/", "_")
            self.install(prefix, DESTDIR=str(folder))
            self.assertTrue((folder / "etc/sallyport/sallyport.toml.example").exists())
            self.assertTrue((folder / "etc/pam.d/sallyport").exists())
            self.assertIn("-f /etc/sallyport/sallyport.toml", next(folder.rglob("sallyport.service")).read_text())


if __name__ == "__main__":
    main()
