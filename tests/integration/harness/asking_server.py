"""An SSH server that lets in by password, by a key and a code, or by questions: what sshd does with PAM."""

import paramiko

from .paramiko_server import Echoing, ParamikoServer, host_key


class AskingServer(ParamikoServer):
    """`methods` is what it takes, in this order, all of it: "publickey", "password", "keyboard-interactive". A command's answer is its
    own text, when its input has ended."""

    def __init__(self, workspace, methods, name="asking", password="hunter2", questions=(("Verification code: ", False, "123456"),),
                 key=None, instruction=""):
        self.name, self.methods, self.password, self.key = name, list(methods), password, key
        self.questions, self.instruction = questions, instruction
        self.attempts, self.logins = [], 0
        super().__init__(host_key(workspace, name))

    def interface(self, transport):
        return _Session(self, transport)


class _Session(Echoing):
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

    def check_channel_pty_request(self, *_):
        return True
