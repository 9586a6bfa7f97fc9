<?php
// A client made with phpseclib 3; its arguments are those of clients.base.Library. It sends a command no input but by a terminal.
require '/usr/share/php/phpseclib3/autoload.php';

use phpseclib3\Crypt\PublicKeyLoader;
use phpseclib3\Net\SFTP;

function fail($text)
{
    fwrite(STDERR, "$text\n");
    exit(1);
}

[, $host, $port, $user, $keyFile, $hostKey, $operation] = $argv;
$words = array_slice($argv, 7);
$key = PublicKeyLoader::load(file_get_contents($keyFile));
$ssh = new SFTP($host, (int) $port, 60);
explode(' ', $ssh->getServerPublicHostKey())[1] === explode(' ', file_get_contents($hostKey))[1] or fail('another host key');
$ssh->login($user, $key) or fail('the login: ' . implode("\n", $ssh->getErrors()));
$ssh->setTimeout(120);

switch ($operation) {
    case 'pty':
        $ssh->setWindowSize(100, 30);
        $ssh->enablePTY();
        $ssh->exec($words[0]);
        fwrite(STDOUT, $ssh->read());
        exit($ssh->getExitStatus() ?: 0);
    case 'exec':
        $ssh->enableQuietMode();
        $ssh->exec($words[0], function ($block) { fwrite(STDOUT, $block); });
        fwrite(STDERR, $ssh->getStdError());
        exit($ssh->getExitStatus());
    case 'get':
        $begun = microtime(true);
        $ssh->get($words[0], $words[1]) or fail('get');
        echo microtime(true) - $begun, "\n";
        exit(0);
    case 'put':
        $begun = microtime(true);
        $ssh->put($words[1], $words[0], SFTP::SOURCE_LOCAL_FILE) or fail('put');
        echo microtime(true) - $begun, "\n";
        exit(0);
}
