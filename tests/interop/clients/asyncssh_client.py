"""A client made with asyncssh; its arguments are those of clients.base.Library. WINDOW: the window of its channels in bytes."""

import asyncio
import hashlib
import os
import sys
import time

import asyncssh

OPTIONS = {"window": int(os.environ["WINDOW"])} if "WINDOW" in os.environ else {}


async def feed(writer):
    """Standard input, to its end."""
    while block := await asyncio.to_thread(os.read, 0, 65536):
        writer.write(block)
        await writer.drain()
    writer.write_eof()


async def copy(reader, descriptor):
    while block := await reader.read(65536):
        await asyncio.to_thread(os.write, descriptor, block)


async def run(connection, command, **options):
    process = await connection.create_process(command, encoding=None, **OPTIONS, **options)
    feeding = asyncio.create_task(feed(process.stdin))
    await asyncio.gather(copy(process.stdout, 1), copy(process.stderr, 2))
    await process.wait_closed()
    feeding.cancel()
    return process.exit_status or 0


async def digest(connection, command):
    process = await connection.create_process(command, encoding=None, **OPTIONS)
    found = hashlib.sha256()
    while block := await process.stdout.read(65536):
        found.update(block)
    return found.hexdigest()


async def transfer(connection, operation, source, sink):
    # start_sftp_client() takes no window
    async with connection.start_sftp_client() as sftp:
        begun = time.monotonic()
        await getattr(sftp, operation)(source, sink)
        print(time.monotonic() - begun)


async def stream(connection, operation, source, sink):
    """With a window of our own: by cat in place of sftp."""
    begun = time.monotonic()
    if operation == "get":
        await connection.run(f"cat {source}", stdout=sink, encoding=None, **OPTIONS)
    else:
        await connection.run(f"cat > {sink}", stdin=source, encoding=None, **OPTIONS)
    print(time.monotonic() - begun)


async def main():
    host, port, user, key, host_key, operation, *words = sys.argv[1:]
    limit = {"rekey_bytes": 1_000_000} if operation == "rekey" else {}
    status = 0
    async with asyncssh.connect(host, int(port), username=user, config=None, agent_path=None, client_keys=[key],
                                known_hosts=([asyncssh.read_public_key(host_key)], [], []), **limit) as connection:
        if operation in ("exec", "rekey"):
            status = await run(connection, words[0])
        elif operation == "pty":
            status = await run(connection, words[0], term_type="vt100", term_size=(100, 30))
        elif operation == "four":
            print("\n".join(await asyncio.gather(*(digest(connection, words[0]) for _ in range(4)))))
        elif operation == "forward":
            reader, writer = await connection.open_connection("127.0.0.1", int(words[0]))
            feeding = asyncio.create_task(feed(writer))
            await copy(reader, 1)
            feeding.cancel()
        else:
            await (stream if OPTIONS else transfer)(connection, operation, *words)
    sys.stdout.flush()
    os._exit(status)  # a thread may still wait for standard input


asyncio.run(main())
