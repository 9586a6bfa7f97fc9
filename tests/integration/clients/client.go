// A client made with golang.org/x/crypto/ssh: many sessions and forwarded connections over one connection.
//
//	client ADDRESS USER KEY_FILE HOST_KEY_FILE
//
// Prints a line for each thing that went well, and ends with status 1 at the first that did not.
package main

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync"

	"golang.org/x/crypto/ssh"
)

func must(err error, doing string) {
	if err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", doing, err)
		os.Exit(1)
	}
}

func dial() *ssh.Client {
	key, err := os.ReadFile(os.Args[3])
	must(err, "read the key")
	signer, err := ssh.ParsePrivateKey(key)
	must(err, "parse the key")
	line, err := os.ReadFile(os.Args[4])
	must(err, "read the host key")
	hostKey, _, _, _, err := ssh.ParseAuthorizedKey(line)
	must(err, "parse the host key")
	client, err := ssh.Dial("tcp", os.Args[1], &ssh.ClientConfig{
		User:            os.Args[2],
		Auth:            []ssh.AuthMethod{ssh.PublicKeys(signer)},
		HostKeyCallback: ssh.FixedHostKey(hostKey),
	})
	must(err, "connect")
	return client
}

// run starts a command with that input and returns its output and exit status.
func run(client *ssh.Client, command string, input []byte) (string, string, int) {
	session, err := client.NewSession()
	must(err, "open a session")
	defer session.Close()
	var out, errs bytes.Buffer
	session.Stdin, session.Stdout, session.Stderr = bytes.NewReader(input), &out, &errs
	err = session.Run(command)
	var exit *ssh.ExitError
	if errors.As(err, &exit) {
		return out.String(), errs.String(), exit.ExitStatus()
	}
	must(err, "run "+command)
	return out.String(), errs.String(), 0
}

// each calls the function with 0 to count-1 at once and waits for all.
func each(count int, call func(int)) {
	var group sync.WaitGroup
	for index := 0; index < count; index++ {
		group.Add(1)
		go func(index int) {
			defer group.Done()
			call(index)
		}(index)
	}
	group.Wait()
}

func statuses(client *ssh.Client) {
	each(50, func(index int) {
		out, errs, status := run(client, fmt.Sprintf("echo out; echo err >&2; exit %d", index), nil)
		if out != "out\n" || errs != "err\n" || status != index {
			must(fmt.Errorf("%q %q %d", out, errs, status), "a command")
		}
	})
	fmt.Println("statuses")
}

func data(client *ssh.Client) {
	content := make([]byte, 2000000)
	_, err := rand.Read(content)
	must(err, "random bytes")
	each(4, func(int) {
		if out, _, _ := run(client, "cat", content); out != string(content) {
			must(fmt.Errorf("%d bytes", len(out)), "data both ways")
		}
	})
	fmt.Println("data")
}

func terminal(client *ssh.Client) {
	session, err := client.NewSession()
	must(err, "open a session")
	defer session.Close()
	must(session.Setenv("SP_GO", "set"), "set a variable")
	must(session.RequestPty("vt100", 30, 100, ssh.TerminalModes{ssh.ECHO: 0}), "ask for a terminal")
	out, err := session.Output("stty size; stty -a | grep -o -e -echo | head -1; echo $TERM $SP_GO")
	must(err, "run on a terminal")
	if found := strings.ReplaceAll(string(out), "\r", ""); found != "30 100\n-echo\nvt100 set\n" {
		must(fmt.Errorf("%q", found), "the terminal")
	}
	fmt.Println("terminal")
}

func killed(client *ssh.Client) {
	session, err := client.NewSession()
	must(err, "open a session")
	defer session.Close()
	var exit *ssh.ExitError
	if err := session.Run("kill -TERM $$"); !errors.As(err, &exit) || exit.Signal() != "TERM" {
		must(fmt.Errorf("%v", err), "exit by signal")
	}
	fmt.Println("killed")
}

func forwards(client *ssh.Client) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(err, "listen")
	go func() {
		for {
			peer, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer peer.Close()
				io.Copy(peer, peer)
			}()
		}
	}()
	each(30, func(int) {
		peer, err := client.Dial("tcp", listener.Addr().String())
		must(err, "forward")
		defer peer.Close()
		content := make([]byte, 100000)
		_, err = rand.Read(content)
		must(err, "random bytes")
		go func() {
			peer.Write(content)
			peer.(interface{ CloseWrite() error }).CloseWrite()
		}()
		received, err := io.ReadAll(peer)
		must(err, "read")
		if !bytes.Equal(received, content) {
			must(fmt.Errorf("%d bytes", len(received)), "forwarded data")
		}
	})
	fmt.Println("forwards")
}

func main() {
	client := dial()
	for _, step := range []func(*ssh.Client){statuses, data, terminal, killed, forwards} {
		step(client)
	}
	must(client.Close(), "close")
}
