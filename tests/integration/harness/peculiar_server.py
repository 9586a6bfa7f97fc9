"""SSH servers with habits of their own, each written as a paramiko ServerInterface."""

import paramiko

from .paramiko_server import Echoing, ParamikoServer, host_key


class Interface(Echoing):
    """Lets the key in. `server` is the PeculiarServer, `transport` the connection."""

    def __init__(self, server, transport):
        self.server, self.transport, self.sessions = server, transport, 0

    def get_allowed_auths(self, _username):
        return "publickey"

    def check_auth_publickey(self, _username, key):
        good = f"{key.get_name()} {key.get_base64()}" == self.server.key
        self.server.attempts.append("publickey")
        return paramiko.AUTH_SUCCESSFUL if good else paramiko.AUTH_FAILED

    def check_channel_request(self, kind, channel_id):
        self.sessions += 1
        return super().check_channel_request(kind, channel_id)


class PeculiarServer(ParamikoServer):
    """Serves `interface`. `key` is the public key that may enter, `attempts` what was tried."""

    def __init__(self, workspace, interface, name):
        self.name, self.key, self.attempts = name, workspace.public_key("upstream"), []
        self._interface = interface
        self.connections = 0
        self.busy = False  # connections are ended before the version, as by sshd's MaxStartups
        super().__init__(host_key(workspace, name))

    def interface(self, transport):
        self.connections += 1
        return None if self.busy else self._interface(self, transport)
