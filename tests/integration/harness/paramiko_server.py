"""SSH servers on a loopback port, made with paramiko: what all of them have."""

import socket
import threading

import paramiko

from .raw import patient


def host_key(workspace, name):
    return paramiko.Ed25519Key.from_private_key_file(str(workspace.key(f"{name}_host")))


class ParamikoServer:
    """Serves whoever connects, until it is closed. A subclass says by interface() how; what that needs is there before this is made."""

    transport_class = paramiko.Transport

    def __init__(self, key):
        self._key, self._transports = key, []
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.address, self.port = self._listener.getsockname()
        threading.Thread(target=self._accept, daemon=True).start()

    def interface(self, transport):
        """The paramiko.ServerInterface for a connection; None: it is ended before anything has been said."""
        raise NotImplementedError

    def known_hosts_line(self):
        return f"[127.0.0.1]:{self.port} {self._key.get_name()} {self._key.get_base64()}\n"

    def close(self):
        self._listener.close()
        for transport in self._transports:
            transport.close()

    def _accept(self):
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            transport = patient(self.transport_class(connection))
            interface = self.interface(transport)
            if interface is None:
                connection.close()
                continue
            self._transports.append(transport)
            transport.add_server_key(self._key)
            try:
                transport.start_server(event=threading.Event(), server=interface)
            except (paramiko.SSHException, EOFError, OSError):
                transport.close()


class Echoing(paramiko.ServerInterface):
    """Takes sessions, and answers a command with its own text when its input has ended."""

    def check_channel_request(self, kind, _channel_id):
        return paramiko.OPEN_SUCCEEDED if kind == "session" else paramiko.OPEN_FAILED_ADMINISTRATIVELY_PROHIBITED

    def check_channel_exec_request(self, channel, command):
        def answer():
            while channel.recv(1024):  # to the end: then the reply to the request has been sent, too
                pass
            channel.sendall(command)
            channel.send_exit_status(0)
            channel.close()
        threading.Thread(target=answer, daemon=True).start()
        return True
