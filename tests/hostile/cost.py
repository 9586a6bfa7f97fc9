"""The CPU of two daemons for the same work, in turns: what has been mended must not be paid for by everybody."""

import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

from harness.config import bastion_config, route, ssh_target
from harness.openssh import Sshd
from harness.process import cpu_seconds, eventually
from harness.sallyport import Sallyport
from world import LIMITS, Figure, OpenSsh, Workspace, put_first

sys.path.append(str(Path(__file__).resolve().parents[1] / "bench"))
from probes import mastered, stream  # noqa: E402
from setting import timed_run  # noqa: E402

RATIO = 1.03
CIPHERS = {"aes128-gcm": "aes128-gcm@openssh.com", "chacha20": "chacha20-poly1305@openssh.com"}
LOGINS, EXECS = 50, 100


class Contender:
    """One of the two programs, with a daemon for each cipher."""

    def __init__(self, workspace, sshd, name, program):
        self.name, self._workspace, self._daemons = name, workspace, {}
        os.environ["SALLYPORT_DAEMON"], os.environ["SALLYPORT_CONTROL"] = str(program), str(Path(program).parent / "sallyportctl")
        for short, cipher in CIPHERS.items():
            label = f"{name}-{short}"
            config = bastion_config(ssh_target("main", sshd) + route("all", "main"), name=label, log='level = "info"\n', limits=LIMITS,
                                    algorithms=f'ciphers = ["{cipher}"]\n')
            self._daemons[short] = Sallyport(workspace, config, label).start()
            put_first(self._daemons[short].pid)
            timed_run(self.client(short).argv("true"))

    def client(self, short, **options):
        return OpenSsh(self._workspace, self._daemons[short].port, "alice", "alice", "bastion_host", **options)

    def cpu(self, short, work):
        """The CPU seconds of `work`, with what is left to do when it is over."""
        daemon = self._daemons[short]
        before = cpu_seconds(daemon.pid)
        work()
        eventually(lambda: not daemon.rows("connections"), 20, "the end of the connections")
        return cpu_seconds(daemon.pid) - before

    def stream(self, short, size):
        return self.cpu(short, lambda: stream(self.client(short), "down", size)) * (1 << 30) / size

    def login(self):
        argv = self.client("aes128-gcm", KexAlgorithms="curve25519-sha256").argv("true")
        return self.cpu("aes128-gcm", lambda: [timed_run(argv) for _ in range(LOGINS)]) / LOGINS * 1e3

    def exec(self):
        def work():
            with mastered(self.client("aes128-gcm"), self._workspace / f"{self.name}-master-{time.monotonic_ns()}") as passenger:
                argv = passenger.argv("true")
                for _ in range(EXECS):
                    timed_run(argv)
        return self.cpu("aes128-gcm", work) / EXECS * 1e3

    def close(self):
        for daemon in self._daemons.values():
            daemon.abandon()


def row(options):
    ours, workspace = os.environ["SALLYPORT_DAEMON"], Workspace()
    control, size = os.environ["SALLYPORT_CONTROL"], options.mib << 20
    for key in ("upstream", "alice", "bastion_host"):
        workspace.key(key)
    workspace.write("authorized_keys/alice", workspace.public_key("alice") + "\n")
    sshd = Sshd(workspace, ["upstream"], LogLevel="INFO").start()
    workspace.write("upstream_known_hosts", sshd.known_hosts_line())
    contenders = []
    try:
        contenders.append(Contender(workspace, sshd, "after", ours))
        contenders.append(Contender(workspace, sshd, "before", Path(options.against).resolve()))
        works = {**{f"a GiB down, {short}": (lambda c, short=short: c.stream(short, size), "s") for short in CIPHERS},
                 "a login": (Contender.login, "ms"), "an exec": (Contender.exec, "ms")}
        figures = []
        for title, (work, unit) in works.items():
            taken = {contender.name: [] for contender in contenders}
            for number in range(options.rounds):
                for contender in contenders if number % 2 else reversed(contenders):
                    taken[contender.name].append(work(contender))
            after, before = statistics.median(taken["after"]), statistics.median(taken["before"])
            spread = {name: f"{min(values):.3g} to {max(values):.3g}" for name, values in taken.items()}
            figures.append(Figure("cost", title, after / before, "x before", RATIO if options.rounds >= 10 else None,
                                  f"{after:.3f} {unit} ({spread['after']}), before {before:.3f} ({spread['before']}); "
                                  f"{options.rounds} runs each, in turns"))
            print(f"  {title}: {figures[-1].value:.3f}; {figures[-1].note}")
        return [], figures
    except (RuntimeError, subprocess.SubprocessError) as error:
        return [f"cost: {error}"], []
    finally:
        for contender in contenders:
            contender.close()
        sshd.stop()
        workspace.close()
        os.environ["SALLYPORT_DAEMON"], os.environ["SALLYPORT_CONTROL"] = ours, control
