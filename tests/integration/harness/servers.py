"""Small servers on loopback ports and Unix sockets, for connections that are forwarded to them."""

import errno
import socket
import socketserver
import threading

from .process import PATIENCE


class Server:
    """Serves each connection in a thread of its own by `handle(connection)`; on a Unix socket when `path` is given."""

    def __init__(self, handle, path=None):
        class Handler(socketserver.BaseRequestHandler):
            def handle(self):
                try:
                    handle(self.request)
                except OSError:
                    pass

        kind = _Unix if path else _Tcp
        self._server = kind(str(path) if path else ("127.0.0.1", 0), Handler)
        self.port = None if path else self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def close(self):
        self._server.shutdown()
        self._server.server_close()


class _Tcp(socketserver.ThreadingTCPServer):
    daemon_threads = True
    request_queue_size = 256


class _Unix(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True
    request_queue_size = 256


def is_gone(error):
    """Whether an OSError of a socket says no more than that its peer is no longer there."""
    return error.errno in (errno.EPIPE, errno.ECONNRESET, errno.ENOTCONN)


def receive_all(connection):
    """Everything until the peer sends no more."""
    blocks = []
    while block := connection.recv(65536):
        blocks.append(block)
    return b"".join(blocks)


def answer_after_end(connection):
    """Reads to the end, then answers: works only when a half-close arrives as one."""
    data = receive_all(connection)
    connection.sendall(b"got %d: " % len(data) + data[:100])
    connection.shutdown(socket.SHUT_WR)


def echo(connection):
    """Sends back what comes, and ends when the peer does."""
    while data := connection.recv(65536):
        connection.sendall(data)
    connection.shutdown(socket.SHUT_WR)


def talk(connection, data, timeout=PATIENCE):
    """Sends `data` and half-closes; everything that comes back, which is nothing when the peer goes. Closes the connection."""
    with connection:
        connection.settimeout(timeout)
        try:
            connection.sendall(data)
            connection.shutdown(socket.SHUT_WR)
            return receive_all(connection)
        except OSError as error:
            if not is_gone(error):
                raise
            return b""


def connect(address, timeout=PATIENCE):
    """A connection to a port of the loopback, or to the socket of that path."""
    if isinstance(address, int):
        return socket.create_connection(("127.0.0.1", address), timeout)
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(timeout)
    connection.connect(str(address))
    return connection


def socks_connect(proxy_port, host, port, timeout=PATIENCE):
    """A connection through a SOCKS5 proxy, which resolves the name; the proxy's status when it refuses."""
    connection = connect(proxy_port, timeout)
    connection.sendall(b"\5\1\0")
    if connection.recv(2) != b"\5\0":
        raise AssertionError("no SOCKS proxy")
    name = host.encode()
    connection.sendall(b"\5\1\0\3" + bytes([len(name)]) + name + port.to_bytes(2, "big"))
    answer = connection.recv(10)
    if len(answer) < 2 or answer[1] != 0:
        connection.close()
        return answer[1] if len(answer) > 1 else None
    return connection
