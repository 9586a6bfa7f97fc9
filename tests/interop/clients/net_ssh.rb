# A client made with Ruby's Net::SSH and Net::SFTP; its arguments are those of clients.base.Library.
require 'digest'
require 'net/sftp'
require 'net/ssh'

HOST, PORT, USER, KEY, HOST_KEY, OPERATION, *WORDS = ARGV
STDOUT.binmode
STDIN.binmode

# Takes one host key and no other.
class OneKey
  def initialize(path)
    @blob = File.read(path).split[1]
  end

  def verify(arguments)
    [arguments[:key].to_blob].pack('m0') == @blob
  end

  def verify_signature(&block)
    block.call
  end
end

# Standard input, to its end, while the connection's loop runs.
def feed(session, channel)
  ended = false
  channel.on_process do
    next if ended || channel.output.length > 1_000_000
    begin
      channel.send_data(STDIN.read_nonblock(65_536))
    rescue IO::WaitReadable
      nil
    rescue EOFError
      ended = true
      channel.eof!
    end
  end
  session.loop(0.02) { channel.active? }
end

def run(session, command, terminal: false, &every)
  status = 0
  channel = session.open_channel do |ch|
    ch.request_pty(term: 'vt100', chars_wide: 100, chars_high: 30) { |_, granted| raise 'no terminal' unless granted } if terminal
    ch.exec(command) { |_, started| raise 'not started' unless started }
    ch.on_data { |_, data| STDOUT.write(data); every&.call(data.bytesize) }
    ch.on_extended_data { |_, _, data| STDERR.write(data) }
    ch.on_request('exit-status') { |_, data| status = data.read_long }
  end
  feed(session, channel)
  status
end

# Asks for new keys once a megabyte has come.
def rekey(session, command)
  left = 1_000_000
  run(session, command) do |length|
    session.transport.rekey! if left.positive? && (left -= length) <= 0
  end
end

def four(session, command)
  hashes = Array.new(4) { Digest::SHA256.new }
  hashes.each do |hash|
    session.open_channel do |ch|
      ch.exec(command)
      ch.on_data { |_, data| hash.update(data) }
    end
  end
  session.loop
  puts hashes.map(&:hexdigest)
end

def forward(session, port)
  channel = session.open_channel('direct-tcpip', :string, '127.0.0.1', :long, port.to_i, :string, '127.0.0.1', :long, 1) do |ch|
    ch.on_data { |_, data| STDOUT.write(data) }
    ch.on_eof(&:close)
  end
  feed(session, channel)
end

def transfer(session, name, source, sink)
  begun = Process.clock_gettime(Process::CLOCK_MONOTONIC)
  session.sftp.connect!.public_send("#{name}!", source, sink)
  puts Process.clock_gettime(Process::CLOCK_MONOTONIC) - begun
end

options = { port: PORT.to_i, keys: [KEY], keys_only: true, config: false, use_agent: false, verify_host_key: OneKey.new(HOST_KEY),
            non_interactive: true, timeout: 60 }
status = Net::SSH.start(HOST, USER, options) do |session|
  case OPERATION
  when 'exec' then run(session, WORDS[0])
  when 'pty' then run(session, WORDS[0], terminal: true)
  when 'rekey' then rekey(session, WORDS[0])
  when 'four' then four(session, WORDS[0]); 0
  when 'forward' then forward(session, WORDS[0]); 0
  when 'get' then transfer(session, 'download', *WORDS); 0
  when 'put' then transfer(session, 'upload', *WORDS); 0
  end
end
STDOUT.flush
exit!(status)
