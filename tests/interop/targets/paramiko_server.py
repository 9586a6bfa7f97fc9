"""paramiko as a server: `paramiko_server.py HOST_KEY AUTHORIZED_KEYS`. Commands run in a shell, with a terminal if asked for."""

import fcntl
import os
import pty
import select
import socket
import struct
import subprocess
import sys
import termios
import threading

import paramiko


def keys_of(path):
    """What may log in: a set of (type, base64)."""
    return {tuple(line.split()[:2]) for line in open(path, encoding="ascii") if line.strip()}


class Session(paramiko.ServerInterface):
    def __init__(self, allowed):
        self._allowed = allowed
        self._terminals, self._forwards = {}, {}

    def get_allowed_auths(self, username):
        return "publickey"

    def check_auth_publickey(self, username, key):
        return paramiko.AUTH_SUCCESSFUL if (key.get_name(), key.get_base64()) in self._allowed else paramiko.AUTH_FAILED

    def check_channel_request(self, kind, chanid):
        return paramiko.OPEN_SUCCEEDED if kind == "session" else paramiko.OPEN_FAILED_ADMINISTRATIVELY_PROHIBITED

    def check_channel_pty_request(self, channel, term, width, height, pixelwidth, pixelheight, modes):
        self._terminals[channel.get_id()] = (height, width)
        return True

    def check_channel_shell_request(self, channel):
        return self._start(channel, ["/bin/sh"])

    def check_channel_exec_request(self, channel, command):
        return self._start(channel, ["/bin/sh", "-c", command])

    def check_channel_direct_tcpip_request(self, chanid, origin, destination):
        try:
            self._forwards[chanid] = socket.create_connection(destination)
        except OSError:
            return paramiko.OPEN_FAILED_CONNECT_FAILED
        return paramiko.OPEN_SUCCEEDED

    def forward(self, channel):
        """The connection that a channel of kind direct-tcpip stands for, if it is one."""
        return self._forwards.pop(channel.get_id(), None)

    def _start(self, channel, argv):
        size = self._terminals.pop(channel.get_id(), None)
        threading.Thread(target=run_on_terminal if size else run, args=(channel, argv, size), daemon=True).start()
        return True


def copy(source, sink):
    """Calls sink with what source gives, until that is nothing."""
    try:
        while block := source(32768):
            sink(block)
    except OSError:  # the peer has gone
        pass


def run(channel, argv, _size):
    process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0)

    def feed():
        copy(channel.recv, lambda block: write_all(process.stdin, block))
        process.stdin.close()

    outputs = [threading.Thread(target=copy, args=(process.stdout.read, channel.sendall)),
               threading.Thread(target=copy, args=(process.stderr.read, channel.sendall_stderr))]
    for thread in [*outputs, threading.Thread(target=feed, daemon=True)]:
        thread.start()
    for thread in outputs:
        thread.join()
    finish(channel, process.wait())


def write_all(pipe, block):
    while block:
        block = block[pipe.write(block):]


def run_on_terminal(channel, argv, size):
    pid, master = pty.fork()
    if pid == 0:
        os.execv(argv[0], argv)
    fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", *size, 0, 0))
    threading.Thread(target=copy, args=(channel.recv, lambda block: os.write(master, block)), daemon=True).start()
    copy(lambda size: os.read(master, size), channel.sendall)
    finish(channel, os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))


def finish(channel, status):
    try:
        channel.send_exit_status(status if status >= 0 else 128 - status)
        channel.shutdown_write()
    except OSError:
        pass
    channel.close()


def pump(channel, peer):
    """Joins a channel with a connection, both ways, ends apart."""
    def there():
        copy(channel.recv, peer.sendall)
        try:
            peer.shutdown(socket.SHUT_WR)
        except OSError:
            pass
    threading.Thread(target=there, daemon=True).start()
    copy(peer.recv, channel.sendall)
    channel.close()


class Files(paramiko.SFTPServerInterface):
    """The file system as it is."""

    def stat(self, path):
        return self._attempt(lambda: paramiko.SFTPAttributes.from_stat(os.stat(path)))

    def lstat(self, path):
        return self._attempt(lambda: paramiko.SFTPAttributes.from_stat(os.lstat(path)))

    def list_folder(self, path):
        return self._attempt(lambda: [paramiko.SFTPAttributes.from_stat(entry.stat(follow_symlinks=False), entry.name)
                                      for entry in os.scandir(path)])

    def canonicalize(self, path):
        return os.path.realpath(path)

    def remove(self, path):
        return self._attempt(lambda: os.remove(path) or paramiko.SFTP_OK)

    def chattr(self, path, attr):
        return self._attempt(lambda: paramiko.SFTPServer.set_file_attr(path, attr) or paramiko.SFTP_OK)

    def open(self, path, flags, attr):
        def opened():
            mode = {os.O_WRONLY: "wb", os.O_RDWR: "r+b"}.get(flags & os.O_ACCMODE, "rb")
            handle = paramiko.SFTPHandle(flags)
            file = os.fdopen(os.open(path, flags, 0o600), mode)
            handle.readfile = handle.writefile = file
            handle.stat = lambda: paramiko.SFTPAttributes.from_stat(os.fstat(file.fileno()))
            handle.chattr = lambda attr: self.chattr(path, attr)
            return handle
        return self._attempt(opened)

    @staticmethod
    def _attempt(action):
        try:
            return action()
        except OSError as error:
            return paramiko.SFTPServer.convert_errno(error.errno)


def serve(connection, host_key, allowed):
    transport = paramiko.Transport(connection)
    transport.add_server_key(host_key)
    transport.set_subsystem_handler("sftp", paramiko.SFTPServer, Files)
    session = Session(allowed)
    try:
        transport.start_server(server=session)
    except (paramiko.SSHException, EOFError, OSError):
        return
    channels = []  # else they are collected, and closed
    while transport.is_active():
        if channel := transport.accept(1):
            channels = [known for known in channels if not known.closed] + [channel]
            if peer := session.forward(channel):
                threading.Thread(target=pump, args=(channel, peer), daemon=True).start()


def main():
    host_key, allowed = paramiko.Ed25519Key.from_private_key_file(sys.argv[1]), keys_of(sys.argv[2])
    listener = socket.create_server(("127.0.0.1", 0), backlog=128)
    print(f"listening on {listener.getsockname()[1]}", file=sys.stderr, flush=True)
    while True:
        threading.Thread(target=serve, args=(listener.accept()[0], host_key, allowed), daemon=True).start()


if __name__ == "__main__":
    main()
