package main

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/cgi"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/skeema/knownhosts"
	"github.com/tidelock-io/tidelock/agent/git"
	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"
)

// laptop is a home directory, and a bare repository that servers give out.
type laptop struct {
	t          *testing.T
	home, base string
	head       string
}

func newLaptop(t *testing.T) *laptop {
	l := &laptop{t: t, home: t.TempDir(), base: t.TempDir()}
	for name, value := range map[string]string{
		"HOME": l.home, "NETRC": "", "SSH_AUTH_SOCK": "", "GIT_CONFIG_SYSTEM": os.DevNull, "GIT_CONFIG_GLOBAL": filepath.Join(l.home, ".gitconfig"),
		"XDG_CONFIG_HOME": l.home, "GIT_ASKPASS": "/bin/false", "DISPLAY": "",
	} {
		t.Setenv(name, value)
	}
	l.git("init", "-q", "--bare", "-b", "main", "shop.git")
	tree := l.git("-C", "shop.git", "hash-object", "-t", "tree", "-w", os.DevNull)
	l.head = l.git("-C", "shop.git", "-c", "user.name=a", "-c", "user.email=a@example.com", "commit-tree", "-m", "x", tree)
	l.git("-C", "shop.git", "update-ref", "refs/heads/main", l.head)
	return l
}

func (l *laptop) git(args ...string) string {
	l.t.Helper()
	cmd := exec.Command("git", args...)
	cmd.Dir = l.base
	out, err := cmd.CombinedOutput()
	if err != nil {
		l.t.Fatalf("git %v: %v\n%s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

func (l *laptop) write(name, text string) {
	l.t.Helper()
	file := filepath.Join(l.home, name)
	if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o700), os.WriteFile(file, []byte(text), 0o600)); err != nil {
		l.t.Fatal(err)
	}
}

// resolve is what a command does with the address of an Application.
func (l *laptop) resolve(address string) (string, error) {
	l.t.Helper()
	store, err := git.NewStore(l.t.TempDir(), git.Options{})
	if err != nil {
		l.t.Fatal(err)
	}
	defer store.Close()
	keys, err := newLocalKeys(nil)
	if err != nil {
		l.t.Fatal(err)
	}
	return store.Resolve(l.t.Context(), keys.Repo(address, ""), "main")
}

// serveHTTP wants bob with hunter22, if secured.
func (l *laptop) serveHTTP(secured bool) string {
	backend := &cgi.Handler{
		Path: filepath.Join(l.git("--exec-path"), "git-http-backend"), Stderr: io.Discard,
		Env: []string{"GIT_PROJECT_ROOT=" + l.base, "GIT_HTTP_EXPORT_ALL=1"},
	}
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if user, password, _ := r.BasicAuth(); secured && (user != "bob" || password != "hunter22") {
			w.Header().Set("WWW-Authenticate", "Basic")
			http.Error(w, "no", http.StatusUnauthorized)
			return
		}
		backend.ServeHTTP(w, r)
	}))
	l.t.Cleanup(web.Close)
	return web.URL
}

// A server that asks gets what git's helpers or .netrc have for it; one that does
// not ask gets nothing, and no helper is bothered.
func TestLaptopPasswords(t *testing.T) {
	l := newLaptop(t)
	secured, open := l.serveHTTP(true), l.serveHTTP(false)
	helper := func(password string) string {
		return "[credential \"" + secured + "\"]\n\thelper = \"!f() { echo asked >> " + l.home + "/asked; echo username=bob; echo password=" + password + "; }; f\"\n"
	}
	for _, tt := range []struct {
		name, url, gitconfig, netrc string
		good                        bool
		asked                       string
	}{
		{"helper", secured, helper("hunter22"), "", true, "asked\n"},
		{"wrong helper", secured, helper("hunter23"), "", false, "asked\n"},
		{"no helper", secured, "", "", false, ""},
		{"netrc", secured, "", "machine other login x password y\nmachine 127.0.0.1\n  login bob\n  password hunter22\n", true, ""},
		{"netrc, another host", secured, "", "machine example.com login bob password hunter22\n", false, ""},
		{"netrc first", secured, helper("hunter23"), "default login bob password hunter22\n", true, ""},
		{"nobody asks", open, helper("hunter22"), "", true, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l.write(".gitconfig", tt.gitconfig)
			l.write(".netrc", tt.netrc)
			l.write("asked", "")
			sha, err := l.resolve(tt.url + "/shop.git")
			if (sha == l.head) != tt.good || !tt.good && (!errors.Is(err, git.ErrAuth) || strings.Contains(err.Error(), "hunter")) {
				t.Errorf("got %s, %v", sha, err)
			}
			if asked, _ := os.ReadFile(filepath.Join(l.home, "asked")); string(asked) != tt.asked {
				t.Errorf("the helper was asked: %q, want %q", asked, tt.asked)
			}
		})
	}
}

func TestNetrc(t *testing.T) {
	const text = "# mine\nmacdef init\nmachine trap login x password y\n\nmachine a login u password p\nmachine B.example login v account z password q default login w password r\n"
	for host, want := range map[string]string{"a": "u:p", "b.example": "v:q", "trap": "w:r", "c": "w:r"} {
		user, password, ok := netrc([]byte(text), host)
		if got := user + ":" + password; !ok || got != want {
			t.Errorf("%s: got %s, want %s", host, got, want)
		}
	}
	if _, _, ok := netrc([]byte("machine a login u"), "a"); ok {
		t.Error("an entry without a password is one")
	}
}

func newSSHKey(t *testing.T) (private ed25519.PrivateKey, signer ssh.Signer, text string) {
	t.Helper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	signer, err = ssh.NewSignerFromKey(private)
	block, err2 := ssh.MarshalPrivateKey(private, "")
	if err := errors.Join(err, err2); err != nil {
		t.Fatal(err)
	}
	return private, signer, string(pem.EncodeToMemory(block))
}

// serveSSH runs git upload-pack for git with the key.
func (l *laptop) serveSSH(host ssh.Signer, user ssh.PublicKey) string {
	config := &ssh.ServerConfig{PublicKeyCallback: func(c ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
		if c.User() != "git" || string(key.Marshal()) != string(user.Marshal()) {
			return nil, errors.New("unknown key")
		}
		return nil, nil
	}}
	config.AddHostKey(host)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		l.t.Fatal(err)
	}
	l.t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go l.session(conn, config)
		}
	}()
	return listener.Addr().String()
}

func (l *laptop) session(conn net.Conn, config *ssh.ServerConfig) {
	defer conn.Close()
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
			_ = r.Reply(r.Type == "exec", nil)
			if r.Type == "exec" {
				cmd := exec.Command("git", "upload-pack", filepath.Join(l.base, "shop.git"))
				cmd.Stdin, cmd.Stdout = channel, channel
				cmd.WaitDelay = 1
				_ = cmd.Run()
				channel.Close()
			}
		}
	}
}

// By ssh the keys are those of the agent and of ~/.ssh, and hosts are what ssh's
// configuration makes of them.
func TestLaptopSSH(t *testing.T) {
	l := newLaptop(t)
	_, host, _ := newSSHKey(t)
	private, user, text := newSSHKey(t)
	_, _, other := newSSHKey(t)
	address := l.serveSSH(host, user.PublicKey())
	_, port, _ := net.SplitHostPort(address)
	known := knownhosts.Line([]string{address}, host.PublicKey()) + "\n"

	ring := agent.NewKeyring()
	if err := ring.Add(agent.AddedKey{PrivateKey: private}); err != nil {
		t.Fatal(err)
	}
	socket := filepath.Join(l.home, "agent")
	listener, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() { _ = agent.ServeAgent(ring, conn) }()
		}
	}()

	direct := "ssh://git@" + address + "/shop.git"
	for _, tt := range []struct {
		name, url, socket string
		files             map[string]string
		says              string // of the error; "" is none
	}{
		{"agent", direct, socket, map[string]string{".ssh/known_hosts": known}, ""},
		{"key", direct, "", map[string]string{".ssh/known_hosts": known, ".ssh/id_ed25519": text}, ""},
		{"wrong key, then the agent's", direct, socket, map[string]string{".ssh/known_hosts": known, ".ssh/id_rsa": other}, ""},
		{"no key", direct, "", map[string]string{".ssh/known_hosts": known}, "does not accept the SSH key"},
		{"unknown host", direct, socket, nil, "host key is unknown"},
		{"alias", "shop:shop.git", "", map[string]string{
			".ssh/config": "Host shop\n  HostName 127.0.0.1\n  Port " + port + "\n  User git\n  IdentityFile ~/.ssh/work\n  UserKnownHostsFile ~/.ssh/work_hosts\n",
			".ssh/work":   text, ".ssh/work_hosts": known,
		}, ""},
		{"jump", direct, socket, map[string]string{".ssh/known_hosts": known, ".ssh/config": "Host *\n  ProxyJump bastion\n"}, "ProxyJump, which is not supported"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if err := os.RemoveAll(filepath.Join(l.home, ".ssh")); err != nil {
				t.Fatal(err)
			}
			for name, text := range tt.files {
				l.write(name, text)
			}
			t.Setenv("SSH_AUTH_SOCK", tt.socket)
			sha, err := l.resolve(tt.url)
			if tt.says == "" && sha != l.head || tt.says != "" && (err == nil || !strings.Contains(err.Error(), tt.says)) {
				t.Errorf("got %s, %v, want %q", sha, err, tt.says)
			}
		})
	}
}

func TestSSHAddresses(t *testing.T) {
	l := newLaptop(t)
	l.write(".ssh/config", "Host work\n  HostName git.example.com\nHost port\n  Port 2222\n")
	u := newGitUser()
	for address, want := range map[string]string{
		"git@work:org/shop.git":          "git@git.example.com:org/shop.git",
		"work:org/shop.git":              "git@git.example.com:org/shop.git",
		"ssh://me@work/org/shop":         "ssh://me@git.example.com/org/shop",
		"ssh://git@port/org/shop":        "ssh://git@port:2222/org/shop",
		"ssh://git@port:22/org/shop":     "ssh://git@port:22/org/shop",
		"git@port:org/shop":              "ssh://git@port:2222/org/shop",
		"git@other.example.com:org/shop": "git@other.example.com:org/shop",
		"https://work/org/shop":          "https://work/org/shop",
		"./work:x":                       "./work:x",
		"/srv/work:x":                    "/srv/work:x",
	} {
		if got := u.repo(address).URL; got != want {
			t.Errorf("%s: got %s, want %s", address, got, want)
		}
	}
	in := &renderInput{alias: u.address, worktrees: []worktree{{root: "/here", remotes: []string{"git@work:org/shop.git"}}}}
	if dir, ok := in.checkout(u.address("git@work:org/shop")); !ok || dir != "/here" {
		t.Errorf("a checkout of an alias does not stand in for its repository: %q", dir)
	}
}
