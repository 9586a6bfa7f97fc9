"""SSH servers with habits of their own, each written as a paramiko ServerInterface."""

import socket
import threading

import paramiko

from .raw import patient


class Interface(paramiko.ServerInterface):
    """Lets the key in, and answers each command with its text. `server` is the PeculiarServer, `transport` the connection."""

    def __init__(self, server, transport):
        self.server, self.transport, self.sessions = server, transport, 0

    def get_allowed_auths(self, _username):
        return "publickey"

    def check_auth_publickey(self, _username, key):
        good = f"{key.get_name()} {key.get_base64()}" == self.server.key
        self.server.attempts.append("publickey")
        return paramiko.AUTH_SUCCESSFUL if good else paramiko.AUTH_FAILED

    def check_channel_request(self, kind, _channel_id):
        self.sessions += 1
        return paramiko.OPEN_SUCCEEDED if kind == "session" else paramiko.OPEN_FAILED_ADMINISTRATIVELY_PROHIBITED

    def check_channel_exec_request(self, channel, command):
        def answer():
            while channel.recv(1024):
                pass
            channel.sendall(command)
            channel.send_exit_status(0)
            channel.close()
        threading.Thread(target=answer, daemon=True).start()
        return True


class PeculiarServer:
    """Serves `interface` on a loopback port. `key` is the public key that may enter, `attempts` what was tried."""

    def __init__(self, workspace, interface, name):
        self.name, self.key, self.attempts = name, workspace.public_key("upstream"), []
        self._interface, self._workspace = interface, workspace
        self._host_key = paramiko.Ed25519Key.from_private_key_file(str(workspace.key(f"{name}_host")))
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self._listener.getsockname()[1]
        self.connections = 0
        self.busy = False  # connections are ended before the version, as by sshd's MaxStartups
        self._transports = []
        threading.Thread(target=self._accept, daemon=True).start()

    def known_hosts_line(self):
        return f"[127.0.0.1]:{self.port} {self._workspace.public_key(f'{self.name}_host')}\n"

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
            self.connections += 1
            if self.busy:
                connection.close()
                continue
            transport = patient(paramiko.Transport(connection))
            self._transports.append(transport)
            transport.add_server_key(self._host_key)
            try:
                transport.start_server(event=threading.Event(), server=self._interface(self, transport))
            except (paramiko.SSHException, EOFError, OSError):
                transport.close()
