"""The servers and clients that the rows compare: ours, OpenSSH in the three ways people use it as a bastion, and a Go proxy."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "integration"))

from harness.config import bastion_config, route, ssh_target  # noqa: E402
from harness.golang import build_go, missing_go  # noqa: E402
from harness.openssh import OpenSsh, Sshd  # noqa: E402
from harness.process import LoggedProcess, cpu_seconds, eventually  # noqa: E402
from harness.sallyport import Sallyport  # noqa: E402
from harness.workspace import Workspace, clean_environment, find_program, login_name  # noqa: E402

GO_PROXY = Path(__file__).resolve().parent / "go_proxy" / "main.go"
LIMITS = 'max_startups = "500:30:1000"\nmax_startups_per_source = 0\nmax_connections_per_user = 5000\nmax_trunks_per_user = 2000\nmax_waiting_channels = 2000\n'


class Setting:
    """A target sshd, a bastion of ours in front, an sshd to jump through, and one that forces `ssh`."""

    def __init__(self):
        self.workspace = Workspace()
        self._bastions, self._go_proxies = {}, {}
        for key in ("upstream", "client", "alice", "bastion_host"):
            self.workspace.key(key)
        self.workspace.write("authorized_keys/alice", self.workspace.public_key("alice") + "\n")
        self.target = Sshd(self.workspace, ["upstream", "client", "alice"], LogLevel="INFO").start()
        self.workspace.write("upstream_known_hosts", self.target.known_hosts_line())
        self.jump = Sshd(self.workspace, ["client", "alice"], "jump", "jump_host", LogLevel="INFO").start()
        inner = OpenSsh(self.workspace, self.target.port, key="upstream")
        script = self.workspace.write("force", f'#!/bin/sh\nexec {inner.command_line()} ${{CIPHER:+-c $CIPHER}} '
                                      '127.0.0.1 "$SSH_ORIGINAL_COMMAND"\n', 0o755)
        self.force = Sshd(self.workspace, ["client", "alice"], "force_sshd", "force_host", LogLevel="INFO",
                          ForceCommand=script, AcceptEnv="CIPHER").start()

    def close(self):
        for bastion in self._bastions.values():
            bastion.abandon()
        for proxy, _ in self._go_proxies.values():
            proxy.kill()
        for server in (self.force, self.jump, self.target):
            server.stop()
        self.workspace.close()

    def bastion(self, name="plain", algorithms="", options="", daemon=None):
        """A sallyportd of ours, started when first asked for; `daemon` is the path of another one than the one that is measured."""
        if name not in self._bastions:
            config = bastion_config(ssh_target("main", self.target, more=options) + route("all", "main"), name=name,
                                    log='level = "info"\n', audit="", limits=LIMITS, algorithms=algorithms)
            bastion = Sallyport(self.workspace, config, name, daemon=daemon).start()
            self._bastions[name] = bastion
        return self._bastions[name]

    def through_us(self, name="plain", algorithms="", options="", **client_options):
        """The stock client to a bastion of ours."""
        bastion = self.bastion(name, algorithms, options)
        return OpenSsh(self.workspace, bastion.port, "alice", "alice", "bastion_host", **client_options)

    def through_go(self, cipher=None, **client_options):
        """The process of a Go proxy in front of the target, and the stock client to it: with one cipher on both legs if given. None and
        None where Go isn't installed, or knows none of the client's algorithms."""
        if missing_go():
            return None, None
        proxy, port = self._go_proxies.get(cipher) or self._start_go_proxy(cipher)
        options = {**client_options, **({"Ciphers": cipher} if cipher else {})}
        client = OpenSsh(self.workspace, port, "alice", "alice", "bastion_host", **options)
        first = client.run("true")
        if first.returncode != 0:
            if b"no matching" in first.stderr:
                return None, None
            raise RuntimeError(f"no login through the Go proxy: {first.stderr.decode(errors='replace')}{proxy.log()}")
        return proxy, client

    def _start_go_proxy(self, cipher):
        program = self.workspace / "go_proxy"
        if not program.exists():
            build_go(self.workspace, GO_PROXY, program.name)
        flags = {"host-key": self.workspace.key("bastion_host"), "authorized-keys": self.workspace / "authorized_keys/alice",
                 "upstream": f"127.0.0.1:{self.target.port}", "upstream-user": login_name(),
                 "upstream-key": self.workspace.key("upstream"), "known-hosts": self.workspace / "upstream_known_hosts"}
        if cipher:
            flags["ciphers"] = cipher
        proxy = LoggedProcess([program, *(f"-{name}={value}" for name, value in flags.items())], clean_environment())
        try:
            port = int(proxy.wait_for(r"listening on \S+:(\d+)$").group(1))
        except BaseException:
            proxy.kill()
            raise
        self._go_proxies[cipher] = proxy, port
        return proxy, port

    def direct(self, **options):
        """The stock client straight to the target."""
        return OpenSsh(self.workspace, self.target.port, key="client", **options)

    def quiet(self, **options):
        """The stock client to an sshd that has no other sessions, so that what they cost can be told."""
        return OpenSsh(self.workspace, self.jump.port, key="client", host_key="jump_host", **options)

    def proxy_jump(self, **options):
        """The stock client through an sshd with -W, as ProxyJump does it."""
        jump = self.quiet(**{key: value for key, value in options.items() if key in ("Ciphers", "KexAlgorithms")})
        return self.direct(ProxyCommand=f"{jump.command_line()} -W 127.0.0.1:{self.target.port} 127.0.0.1", **options)

    def forced(self, **options):
        """The stock client to an sshd whose ForceCommand runs ssh to the target, with the same cipher on both legs."""
        cipher = options.get("Ciphers")
        return OpenSsh(self.workspace, self.force.port, key="client", host_key="force_host",
                       **({"SetEnv": f"CIPHER={cipher}"} if cipher else {}), **options)


def timed_run(argv, **more):
    """Runs a command that must succeed and returns its seconds."""
    begun = time.perf_counter()
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                          env=clean_environment(), check=False, **more)
    taken = time.perf_counter() - begun
    if done.returncode != 0:
        raise RuntimeError(f"{argv[-2:]} exited with {done.returncode}: {done.stderr.decode(errors='replace')[:500]}")
    return taken


def openssh_cpu_seconds(server):
    """The CPU that an idle sshd and all its ended sessions have used, programs that it forced on them included."""
    pid = server.pid
    eventually(lambda: not Path(f"/proc/{pid}/task/{pid}/children").read_text().split(), 20, "the end of sshd's sessions")
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(int(ticks) for ticks in fields[11:15]) / os.sysconf("SC_CLK_TCK")


def floor_cpu_seconds(cipher, size):
    """The CPU seconds that the least of all relays takes for a GiB: `total`, `ciphers` and `sockets` (see floor.cpp)."""
    program = Path(os.environ["SALLYPORT_DAEMON"]).parent / "floor"
    return json.loads(subprocess.run([program, cipher, str(size >> 20)], check=True, capture_output=True, timeout=120).stdout)


def supports(kind, name):
    """Whether the installed ssh knows a `kex` or `cipher`."""
    return name in subprocess.run(["ssh", "-Q", kind], capture_output=True, text=True, check=True).stdout.split()


def master_of(client, path):
    """Starts a ControlMaster; returns its process and the passengers' client."""
    process = client.with_(ControlMaster="yes", ControlPath=path).popen(flags=["-N"])
    eventually(lambda: os.path.exists(path), 20, "the client's control socket")
    return process, client.with_(ControlPath=path)


__all__ = ["Setting", "clean_environment", "cpu_seconds", "eventually", "find_program", "floor_cpu_seconds",
           "login_name", "master_of", "missing_go", "openssh_cpu_seconds", "supports", "timed_run"]
