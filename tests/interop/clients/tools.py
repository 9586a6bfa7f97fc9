"""Programs that have an SSH client inside, or start ssh: as their users start them."""

import inspect
import os
import shlex
import socket
import struct
import subprocess
import sys
from pathlib import Path

from clients.base import Call
from clients.openssh import Ssh
from harness.workspace import sha256


class _Tool(Ssh):
    """One that starts OpenSSH's client, with scenarios of its own."""

    exec = pty = get = put = forward = rekey = four = None
    jumps = False

    def ssh_command(self, way):
        return shlex.join(map(str, ["ssh", *self.stock(way).options()]))


class Rclone(_Tool):
    """It speaks SFTP by itself, with Go's library."""

    name, programs = "rclone", ("rclone",)

    def _copy(self, way, source, sink):
        known = self.workspace.write(f"rclone-{way.name}-known", f"[127.0.0.1]:{way.port} {self.workspace.public_key(way.host_key)}\n")
        remote = f":sftp,host=127.0.0.1,port={way.port},user={way.user},key_file={self.key},known_hosts_file={known},shell_type=unix:"
        source, sink = (f"{remote}{path[1:]}" if isinstance(path, str) else path for path in (source, sink))
        return Call(["rclone", "--config", "/dev/null", "copyto", source, sink])

    def get(self, way, there, here):
        return self._copy(way, f":{there}", here)

    def put(self, way, here, there):
        return self._copy(way, here, f":{there}")


class Restic(_Tool):
    name, programs = "restic", ("restic",)

    def environment(self):
        return {**super().environment(), "RESTIC_PASSWORD": "interop", "RESTIC_CACHE_DIR": str(self.home / "cache")}

    def scenarios(self):
        return {"backup": self.backup}

    def backup(self, trial):
        source, digest = trial.tree()
        command = shlex.join(map(str, self.stock(trial.way).argv("sftp", flags=["-s"])))
        words = ["restic", "-q", "-r", f"sftp:box:{trial.folder}/repository", "-o", f"sftp.command={command}"]
        trial.run(Call([*words, "init"]))
        trial.run(Call([*words, "backup", source]))
        trial.run(Call([*words, "check", "--read-data"]))
        trial.run(Call([*words, "restore", "latest", "--target", trial.folder / "restored"]))
        trial.equal(sha256(Path(f"{trial.folder}/restored{source}/payload")), digest)


class Borg(_Tool):
    name, programs = "borg", ("borg",)

    def scenarios(self):
        return {"backup": self.backup}

    def backup(self, trial):
        source, digest = trial.tree()
        words = ["borg", "--rsh", self.ssh_command(trial.way)]
        repository = f"ssh://127.0.0.1{trial.folder}/repository"
        trial.run(Call([*words, "init", "-e", "none", repository]))
        trial.run(Call([*words, "create", f"{repository}::one", source]))
        trial.run(Call([*words, "check", "--verify-data", repository]))
        found = trial.run(Call([*words, "extract", "--stdout", f"{repository}::one", str(source / "payload").lstrip("/")]))
        trial.digest(found.stdout, digest)


class Mosh(_Tool):
    """Its ssh: mosh-server is started by `ssh -tt`, tells its port and key, and goes on when ssh has ended."""

    name, programs = "mosh", ("mosh", "mosh-server")

    def scenarios(self):
        return {"start": self.start}

    def start(self, trial):
        client = self.workspace.write("mosh-client", '#!/bin/sh\n[ "$1" = -c ] && { echo 256; exit; }\necho "key ${#MOSH_KEY} $*"\n', 0o755)
        found = trial.run(Call(["mosh", f"--client={client}", "--experimental-remote-ip=local", f"--ssh={self.ssh_command(trial.way)}",
                                "127.0.0.1"]), status=None, environment={"LC_ALL": "C.UTF-8", "LANG": "C.UTF-8"})
        text = (found.stdout + found.stderr).decode(errors="replace")
        if "pid = " in text:
            os.kill(int(text.partition("pid = ")[2].partition("]")[0]), 15)
        if found.status != 0 or "key 22" not in text:
            trial.fail(f"status {found.status}: {text}")


class Sshuttle(_Tool):
    """Its ssh: a server written in Python is sent over standard input, and then connections share that stream."""

    name, programs = "sshuttle", ("sshuttle",)
    _FRAME = ">ccHHH"

    @classmethod
    def missing(cls):
        return super().missing() or ("" if Path("/usr/lib/python3/dist-packages/sshuttle/ssh.py").exists() else "sshuttle isn't Debian's")

    def scenarios(self):
        return {"connection": self.connection}

    def connection(self, trial):
        import sshuttle.ssh  # not everybody has it
        options = {"latency_control": True, "latency_buffer_size": 32768, "auto_hosts": False, "to_nameserver": None, "auto_nets": False}
        later = {"add_cmd_delimiter": True, "remote_shell": "sh"}  # arguments that newer versions have as well
        known = inspect.signature(sshuttle.ssh.connect).parameters
        process, peer = sshuttle.ssh.connect(self.ssh_command(trial.way), "127.0.0.1", sys.executable, subprocess.DEVNULL, options=options,
                                             **{name: value for name, value in later.items() if name in known})
        try:
            peer.settimeout(trial.patience)
            with trial.echo_server() as port:
                self._talk(trial, peer, port)
        finally:
            peer.close()
            process.terminate()
            process.wait()

    def _talk(self, trial, peer, port):
        stream = peer.makefile("rwb")
        trial.equal(stream.read(14), b"\0\0SSHUTTLE0001")

        def send(command, data=b""):
            stream.write(struct.pack("!ccHHH", b"S", b"S", 1, command, len(data)) + data)
            stream.flush()
        send(0x4203, b"%d,127.0.0.1,%d" % (socket.AF_INET, port))  # TCP_CONNECT
        content = os.urandom(200_000)
        for at in range(0, len(content), 50_000):
            send(0x4206, content[at:at + 50_000])  # TCP_DATA
        received = b""
        while len(received) < len(content):
            *_, channel, command, length = struct.unpack("!ccHHH", stream.read(8))
            data = stream.read(length)
            received += data if (channel, command) == (1, 0x4206) else b""
            if command == 0x4201:
                send(0x4202, data)  # PING, PONG
        trial.equal(received == content, True)


class Ansible(_Tool):
    """With pipelining: modules come over standard input of `python3`, beside files by sftp."""

    name, programs = "ansible", ("ansible",)

    def scenarios(self):
        return {"pipelining": self.pipelining}

    def pipelining(self, trial):
        source, digest = trial.world.workspace.random_file("ansible-source", 300_000)
        line = "box ansible_host=127.0.0.1 ansible_python_interpreter=/usr/bin/python3\n"
        inventory = self.workspace.write("home-ansible/inventory", line)
        options = shlex.join(map(str, self.stock(trial.way).options()))
        settings = {"ANSIBLE_SSH_ARGS": "-o ControlMaster=no", "ANSIBLE_SSH_COMMON_ARGS": options,
                    "ANSIBLE_PIPELINING": "True", "ANSIBLE_LOCAL_TEMP": str(self.home / "local"), "ANSIBLE_CONFIG": "/nonexistent",
                    "ANSIBLE_REMOTE_TEMP": str(self.home / "remote"), "LC_ALL": "C.UTF-8", "ANSIBLE_TIMEOUT": "60"}

        def module(*words, status=0):
            return trial.run(Call(["ansible", "-i", inventory, "box", *words]), status=status, environment=settings).stdout
        if b"pong" not in module("-m", "ping"):
            trial.fail("no pong")
        module("-m", "copy", "-a", f"src={source} dest={trial.folder}/copied")
        trial.same(trial.folder / "copied", digest)
        if b"rc=3" not in module("-m", "shell", "-a", "exit 3", status=2):
            trial.fail("no status 3")


CLIENTS = (Rclone, Restic, Borg, Mosh, Sshuttle, Ansible)
