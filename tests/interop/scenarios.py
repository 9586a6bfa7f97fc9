"""What every client is tried with, as far as it can do it. A scenario takes a Trial; it returns its seconds if they are to be
compared."""

import concurrent.futures
import dataclasses
import hashlib
import os
import shlex
import socket
import time

from clients.openssh import Ssh
from harness.process import eventually, process_stat
from harness.servers import Server
from trial import Failed, TooLong


def exec_(trial):
    found = trial.run(trial.client.exec(trial.way, "echo out; echo err >&2"))
    trial.equal(found.stdout, b"out\n")
    if b"err\n" not in found.stderr.replace(b"\r", b""):
        raise Failed(f"standard error is {found.stderr!r}")


def status(trial):
    for number in (7, 255):
        trial.run(trial.client.exec(trial.way, f"exit {number}"), status=number)


def streams(trial):
    """Input and its end, output, and a status that comes after both."""
    content = os.urandom(1_000_000)
    found = trial.run(trial.client.exec(trial.way, "cat; echo over >&2; exit 3"), input=content, status=3)
    trial.digest(found.stdout, hashlib.sha256(content).hexdigest())


def pty(trial):
    with trial.started(trial.client.pty(trial.way, "test -t 0 && test -t 1 && echo term''inal; exit 4"), terminal=True) as program:
        program.expect(b"terminal\r\n")
        trial.equal(program.wait(), 4)


def forward(trial):
    """A connection of the target's that brings 300 kB there and back."""
    content = os.urandom(300_000)

    def serve(connection):
        received = b""
        while len(received) < len(content) and (block := connection.recv(65536)):
            received += block
        connection.sendall(received[::-1])
        connection.shutdown(socket.SHUT_WR)
        connection.recv(1)

    server = Server(serve)
    try:
        found = trial.run(trial.client.forward(trial.way, server.port), input=content)
    finally:
        server.close()
    trial.digest(found.stdout, hashlib.sha256(content[::-1]).hexdigest())


def rekey(trial):
    """New keys in the middle of the output: by the client's wish where it has one, else because the target wants them."""
    source, digest = trial.payload(min(trial.size, 8_000_000))
    client = trial.client
    call = (getattr(client, "rekey", None) or client.exec)(trial.way, f"cat {source}")
    trial.digest(trial.run(call).stdout, digest)


def four(trial):
    """Four at once: on one connection if the client can."""
    client = trial.client
    if not getattr(client, "four", None):
        return _in_company(trial, _fetch, 4)

    def alone(trial, source, _digest):
        trial.run(dataclasses.replace(client.exec(trial.way, f"cat {source}"), stdout=os.devnull))

    def company(trial, source, digest):
        found = trial.run(client.four(trial.way, f"cat {source}")).stdout.decode().split()
        trial.equal([word for word in found if len(word) == 64], [digest] * 4)
    return _in_company(trial, alone, 4, company)


def three(trial):
    """Three clients of one user, at once."""
    return _in_company(trial, _fetch, 3)


def _in_company(trial, alone, count, company=None):
    """One that moves all, and then `count` that move a quarter of it each: the seconds of those, and in trial.share how fast they are
    together beside the one."""
    quarter = trial.payload(trial.size // 4)
    begun = time.monotonic()
    alone(trial, *trial.payload())
    between = time.monotonic()
    company(trial, *quarter) if company else _at_once(trial, count, *quarter)
    taken = time.monotonic() - between
    trial.share = count / 4 * (between - begun) / taken
    return taken


def _fetch(trial, source, digest):
    here = trial.folder / "alone"
    trial.run(trial.client.get(trial.way, source, here))
    trial.same(here, digest)
    here.unlink()


def _at_once(trial, count, source, digest):
    def one(number):
        here = trial.folder / f"at-once-{number}"
        trial.run(trial.client.get(trial.way, source, here))
        trial.same(here, digest)
        here.unlink()
    with concurrent.futures.ThreadPoolExecutor(count) as pool:
        list(pool.map(one, range(count)))


def down(trial):
    source, digest = trial.payload()
    return _transfer(trial, trial.client.get, source, trial.folder / "down", digest)


def up(trial):
    source, digest = trial.payload()
    return _transfer(trial, trial.client.put, source, trial.folder / "up", digest)


def _transfer(trial, move, source, sink, digest):
    sink.unlink(missing_ok=True)
    call = move(trial.way, source, sink)
    try:
        seconds = trial.run(call).seconds
    except TooLong as slow:
        arrived = sink.stat().st_size if sink.exists() else 0
        raise TooLong(f"{arrived / 1e6:.1f} of {trial.size / 1e6:.0f} MB in {trial.patience:.0f} s") from slow
    trial.same(sink, digest)
    sink.unlink()
    return seconds


def killed(trial):
    """A client that is killed leaves nothing behind: its command at the target ends as well. A neighbour doesn't notice."""
    note = trial.folder / "pid"
    note.unlink(missing_ok=True)
    with trial.started(Ssh(trial.world).exec(trial.way, "cat")) as neighbour:
        neighbour.write(b"before\n")
        neighbour.expect(b"before\n")
        with trial.started(trial.client.exec(trial.way, f"echo $$ > {shlex.quote(str(note))}; exec cat")):
            eventually(lambda: note.exists() and note.read_text().strip(), trial.patience, "the command's start")
            pid = int(note.read_text())
        eventually(lambda: (process_stat(pid) or "Z")[0] == "Z", trial.patience, "the end of a killed client's command")
        neighbour.write(b"after\n")
        neighbour.expect(b"after\n")


#: By name: the function, and what the client must have for it.
ALL = {
    "exec": (exec_, "exec"), "status": (status, "exec"), "streams": (streams, "exec"), "pty": (pty, "pty"),
    "forward": (forward, "forward"), "rekey": (rekey, "exec"), "killed": (killed, "exec"), "down": (down, "get"), "up": (up, "put"),
    "four": (four, "get"), "three": (three, "get"),
}
IN_COMPANY = ("four", "three")
SPEED = ("down", "up", *IN_COMPANY)


def of(client):
    """The scenarios of a client, by name."""
    common = {name: function for name, (function, needs) in ALL.items()
              if getattr(client, needs, None) and (client.takes_input or function is not streams)}
    return {**common, **client.scenarios()}
