"""The row about large configurations: what it takes to check and load one, to decide by it, and to put another in its place."""

import contextlib
import json
import os
import subprocess
import threading
import time
from pathlib import Path

from harness.config import bastion_config, local_target, route
from harness.openssh import OpenSsh
from harness.sallyport import Sallyport, program
from probes import Measure, echo_once
from setting import LIMITS, clean_environment, timed_run

TARGETS, ROUTES, USERS = 10_000, 2_000, 5_000
GROUP = 100


def large_body():
    """So many targets, routes and users; alice, who is in none of the groups, has the last route."""
    text = ["[groups]\n"]
    for first in range(0, USERS, GROUP):
        members = ", ".join(f'"user{number}"' for number in range(first, first + GROUP))
        text.append(f"group{first // GROUP} = [{members}]\n")
    text += [f'[target.web{number}]\naddress = "10.{number >> 16}.{number >> 8 & 255}.{number & 255}:22"\nuser = "{{user}}"\n'
             f'credentials = ["key:keys/upstream"]\nknown_hosts = "large_known_hosts"\nidle_timeout = "5m"\n' for number in range(TARGETS)]
    for number in range(ROUTES - 1):
        text.append(f'[[route]]\nname = "route {number}"\nusers = ["@group{number % (USERS // GROUP)}", "admin{number}"]\n'
                    f'targets = ["web{number}", "web{number}?"]\nsources = ["10.0.0.0/8", "127.0.0.0/8"]\nto = "{{target}}"\npermit_pty = false\n'
                    '[[route.channel]]\nrequest = "exec"\ncommand = "reboot*"\ndeny = "not here"\n')
    return "".join(text) + local_target("shell") + route("the last one", "{target}", users=["alice"], targets=["shell", "web*"])


@contextlib.contextmanager
def echoes_of(session):
    """Collects the seconds of one echo after the other while it is open."""
    taken, over = [], threading.Event()

    def type_on():
        while not over.is_set():
            taken.append(echo_once(session))
            time.sleep(0.001)
    typist = threading.Thread(target=type_on)
    typist.start()
    try:
        yield taken
    finally:
        over.set()
        typist.join()


def configuration(setting, scale):
    """10 000 targets, 2 000 routes and 5 000 users: checked, loaded, decided by, and reloaded beside somebody who types."""
    key = setting.workspace.public_key("alice")
    setting.workspace.write("large_known_hosts", "".join(
        f"10.{number >> 16}.{number >> 8 & 255}.{number & 255} {key}\n" for number in range(TARGETS)))
    for number in range(USERS):
        setting.workspace.write(f"authorized_keys/user{number}", key + "\n")
    config = bastion_config(large_body(), name="large", log='level = "info"\n', audit="", limits=LIMITS)
    bastion = Sallyport(setting.workspace, config, "large")
    file = bastion.config_file
    checks = sorted(timed_run([program("SALLYPORT_DAEMON", "sallyportd"), "-t", "-f", str(file)]) for _ in range(scale(10)))
    measures = [Measure("configuration", "check of 10 000 targets", checks[len(checks) // 2], "s", 1.0, f"sallyportd -t, worst {checks[-1]:.3f} s")]
    scale_program = Path(os.environ["SALLYPORT_DAEMON"]).parent / "config_scale"
    found = json.loads(subprocess.run([scale_program, file, "alice", "web9999"], capture_output=True, text=True, check=True, timeout=120,
                                      env=clean_environment()).stdout)
    measures += [Measure("configuration", "load of it", found["load_ms"] / 1e3, "s", 1.0, f"freed in {found['free_ms']:.1f} ms"),
                 Measure("configuration", "decision by it", found["decide_us"], "us", 20, f"the last of the routes is found in {found['route_us']:.0f} us")]
    bastion.start()
    try:
        client = OpenSsh(setting.workspace, bastion.port, "alice+shell", "alice", "bastion_host")
        session = client.popen("cat")
        try:
            for _ in range(50):
                echo_once(session)
            with echoes_of(session) as quiet:
                time.sleep(scale(20) / 10)
            reloads = scale(10)
            with echoes_of(session) as beside:
                for _ in range(reloads):
                    if bastion.control("reload").status != 0:
                        raise RuntimeError("a reload failed")
        finally:
            session.kill()
            session.communicate()
    finally:
        bastion.abandon()
    measures.append(Measure("configuration", "echo beside reloads, longest delay", (max(beside) - sorted(quiet)[len(quiet) // 2]) * 1e3, "ms", 10,
                            f"{len(beside)} echoes beside {reloads} reloads; without them the longest took {max(quiet) * 1e3:.1f} ms"))
    return measures


ROWS = {"configuration": configuration}
