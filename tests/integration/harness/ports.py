"""Loopback ports and listeners that misbehave on purpose."""

import socket
import threading


def free_port():
    """A loopback port that nobody had a moment ago. For programs that can't choose one themselves; retry when busy."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


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
            if self._greeting:
                peer.sendall(self._greeting)

    def close(self):
        # shutdown() wakes the accepting thread, which close() alone does not.
        try:
            self._socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self._socket.close()
        for peer in self._peers:
            peer.close()
