"""Loopback ports and listeners that misbehave on purpose."""

import random
import socket
import threading

_LOWEST = 12000
_given = set()


def free_port():
    """A loopback port that nobody had a moment ago. For programs that can't choose one themselves; retry when busy.

    It is none of those that the kernel gives to whoever asks for any: between the look and its use dozens of them go to the
    tests beside this one.
    """
    with open("/proc/sys/net/ipv4/ip_local_port_range", encoding="ascii") as file:
        highest = int(file.read().split()[0]) - 1
    while highest > _LOWEST + 1000:
        port = random.randint(_LOWEST, highest)
        with socket.socket() as probe:
            # As sshd and ssh do it: what is left of old connections is no obstacle.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
                probe.listen()
            except OSError:
                continue
        if port not in _given:
            _given.add(port)
            return port
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class ClosedPort:
    """A loopback port that refuses connections for as long as this lives: it is taken, and nobody listens."""

    def __init__(self):
        self._socket = socket.socket()
        self._socket.bind(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]

    def close(self):
        self._socket.close()


class SilentListener:
    """Accepts connections, if told to, and never says a word."""

    def __init__(self, greeting=b""):
        self._greeting = greeting
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self._peers = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                peer, _ = self._socket.accept()
            except OSError:
                return
            self._peers.append(peer)
            try:
                peer.sendall(self._greeting)
            except OSError:  # it has gone already
                pass

    def close(self):
        # shutdown() wakes the accepting thread, which close() alone does not.
        try:
            self._socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self._socket.close()
        for peer in self._peers:
            peer.close()
