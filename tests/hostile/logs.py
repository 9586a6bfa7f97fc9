"""How much one client can have the daemon write to its log and audit trail by being refused."""

import contextlib
import itertools
import os
import threading
import time

import peer
from peer import Gone, Late, string, u32
from world import Figure, World, route, ssh_target

BAR = 256 * 1024  # for a minute
LONG = 30000
#: What is unkind to writers: each byte of it is escaped to four or six.
UGLY = b"\x1b\xff\"\\\x01"


def written(world):
    """Bytes of log and audit trail so far."""
    audit = world.bastion.audit_file
    return sum(len(line) + 1 for line in world.bastion.process.lines()), audit.stat().st_size if audit.exists() else 0


def refused_acts():
    """Acts that a route which lets nobody do anything refuses, short and long, as payloads for channel 0."""
    for number in itertools.count():
        name = (UGLY * (LONG // len(UGLY)) if number % 2 else b"x%d" % number)
        yield bytes([peer.OPEN]) + string("direct-tcpip") + u32(9) + u32(1000) + u32(1000) + string(name) + u32(1) + string(name[:1000]) + u32(1)
        yield (bytes([peer.OPEN]) + string("direct-streamlocal@openssh.com") + u32(9) + u32(1000) + u32(1000)
               + string(b"/" + name) + string("") + u32(0))
        yield bytes([peer.OPEN]) + string(name) + u32(9) + u32(1000) + u32(1000)
        yield bytes([peer.GLOBAL_REQUEST]) + string("tcpip-forward") + b"\1" + string(name) + u32(1)
        yield bytes([peer.GLOBAL_REQUEST]) + string("streamlocal-forward@openssh.com") + b"\1" + string(b"/" + name)
        yield bytes([peer.GLOBAL_REQUEST]) + string(name) + b"\1"
        for request, fields in (("exec", string(name)), ("subsystem", string(name)), ("shell", b""), ("env", string(name) + string(name[:2000])),
                                ("auth-agent-req@openssh.com", b""), ("x11-req", b"\0" + string("MIT-MAGIC-COOKIE-1") + string("00" * 16) + u32(0)),
                                ("pty-req", string(name[:2000]) + u32(80) * 4 + string(b"\0")), (name, b"")):
            yield bytes([peer.OPEN]) + string("session") + u32(0) + u32(1 << 20) + u32(32768)
            yield request, fields


def refusals(world, key, user, stop, counts):
    """A logged-in client who is refused, again and again, on as many connections as it takes."""
    while not stop.is_set():
        with contextlib.suppress(Gone, Late, OSError):
            connection = peer.connect(world.port, patience=20)
            try:
                counts["connections"] += 1
                connection.handshake().log_in(user, key)
                session = None
                for act in refused_acts():
                    if stop.is_set():
                        return
                    counts["refusals"] += 1
                    if not isinstance(act, tuple):
                        connection.send(act)
                        if act[5:12] == b"session":
                            answer = connection.receive(peer.OPEN_CONFIRMATION, peer.OPEN_FAILURE)
                            session = int.from_bytes(answer[5:9], "big") if answer[0] == peer.OPEN_CONFIRMATION else None
                    elif session is not None:  # closed by the client: nothing that breaks the protocol, which would end the connection
                        connection.send(connection.request(session, *act), bytes([peer.CLOSE]) + u32(session))
                        session = None
                    connection.poll()
            finally:
                connection.close()


def strangers(world, _key, _user, stop, counts):
    """Who isn't let in: versions, names, methods and keys, long and ugly."""
    for number in itertools.count():
        if stop.is_set():
            return
        with contextlib.suppress(Gone, Late, OSError):
            connection = peer.connect(world.port, patience=20)
            try:
                counts["connections"] += 1
                if number % 5 == 0:
                    connection.write(b"SSH-2.0-" + (UGLY * 400)[:240] + b"\r\n" + b"\xff" * 500)
                    connection.receive()
                connection.handshake()
                connection.send(bytes([peer.SERVICE_REQUEST]) + string("ssh-userauth"))
                for attempt in range(100):
                    name = UGLY * (LONG // len(UGLY)) if (number + attempt) % 2 else b"x%d" % attempt
                    method = (b"none", b"publickey", name[:200], b"password", b"keyboard-interactive")[attempt % 5]
                    rest = {b"publickey": b"\0" + string("ssh-ed25519") + string(string("ssh-ed25519") + string(os.urandom(32))),
                            b"password": b"\0" + string(name), b"keyboard-interactive": string("") + string(name)}.get(method, b"")
                    counts["refusals"] += 1
                    connection.send(bytes([peer.USERAUTH_REQUEST]) + string(b"alice" if number % 3 else name) + string("ssh-connection")
                                    + string(method) + rest)
                    connection.receive(peer.USERAUTH_FAILURE, patience=5)
            finally:
                connection.reset()


def row(options):
    wrong, figures = [], []
    for title in ATTACKS:
        found, more = measure(title, options.seconds or 60)
        wrong += found
        figures += more
    return wrong, figures


ATTACKS = {"refusals after the login": (refusals, "alice+closed"), "before a login": (strangers, "")}


def measure(title, seconds):
    """One attack: (findings, figures)."""
    attack, user = ATTACKS[title]
    denied = "".join(f'''
[[route.channel]]
request = "{request}"
deny = "nothing is allowed here"
''' for request in ("session", "direct-tcpip", "direct-streamlocal", "tcpip-forward", "streamlocal-forward", "agent", "x11"))
    closed = ssh_target("closed", address="127.0.0.1:1") + route("closed", "closed", targets=["closed"], channels=denied)
    world = World(closed, limits='max_startups = "2000:30:4000"\nmax_startups_per_source = 0\nmax_connections_per_user = 5000\n',
                  penalties="enabled = false\n").start()
    try:
        world.stand_by("bob")
        key, stop, counts = peer.load_key(world.workspace.key("alice")), threading.Event(), {"refusals": 0, "connections": 0}
        log, audit = written(world)
        began = time.monotonic()
        attacker = threading.Thread(target=attack, args=(world, key, user, stop, counts), daemon=True)
        attacker.start()
        while time.monotonic() - began < seconds and world.alive():
            time.sleep(0.2)
        stop.set()
        attacker.join(30)
        time.sleep(2)  # what is summed up is said
        log_after, audit_after = written(world)
        scale = min(1.0, 60 / seconds) / 1024  # what a minute's rate is may come at once: a shorter attack has the same bar
        log, audit = (log_after - log) * scale, (audit_after - audit) * scale
        figure = Figure("logs", title, log + audit, "KiB", BAR / 1024,
                        f"log {log:,.0f}, audit {audit:,.0f}; {counts['refusals']} attempts on {counts['connections']} connections in {seconds:g} s; "
                        f"longest line {max(map(len, world.bastion.process.lines()), default=0)}; {world.bystanders[0].summary()}")
        return world.findings(), [figure]
    finally:
        world.end()
