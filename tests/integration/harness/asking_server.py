"""An SSH server that lets in by password, by a key and a code, or by questions: what sshd does with PAM."""

import socket
import threading

import paramiko

from .raw import patient


class AskingServer:
    """A paramiko server on a loopback port. `methods` is what it takes, in this order, all of it: "publickey", "password",
    "keyboard-interactive". A command's answer is its own text, when its input has ended."""

    def __init__(self, workspace, methods, name="asking", password="hunter2", questions=(("Verification code: ", False, "123456"),),
                 key=None, instruction=""):
        self.name, self.methods, self.password, self.key = name, list(methods), password, key
        self.questions, self.instruction = questions, instruction
        self._host_key = paramiko.Ed25519Key.from_private_key_file(str(workspace.key(f"{name}_host")))
        self._workspace = workspace
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self._listener.getsockname()[1]
        self.attempts, self.logins, self._transports = [], 0, []
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
            transport = patient(paramiko.Transport(connection))
            self._transports.append(transport)
            transport.add_server_key(self._host_key)
            try:
                transport.start_server(event=threading.Event(), server=_Session(self, transport))
            except (paramiko.SSHException, EOFError, OSError):
                transport.close()


class _Session(paramiko.ServerInterface):
    def __init__(self, server, transport):
        self._server, self._transport, self._left = server, transport, list(server.methods)

    def get_allowed_auths(self, _username):
        return self._left[0] if self._left else ""

    def _result(self, method, good):
        self._server.attempts.append((method, good))
        if not good or not self._left or self._left[0] != method:
            return paramiko.AUTH_FAILED
        self._left.pop(0)
        if self._left:
            return paramiko.AUTH_PARTIALLY_SUCCESSFUL
        self._server.logins += 1
        return paramiko.AUTH_SUCCESSFUL

    def check_auth_password(self, _username, password):
        return self._result("password", password == self._server.password)

    def check_auth_publickey(self, _username, key):
        wanted = self._server.key
        good = wanted is not None and f"{key.get_name()} {key.get_base64()}" == wanted
        if self._left and self._left[0] == "publickey" and good:
            return self._result("publickey", True)
        return self._result("publickey", False)

    def check_auth_interactive(self, _username, _submethods):
        if not self._left or self._left[0] != "keyboard-interactive":
            return paramiko.AUTH_FAILED
        query = paramiko.InteractiveQuery("", self._server.instruction)
        for prompt, echo, _ in self._server.questions:
            query.add_prompt(prompt, echo)
        return query

    def check_auth_interactive_response(self, responses):
        wanted = [answer for _, _, answer in self._server.questions]
        return self._result("keyboard-interactive", list(responses) == wanted)

    def check_channel_request(self, kind, _channel_id):
        return paramiko.OPEN_SUCCEEDED if kind == "session" else paramiko.OPEN_FAILED_ADMINISTRATIVELY_PROHIBITED

    def check_channel_pty_request(self, *_):
        return True

    def check_channel_exec_request(self, channel, command):
        def answer():
            while channel.recv(1024):  # to the end: then the reply to the request has been sent, too
                pass
            channel.sendall(command)
            channel.send_exit_status(0)
            channel.close()
        threading.Thread(target=answer, daemon=True).start()
        return True
