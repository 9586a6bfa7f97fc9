"""A client made with paramiko; its arguments are those of clients.base.Library."""

import base64
import hashlib
import os
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import paramiko


def connect(host, port, user, key, host_key):
    client = paramiko.SSHClient()
    kind, blob = open(host_key, encoding="ascii").read().split()[:2]
    client.get_host_keys().add(f"[{host}]:{port}", kind, paramiko.PKey.from_type_string(kind, base64.b64decode(blob))
                               if hasattr(paramiko.PKey, "from_type_string") else paramiko.Ed25519Key(data=base64.b64decode(blob)))
    client.connect(host, int(port), user, key_filename=key, look_for_keys=False, allow_agent=False, timeout=60, banner_timeout=60,
                   auth_timeout=60)
    return client


def feed(send, close):
    """Standard input, to its end, in a thread of its own."""
    def run():
        while block := os.read(0, 65536):
            send(block)
        close()
    threading.Thread(target=run, daemon=True).start()


def copy(receive, descriptor, every=lambda length: None):
    while block := receive(65536):
        os.write(descriptor, block)
        every(len(block))


def run(client, command, terminal=False, every=lambda length: None):
    channel = client.get_transport().open_session()
    if terminal:
        channel.get_pty("vt100", 100, 30)
    channel.exec_command(command)
    feed(channel.sendall, channel.shutdown_write)
    errors = threading.Thread(target=copy, args=(channel.recv_stderr, 2))
    errors.start()
    copy(channel.recv, 1, every)
    errors.join()
    return channel.recv_exit_status()


def rekey(client, command):
    left = [1_000_000]

    def count(length):
        left[0] -= length
        if left[0] <= 0:
            left[0] = 1 << 60
            client.get_transport().renegotiate_keys()
    return run(client, command, every=count)


def digest(client, command):
    _, output, _ = client.exec_command(command)
    found = hashlib.sha256()
    while block := output.channel.recv(65536):
        found.update(block)
    return found.hexdigest()


def forward(client, port):
    channel = client.get_transport().open_channel("direct-tcpip", ("127.0.0.1", int(port)), ("127.0.0.1", 1))
    feed(channel.sendall, channel.shutdown_write)
    copy(channel.recv, 1)


def main():
    client, (operation, *words) = connect(*sys.argv[1:6]), sys.argv[6:]
    status = 0
    if operation in ("exec", "pty"):
        status = run(client, words[0], operation == "pty")
    elif operation == "rekey":
        status = rekey(client, words[0])
    elif operation == "four":
        with ThreadPoolExecutor(4) as pool:
            print("\n".join(pool.map(lambda _: digest(client, words[0]), range(4))))
    elif operation == "forward":
        forward(client, words[0])
    else:
        sftp = client.open_sftp()
        begun = time.monotonic()
        getattr(sftp, operation)(*words)
        print(time.monotonic() - begun)
    sys.stdout.flush()
    client.close()
    os._exit(status)  # a thread may still wait for standard input


if __name__ == "__main__":
    main()
