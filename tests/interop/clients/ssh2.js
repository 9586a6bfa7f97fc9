// A client made with node's ssh2; its arguments are those of clients.base.Library.
'use strict';
const crypto = require('crypto');
const fs = require('fs');
const { Client } = require('ssh2');

const [host, port, user, key, hostKeyFile, operation, ...words] = process.argv.slice(2);
const hostKey = fs.readFileSync(hostKeyFile, 'ascii').split(' ')[1];
const client = new Client();

function fail(error) {
  console.error(String(error));
  process.exit(1);
}

// Calls `then` with the value of a callback that has an error first.
const or = (then) => (error, value) => (error ? fail(error) : then(value));

function finish(status) {
  client.end();
  process.exitCode = status;
  process.stdin.unref?.();
  process.stdin.destroy();
}

function join(stream, whenClosed) {
  process.stdin.pipe(stream);
  stream.pipe(process.stdout, { end: false });
  stream.stderr?.pipe(process.stderr, { end: false });
  stream.on('close', whenClosed);
}

function run(options) {
  client.exec(words[0], options, or((stream) => {
    let status = 0;
    stream.on('exit', (code) => { status = code ?? 255; });
    join(stream, () => finish(status));
  }));
}

function digest(then) {
  client.exec(words[0], or((stream) => {
    const hash = crypto.createHash('sha256');
    stream.on('data', (block) => hash.update(block));
    stream.stderr.resume();
    stream.on('close', () => then(hash.digest('hex')));
  }));
}

function four() {
  let left = 4;
  for (let i = 0; i < 4; ++i) {
    digest((text) => {
      console.log(text);
      if (--left === 0) finish(0);
    });
  }
}

function transfer(name) {
  client.sftp(or((sftp) => {
    const begun = process.hrtime.bigint();
    sftp[name](words[0], words[1], or(() => {
      console.log(Number(process.hrtime.bigint() - begun) / 1e9);
      finish(0);
    }));
  }));
}

const operations = {
  exec: () => run({}),
  pty: () => run({ pty: { term: 'vt100', cols: 100, rows: 30 } }),
  get: () => transfer('fastGet'),
  put: () => transfer('fastPut'),
  forward: () => client.forwardOut('127.0.0.1', 1, '127.0.0.1', Number(words[0]), or((stream) => join(stream, () => finish(0)))),
  four,
};

client.on('ready', operations[operation]);
client.on('error', fail);
client.connect({
  host, port: Number(port), username: user, privateKey: fs.readFileSync(key), readyTimeout: 60000,
  hostVerifier: (shown) => shown.toString('base64') === hostKey,
});
