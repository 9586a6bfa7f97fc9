// A bastion as Go programmers build it on golang.org/x/crypto/ssh: one upstream connection that all clients share.
//
//	go_proxy -host-key FILE -authorized-keys FILE -upstream HOST:PORT -upstream-user NAME -upstream-key FILE
//	         -known-hosts FILE [-ciphers NAME,…] [-listen ADDRESS]
//
// A yardstick for the benchmark, not a product: it knows no users, targets or forwarding towards the client. It logs where it
// listens, and ends when the upstream connection does.
package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"os"
	"strings"
	"sync"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"
)

// options are the program's flags; all but listen and ciphers must be given.
type options struct {
	listen         string
	hostKey        string
	authorizedKeys string
	upstream       string
	upstreamUser   string
	upstreamKey    string
	knownHosts     string
	ciphers        string
}

func parseFlags() (options, error) {
	var given options
	flag.StringVar(&given.listen, "listen", "127.0.0.1:0", "`address` to listen on; port 0 is any free one")
	flag.StringVar(&given.hostKey, "host-key", "", "private key `file` that clients know this host by")
	flag.StringVar(&given.authorizedKeys, "authorized-keys", "", "`file` of the keys that may log in, read at each login")
	flag.StringVar(&given.upstream, "upstream", "", "`address` of the target's sshd")
	flag.StringVar(&given.upstreamUser, "upstream-user", "", "`name` to log in with there")
	flag.StringVar(&given.upstreamKey, "upstream-key", "", "private key `file` to log in with there")
	flag.StringVar(&given.knownHosts, "known-hosts", "", "`file` with the target's host key")
	flag.StringVar(&given.ciphers, "ciphers", "", "the only ciphers on both legs, comma separated `names` (default: the library's)")
	flag.Parse()
	if flag.NArg() > 0 {
		return given, fmt.Errorf("unexpected argument %q", flag.Arg(0))
	}
	for _, required := range []string{"host-key", "authorized-keys", "upstream", "upstream-user", "upstream-key", "known-hosts"} {
		if flag.Lookup(required).Value.String() == "" {
			return given, fmt.Errorf("-%s is missing", required)
		}
	}
	return given, nil
}

// algorithms are what both legs have in common; without ciphers they are the library's own choice.
func (given options) algorithms() ssh.Config {
	var config ssh.Config
	if given.ciphers != "" {
		config.Ciphers = strings.Split(given.ciphers, ",")
	}
	return config
}

func readPrivateKey(path string) (ssh.Signer, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	signer, err := ssh.ParsePrivateKey(content)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return signer, nil
}

// checkKey returns nil for a key that is in the authorized_keys file. Options of its lines are not obeyed.
func checkKey(path string, offered ssh.PublicKey) error {
	rest, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	wanted := offered.Marshal()
	for len(rest) > 0 {
		var key ssh.PublicKey
		if key, _, _, rest, err = ssh.ParseAuthorizedKey(rest); err != nil {
			break // no further key: the parser skips lines that are none
		}
		if bytes.Equal(key.Marshal(), wanted) {
			return nil
		}
	}
	return errors.New("the key is not authorized")
}

func (given options) serverConfig() (*ssh.ServerConfig, error) {
	hostKey, err := readPrivateKey(given.hostKey)
	if err != nil {
		return nil, err
	}
	config := &ssh.ServerConfig{
		Config: given.algorithms(),
		PublicKeyCallback: func(_ ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
			return nil, checkKey(given.authorizedKeys, key)
		},
	}
	config.AddHostKey(hostKey)
	return config, nil
}

// dialUpstream makes the connection that all clients share.
func (given options) dialUpstream() (*ssh.Client, error) {
	key, err := readPrivateKey(given.upstreamKey)
	if err != nil {
		return nil, err
	}
	checkHost, err := knownhosts.New(given.knownHosts)
	if err != nil {
		return nil, err
	}
	return ssh.Dial("tcp", given.upstream, &ssh.ClientConfig{
		Config:          given.algorithms(),
		User:            given.upstreamUser,
		Auth:            []ssh.AuthMethod{ssh.PublicKeys(key)},
		HostKeyCallback: checkHost,
	})
}

// serve is the life of one client's connection.
func serve(peer net.Conn, config *ssh.ServerConfig, upstream *ssh.Client) {
	defer peer.Close()
	client, channels, requests, err := ssh.NewServerConn(peer, config)
	if err != nil {
		log.Printf("%v: login: %v", peer.RemoteAddr(), err)
		return
	}
	defer client.Close()
	go ssh.DiscardRequests(requests) // global ones, such as keepalives: refused, which is an answer too
	gone := make(chan struct{})
	defer close(gone)
	for opening := range channels {
		go relay(opening, upstream, gone)
	}
}

// relay joins a channel that the client opens to one on the upstream connection, until both are closed. `gone` ends with the
// client's connection.
func relay(opening ssh.NewChannel, upstream *ssh.Client, gone <-chan struct{}) {
	target, targetRequests, err := upstream.OpenChannel(opening.ChannelType(), opening.ExtraData())
	if err != nil {
		reason, message := ssh.ConnectionFailed, err.Error()
		var refused *ssh.OpenChannelError
		if errors.As(err, &refused) {
			reason, message = refused.Reason, refused.Message
		}
		if err := opening.Reject(reason, message); err != nil {
			log.Printf("refuse a channel: %v", err)
		}
		return
	}
	client, clientRequests, err := opening.Accept()
	if err != nil {
		target.Close()
		go ssh.DiscardRequests(targetRequests)
		return
	}

	var answering sync.Mutex // held while a request of the client's is at the target
	go func() {
		defer target.Close()
		sent := make(chan struct{})
		go func() {
			defer close(sent)
			copyData(target, client)
			target.CloseWrite()
		}()
		for request := range clientRequests {
			answering.Lock()
			passRequest(target, request)
			answering.Unlock()
		}
		select {
		case <-sent: // what came before the client's CLOSE goes before ours
		case <-gone: // nobody is left to wait until the target reads it
		}
	}()

	// A client that has both sent and received EOF closes the channel, and the library answers that at once: an exit status has
	// to go before EOF, or it would not go at all.
	ending := newSignal()
	if opening.ChannelType() != "session" {
		ending.raise()
	}
	received := make(chan struct{})
	go func() {
		defer close(received)
		copyData(client, target)
		<-ending.raised
		client.CloseWrite()
	}()
	for request := range targetRequests {
		passRequest(client, request)
		if request.Type == "exit-status" || request.Type == "exit-signal" {
			ending.raise()
		}
	}
	ending.raise() // the target's CLOSE
	<-received
	answering.Lock() // a command may end before the answer to its request has been passed on
	defer answering.Unlock()
	client.Close()
}

// signal is an event that may happen more than once.
type signal struct {
	raised chan struct{} // closed by the first
	once   sync.Once
}

func newSignal() *signal { return &signal{raised: make(chan struct{})} }

func (event *signal) raise() { event.once.Do(func() { close(event.raised) }) }

// copyData passes on data and extended data, each in its order, until both have ended. An error is the end of one of the
// channels, which ends its requests as well, and so it is not reported.
func copyData(to, from ssh.Channel) {
	var both sync.WaitGroup
	both.Add(1)
	go func() {
		defer both.Done()
		io.Copy(to.Stderr(), from.Stderr())
	}()
	io.Copy(to, from)
	both.Wait()
}

// passRequest passes on a channel request, and the answer to it. Done one after the other, the answers have their order.
func passRequest(to ssh.Channel, request *ssh.Request) {
	accepted, err := to.SendRequest(request.Type, request.WantReply, request.Payload)
	if request.WantReply {
		request.Reply(accepted && err == nil, nil) // fails only when the asker has gone
	}
}

func run() error {
	given, err := parseFlags()
	if err != nil {
		return err
	}
	config, err := given.serverConfig()
	if err != nil {
		return err
	}
	upstream, err := given.dialUpstream()
	if err != nil {
		return fmt.Errorf("upstream: %w", err)
	}
	go func() { log.Fatalf("the upstream connection ended: %v", upstream.Wait()) }()
	listener, err := net.Listen("tcp", given.listen)
	if err != nil {
		return err
	}
	log.Printf("listening on %v", listener.Addr())
	for {
		peer, err := listener.Accept()
		if err != nil {
			return err
		}
		go serve(peer, config, upstream)
	}
}

func main() {
	log.SetFlags(0)
	log.SetPrefix("go_proxy: ")
	log.Fatal(run())
}
