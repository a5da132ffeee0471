package git

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"io"
	"net"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/skeema/knownhosts"
	"github.com/tidelock-io/tidelock/secrets"
	"golang.org/x/crypto/ssh"
	xknownhosts "golang.org/x/crypto/ssh/knownhosts"
)

func newKey(t *testing.T) (ssh.Signer, []byte) {
	_, private, err := ed25519.GenerateKey(rand.Reader)
	must(t, err)
	signer, err := ssh.NewSignerFromKey(private)
	must(t, err)
	block, err := ssh.MarshalPrivateKey(private, "")
	must(t, err)
	return signer, pem.EncodeToMemory(block)
}

// serveSSH runs git-upload-pack for whoever has the key, or the password "open".
func (u *upstream) serveSSH(t *testing.T, host ssh.Signer, user ssh.PublicKey) (address string) {
	config := &ssh.ServerConfig{
		PublicKeyCallback: func(c ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
			if c.User() != "git" || string(key.Marshal()) != string(user.Marshal()) {
				return nil, errors.New("unknown key")
			}
			return nil, nil
		},
		PasswordCallback: func(_ ssh.ConnMetadata, password []byte) (*ssh.Permissions, error) {
			if string(password) != "open" {
				return nil, errors.New("wrong password")
			}
			return nil, nil
		},
	}
	config.AddHostKey(host)
	return listen(t, func(conn net.Conn) {
		_, channels, requests, err := ssh.NewServerConn(conn, config)
		if err != nil {
			return
		}
		go ssh.DiscardRequests(requests)
		for offer := range channels {
			channel, requests, err := offer.Accept()
			if err != nil {
				return
			}
			for r := range requests {
				if r.Type == "exec" {
					_ = r.Reply(true, nil)
					u.exec(channel, string(r.Payload[4:]))
					break
				}
				_ = r.Reply(false, nil)
			}
		}
	})
}

func (u *upstream) exec(channel ssh.Channel, command string) {
	defer channel.Close()
	if path, ok := strings.CutPrefix(command, "git-lfs-authenticate "); ok && u.authenticate != nil {
		u.authenticate(channel, path)
		_, _ = channel.SendRequest("exit-status", false, ssh.Marshal(struct{ Status uint32 }{}))
		return
	}
	path, ok := strings.CutPrefix(command, "git-upload-pack ")
	if !ok {
		return
	}
	cmd := exec.Command("git", "upload-pack", u.base+strings.Trim(path, "'"))
	cmd.Stdout, cmd.Stderr = channel, channel.Stderr()
	stdin, err := cmd.StdinPipe() // unlike Stdin, nobody waits for its end
	if err != nil || cmd.Start() != nil {
		return
	}
	go func() { _, _ = io.Copy(stdin, channel) }()
	status := ssh.Marshal(struct{ Status uint32 }{})
	if cmd.Wait() != nil {
		status = ssh.Marshal(struct{ Status uint32 }{128})
	}
	_, _ = channel.SendRequest("exit-status", false, status)
}

func listen(t *testing.T, serve func(net.Conn)) (address string) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				serve(conn)
			}()
		}
	}()
	return l.Addr().String()
}

func TestSSH(t *testing.T) {
	u := newUpstream(t)
	first := u.commit(map[string]string{"a": "1"})
	host, _ := newKey(t)
	user, private := newKey(t)
	_, other := newKey(t)
	address := u.serveSSH(t, host, user.PublicKey())
	known := knownhosts.Line([]string{address}, host.PublicKey())
	impostor, _ := newKey(t)
	key := secrets.New(private)

	for _, tt := range []struct {
		name, path  string
		credentials Credentials
		kind        error
		says        string
	}{
		{"key", "/shop.git", Credentials{SSHPrivateKey: key, KnownHosts: known}, nil, ""},
		{"password", "/shop.git", Credentials{Password: secrets.New([]byte("open")), KnownHosts: known}, nil, ""},
		{"any host", "/shop.git", Credentials{SSHPrivateKey: key, InsecureIgnoreHostKey: true}, nil, ""},
		{"another key", "/shop.git", Credentials{SSHPrivateKey: secrets.New(other), KnownHosts: known}, ErrAuth, "does not accept the SSH key"},
		{"no key", "/shop.git", Credentials{KnownHosts: known}, ErrAuth, "no SSH private key"},
		{"rubbish for a key", "/shop.git", Credentials{SSHPrivateKey: secrets.New([]byte("-----BEGIN hunter22")), KnownHosts: known}, ErrAuth, "not one in PEM"},
		{"unknown host", "/shop.git", Credentials{SSHPrivateKey: key}, ErrAuth, "host key is unknown"},
		{"another host", "/shop.git", Credentials{SSHPrivateKey: key, KnownHosts: knownhosts.Line([]string{address}, impostor.PublicKey())}, ErrAuth, "not the known one"},
		{"rubbish for known hosts", "/shop.git", Credentials{SSHPrivateKey: key, KnownHosts: "rubbish\n"}, ErrAuth, "known hosts"},
		{"no repository", "/other.git", Credentials{SSHPrivateKey: key, KnownHosts: known}, ErrRepository, "no such repository"},
		{"quotes", "/it's;id", Credentials{SSHPrivateKey: key, KnownHosts: known}, ErrRepository, "no such repository"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newStore(t, Options{})
			repo := Repo{URL: "ssh://git@" + address + tt.path, Credentials: tt.credentials}
			sha, err := s.Resolve(t.Context(), repo, "main")
			if !errors.Is(err, tt.kind) || err != nil && (!strings.Contains(err.Error(), tt.says) || strings.Contains(err.Error(), "hunter")) {
				t.Fatalf("got %v, want %v with %q", err, tt.kind, tt.says)
			}
			if tt.kind == nil && (sha != first || content(t, tree(t, s, repo, sha), "a") != "1") {
				t.Errorf("got %s, want %s", sha, first)
			}
		})
	}

	s := newStore(t, Options{})
	repo := Repo{URL: "ssh://git@" + address + "/shop.git", Credentials: Credentials{SSHPrivateKey: key, KnownHosts: known}}
	tree(t, s, repo, first)
	second := u.commit(map[string]string{"a": "2"})
	if got := content(t, tree(t, s, repo, resolve(t, s, repo, "")), "a"); got != "2" {
		t.Errorf("after %s: %q", second, got)
	}
}

// A server that says nothing holds up nobody for longer than the deadline.
func TestSSHSilence(t *testing.T) {
	address := listen(t, func(conn net.Conn) { _, _ = io.Copy(io.Discard, conn) })
	s := newStore(t, Options{ListTimeout: 200 * time.Millisecond})
	_, private := newKey(t)
	repo := Repo{URL: "ssh://git@" + address + "/shop.git", Credentials: Credentials{SSHPrivateKey: secrets.New(private), InsecureIgnoreHostKey: true}}
	for range 2 {
		_, err := s.Resolve(t.Context(), repo, "main")
		if !errors.Is(err, ErrRepository) || !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "no answer in time") {
			t.Errorf("got %v", err)
		}
	}
}

// 2.8 argocd-ssh-known-hosts-cm: all the ways in which known_hosts names a host.
func TestKnownHosts(t *testing.T) {
	u := newUpstream(t)
	u.commit(map[string]string{"a": "1"})
	user, private := newKey(t)
	host, _ := newKey(t)
	authority, _ := newKey(t)
	certified := certify(t, host, authority, "127.0.0.1")
	elsewhere := certify(t, host, authority, "git.example.com")
	plain := u.serveSSH(t, host, user.PublicKey())
	signed := u.serveSSH(t, certified, user.PublicKey())
	misnamed := u.serveSSH(t, elsewhere, user.PublicKey())
	text := func(key ssh.PublicKey) string { return strings.TrimSpace(string(ssh.MarshalAuthorizedKey(key))) }
	key, ca := text(host.PublicKey()), text(authority.PublicKey())
	impostor, _ := newKey(t)
	at := func(address string) string { return "[127.0.0.1]" + address[strings.LastIndexByte(address, ':'):] }

	for _, tt := range []struct {
		name, address, lines string
		good                 bool
	}{
		{"host and port", plain, at(plain) + " " + key, true},
		{"several names, comments", plain, "# hosts\n\ngit.example.com," + at(plain) + " " + key + " a comment\n", true},
		{"several keys", plain, at(plain) + " " + text(impostor.PublicKey()) + "\n" + at(plain) + " " + key, true},
		{"hashed", plain, xknownhosts.HashHostname(at(plain)) + " " + key, true},
		{"hashed, another", plain, xknownhosts.HashHostname("[127.0.0.2]:22") + " " + key, false},
		{"without the port", plain, "127.0.0.1 " + key, true},
		{"without the port, hashed", plain, xknownhosts.HashHostname("127.0.0.1") + " " + key, true},
		{"without the port, another key", plain, "127.0.0.1 " + text(impostor.PublicKey()), false},
		{"another port", plain, "[127.0.0.1]:1 " + key, false},
		{"wildcard", plain, "127.0.0.* " + key, true},
		{"wildcard for all", plain, "* " + key, true},
		{"wildcard with the port", plain, "[127.0.0.*]" + plain[strings.LastIndexByte(plain, ':'):] + " " + key, true},
		{"question mark", plain, "127.0.0.? " + key, true},
		{"wildcard elsewhere", plain, "*.example.com " + key, false},
		{"but not this", plain, "!127.0.0.1,* " + key, false},
		{"revoked", plain, at(plain) + " " + key + "\n@revoked * " + key, false},
		{"authority", signed, "@cert-authority * " + ca, true},
		{"authority of the host", signed, "@cert-authority " + at(signed) + " " + ca, true},
		{"authority without the port", signed, "@cert-authority 127.0.0.1 " + ca, true},
		{"authority of others", signed, "@cert-authority *.example.com " + ca, false},
		{"another authority", signed, "@cert-authority * " + key, false},
		{"authority, no certificate", plain, "@cert-authority * " + ca, false},
		{"certificate of another name", misnamed, "@cert-authority * " + ca, false},
		{"nothing", plain, "", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			repo := Repo{URL: "ssh://git@" + tt.address + "/shop.git", Credentials: Credentials{SSHPrivateKey: secrets.New(private), KnownHosts: tt.lines}}
			_, err := newStore(t, Options{}).Resolve(t.Context(), repo, "main")
			if (err == nil) != tt.good || err != nil && !errors.Is(err, ErrAuth) {
				t.Errorf("got %v, want accepted %v", err, tt.good)
			}
		})
	}
}

// certify makes a host key show a certificate.
func certify(t *testing.T, host, authority ssh.Signer, name string) ssh.Signer {
	cert := &ssh.Certificate{Key: host.PublicKey(), CertType: ssh.HostCert, ValidPrincipals: []string{name}, ValidBefore: ssh.CertTimeInfinity}
	must(t, cert.SignCert(rand.Reader, authority))
	signer, err := ssh.NewCertSigner(cert, host)
	must(t, err)
	return signer
}
