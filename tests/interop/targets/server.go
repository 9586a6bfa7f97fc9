// A server made with golang.org/x/crypto/ssh and github.com/pkg/sftp: commands in a shell, files, and connections.
//
//	server HOST_KEY AUTHORIZED_KEYS
package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strconv"

	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"
)

func must(err error, doing string) {
	if err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", doing, err)
		os.Exit(1)
	}
}

func allowed(path string) map[string]bool {
	rest, err := os.ReadFile(path)
	must(err, "read the keys")
	keys := map[string]bool{}
	for len(bytes.TrimSpace(rest)) > 0 {
		key, _, _, left, err := ssh.ParseAuthorizedKey(rest)
		must(err, "parse a key")
		keys[string(key.Marshal())] = true
		rest = left
	}
	return keys
}

func main() {
	content, err := os.ReadFile(os.Args[1])
	must(err, "read the host key")
	hostKey, err := ssh.ParsePrivateKey(content)
	must(err, "parse the host key")
	keys := allowed(os.Args[2])
	config := &ssh.ServerConfig{PublicKeyCallback: func(_ ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
		if keys[string(key.Marshal())] {
			return nil, nil
		}
		return nil, errors.New("not one of the keys")
	}}
	config.AddHostKey(hostKey)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(err, "listen")
	fmt.Fprintf(os.Stderr, "listening on %d\n", listener.Addr().(*net.TCPAddr).Port)
	for {
		connection, err := listener.Accept()
		must(err, "accept")
		go serve(connection, config)
	}
}

func serve(connection net.Conn, config *ssh.ServerConfig) {
	_, opens, requests, err := ssh.NewServerConn(connection, config)
	if err != nil {
		return
	}
	go ssh.DiscardRequests(requests)
	for open := range opens {
		switch open.ChannelType() {
		case "session":
			if channel, requests, err := open.Accept(); err == nil {
				go session(channel, requests)
			}
		case "direct-tcpip":
			go forward(open)
		default:
			open.Reject(ssh.UnknownChannelType, "not known here")
		}
	}
}

func forward(open ssh.NewChannel) {
	var asked struct {
		Host       string
		Port       uint32
		Origin     string
		OriginPort uint32
	}
	if err := ssh.Unmarshal(open.ExtraData(), &asked); err != nil {
		open.Reject(ssh.ConnectionFailed, "malformed")
		return
	}
	peer, err := net.Dial("tcp", net.JoinHostPort(asked.Host, strconv.Itoa(int(asked.Port))))
	if err != nil {
		open.Reject(ssh.ConnectionFailed, err.Error())
		return
	}
	channel, requests, err := open.Accept()
	if err != nil {
		return
	}
	go ssh.DiscardRequests(requests)
	go func() {
		io.Copy(peer, channel)
		peer.(*net.TCPConn).CloseWrite()
	}()
	io.Copy(channel, peer)
	channel.Close()
}

func session(channel ssh.Channel, requests <-chan *ssh.Request) {
	started := false
	for request := range requests {
		var asked struct{ Text string }
		known := ssh.Unmarshal(request.Payload, &asked) == nil && !started
		switch request.Type {
		case "exec":
			if known {
				go run(channel, exec.Command("/bin/sh", "-c", asked.Text))
			}
		case "subsystem":
			if known = known && asked.Text == "sftp"; known {
				go files(channel)
			}
		default: // no terminals, no variables
			known = false
		}
		started = started || known
		if request.WantReply {
			request.Reply(known, nil)
		}
	}
}

func run(channel ssh.Channel, command *exec.Cmd) {
	defer channel.Close()
	input, err := command.StdinPipe()
	if err != nil {
		return
	}
	command.Stdout, command.Stderr = channel, channel.Stderr()
	if command.Start() != nil {
		return
	}
	go func() {
		io.Copy(input, channel)
		input.Close()
	}()
	status := uint32(0)
	var exit *exec.ExitError
	if errors.As(command.Wait(), &exit) {
		status = uint32(exit.ExitCode())
	}
	channel.CloseWrite()
	channel.SendRequest("exit-status", false, ssh.Marshal(struct{ Status uint32 }{status}))
}

func files(channel ssh.Channel) {
	defer channel.Close()
	if server, err := sftp.NewServer(channel); err == nil {
		server.Serve()
	}
	channel.SendRequest("exit-status", false, ssh.Marshal(struct{ Status uint32 }{0}))
}
