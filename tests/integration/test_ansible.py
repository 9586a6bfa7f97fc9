"""Ansible, with its own connection sharing and without, with and without pipelining."""

import json

from harness.case import main, needs_bastion, needs_program
from harness.process import PATIENCE
from harness.tools import ToolCase
from harness.workspace import sha256


@needs_bastion
@needs_program("ansible")
@needs_program("ansible-playbook")
class AnsibleTest(ToolCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        (cls.home / "cp").mkdir()
        cls.inventory = cls.workspace.write("home/inventory", "".join(
            f"{name} ansible_python_interpreter=/usr/bin/python3\n" for name in ("box", "box-two", "box-three")))

    def run_ansible(self, program, *arguments, status=0, pipelining=False, ssh_args="-o ControlMaster=no"):
        """Runs it, by default without a ControlMaster, whose place the bastion takes; returns its output."""
        return self.run_tool(
            program, "-i", self.inventory, *arguments, status=status,
            ANSIBLE_SSH_ARGS=ssh_args, ANSIBLE_SSH_COMMON_ARGS=f"-F {self.ssh_config}", ANSIBLE_PIPELINING=str(pipelining),
            ANSIBLE_LOCAL_TEMP=str(self.home / "ansible-local"), ANSIBLE_REMOTE_TEMP=str(self.home / "ansible-remote"),
            ANSIBLE_TIMEOUT=str(int(PATIENCE)), ANSIBLE_NOCOLOR="1", ANSIBLE_CONFIG="/nonexistent", LC_ALL="C.UTF-8").stdout.decode()

    def test_ping(self):
        head, _, body = self.run_ansible("ansible", "box", "-m", "ping").partition("=> ")
        self.assertEqual((head.split(), json.loads(body)["ping"]), (["box", "|", "SUCCESS"], "pong"))

    def test_a_failing_command_fails_as_itself(self):
        output = self.run_ansible("ansible", "box", "-m", "shell", "-a", "echo out; echo err >&2; exit 3", pipelining=True, status=2)
        self.assertRegex(output, r"(?m)^box \| FAILED \| rc=3 >>\s*out\s*err")

    def play(self, hosts, name, **more):
        """Copies a file to each of the hosts and looks at what is there."""
        source, digest = self.workspace.random_file(f"home/{name}-source", 300_000)
        target = f"{self.home}/{name}-{{{{ inventory_hostname }}}}"
        playbook = self.workspace.write(f"home/{name}.yml", f"""
- hosts: {",".join(hosts)}
  gather_facts: false
  tasks:
    - ping:
    - copy: {{src: "{source}", dest: "{target}", mode: "0640"}}
    - command: sha256sum "{target}"
      register: seen
    - assert: {{that: "seen.stdout.startswith('{digest}')"}}
""")
        output = self.run_ansible("ansible-playbook", playbook, **more)
        for host in hosts:
            self.assertRegex(output, rf"(?m)^{host} +: ok=4 +changed=2 +unreachable=0 +failed=0")
            copied = self.home / f"{name}-{host}"
            self.assertEqual((sha256(copied), copied.stat().st_mode & 0o777), (digest, 0o640))

    def test_a_playbook(self):
        self.play(["box"], "plain")

    def test_a_playbook_with_pipelining_on_several_hosts_over_control_masters(self):
        path = f"{self.home}/cp/%n"
        hosts = ("box", "box-two", "box-three")
        for host in hosts:
            self.addCleanup(self.run_tool, "ssh", "-F", self.ssh_config, "-O", "exit", "-S", path, host, status=None)
        self.play(hosts, "pipelined", pipelining=True, ssh_args=f"-C -o ControlMaster=auto -o ControlPersist=5s -o ControlPath={path}")


if __name__ == "__main__":
    main()
