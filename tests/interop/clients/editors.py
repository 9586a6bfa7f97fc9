"""The command lines of editors. (JetBrains' is a scenario of JSch's, from which its client comes; WinSCP is with PuTTY.)"""

import concurrent.futures
import os
import socket

from clients.base import Call
from clients.openssh import Ssh
from harness.ports import free_port
from harness.servers import socks_connect


class VsCode(Ssh):
    """`ssh -T -D PORT host bash`: a script on standard input, and then many connections to what it has started."""

    name, jumps = "vscode", False
    exec = pty = get = put = forward = rekey = four = None
    CONNECTIONS = 200

    def scenarios(self):
        return {"many forwards": self.many_forwards}

    def many_forwards(self, trial):
        proxy = free_port()
        words = self.stock(trial.way).argv("bash", flags=["-T", "-D", f"127.0.0.1:{proxy}", "-o", "ExitOnForwardFailure=yes"])
        with trial.started(Call(words)) as shell, trial.echo_server() as port:
            shell.write(b"PADDING='" + b"x" * 150_000 + b"'\nprintf 'start %s\\n' ${#PADDING}\n")  # more than a pipe holds
            shell.expect(b"start 150000\n")
            with concurrent.futures.ThreadPoolExecutor(20) as pool:
                found = list(pool.map(lambda _: self._exchange(proxy, port), range(self.CONNECTIONS)))
            trial.equal(found.count(True), self.CONNECTIONS)
            shell.write(b"exit 5\n")
            trial.equal(shell.wait(), 5)

    @staticmethod
    def _exchange(proxy, port):
        content = os.urandom(3000)
        peer = socks_connect(proxy, "127.0.0.1", port)
        if not isinstance(peer, socket.socket):
            return peer
        with peer:
            peer.sendall(content)
            peer.shutdown(socket.SHUT_WR)
            received = b""
            while block := peer.recv(65536):
                received += block
        return received == content


CLIENTS = (VsCode,)
