// A client made with golang.org/x/crypto/ssh and github.com/pkg/sftp; its arguments are those of clients.base.Library.
package main

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"
)

func must(err error, doing string) {
	if err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", doing, err)
		os.Exit(1)
	}
}

func dial(host, port, user, keyFile, hostKeyFile string, rekeyAfter uint64) *ssh.Client {
	key, err := os.ReadFile(keyFile)
	must(err, "read the key")
	signer, err := ssh.ParsePrivateKey(key)
	must(err, "parse the key")
	line, err := os.ReadFile(hostKeyFile)
	must(err, "read the host key")
	hostKey, _, _, _, err := ssh.ParseAuthorizedKey(line)
	must(err, "parse the host key")
	config := &ssh.ClientConfig{User: user, Auth: []ssh.AuthMethod{ssh.PublicKeys(signer)}, HostKeyCallback: ssh.FixedHostKey(hostKey)}
	config.RekeyThreshold = rekeyAfter
	client, err := ssh.Dial("tcp", host+":"+port, config)
	must(err, "connect")
	return client
}

func run(client *ssh.Client, command string, terminal bool) int {
	session, err := client.NewSession()
	must(err, "open a session")
	if terminal {
		must(session.RequestPty("vt100", 30, 100, ssh.TerminalModes{}), "ask for a terminal")
	}
	input, err := session.StdinPipe()
	must(err, "the input")
	session.Stdout, session.Stderr = os.Stdout, os.Stderr
	must(session.Start(command), "start "+command)
	go func() {
		io.Copy(input, os.Stdin)
		input.Close()
	}()
	err = session.Wait()
	var exit *ssh.ExitError
	if errors.As(err, &exit) {
		return exit.ExitStatus()
	}
	must(err, "run "+command)
	return 0
}

func four(client *ssh.Client, command string) {
	var group sync.WaitGroup
	for index := 0; index < 4; index++ {
		group.Add(1)
		go func() {
			defer group.Done()
			session, err := client.NewSession()
			must(err, "open a session")
			hash := sha256.New()
			session.Stdout = hash
			must(session.Run(command), "run "+command)
			fmt.Printf("%x\n", hash.Sum(nil))
		}()
	}
	group.Wait()
}

func forward(client *ssh.Client, port string) {
	peer, err := client.Dial("tcp", "127.0.0.1:"+port)
	must(err, "forward")
	go func() {
		io.Copy(peer, os.Stdin)
		peer.(interface{ CloseWrite() error }).CloseWrite()
	}()
	_, err = io.Copy(os.Stdout, peer)
	must(err, "read")
}

func transfer(client *ssh.Client, operation, source, sink string) {
	files, err := sftp.NewClient(client)
	must(err, "sftp")
	begun := time.Now()
	if operation == "get" {
		from, err := files.Open(source)
		must(err, "open "+source)
		to, err := os.Create(sink)
		must(err, "create "+sink)
		_, err = from.WriteTo(to)
		must(err, "get")
	} else {
		from, err := os.Open(source)
		must(err, "open "+source)
		to, err := files.Create(sink)
		must(err, "create "+sink)
		_, err = to.ReadFrom(from)
		must(err, "put")
		must(to.Close(), "close")
	}
	fmt.Println(time.Since(begun).Seconds())
}

func main() {
	operation, words := os.Args[6], os.Args[7:]
	rekeyAfter := uint64(0)
	if operation == "rekey" {
		rekeyAfter = 1000000
	}
	client := dial(os.Args[1], os.Args[2], os.Args[3], os.Args[4], os.Args[5], rekeyAfter)
	status := 0
	switch operation {
	case "exec", "pty", "rekey":
		status = run(client, words[0], operation == "pty")
	case "four":
		four(client, words[0])
	case "forward":
		forward(client, words[0])
	default:
		transfer(client, operation, words[0], words[1])
	}
	client.Close()
	os.Exit(status)
}
