package main

import (
	"context"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/kevinburke/ssh_config"
	"github.com/tidelock-io/tidelock/agent/git"
	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"
)

// usualKeys are tried if ssh's configuration names none.
var usualKeys = []string{"id_ed25519", "id_ecdsa", "id_rsa"}

// An sshUser is what ssh has on this machine: an agent, keys without passphrase,
// known hosts and a configuration.
type sshUser struct {
	home   string
	config *ssh_config.Config

	mu    sync.Mutex // guards names
	names map[string]string
}

func newSSHUser(home string) *sshUser {
	u := &sshUser{home: home, config: &ssh_config.Config{}, names: map[string]string{}}
	if f, err := os.Open(filepath.Join(home, ".ssh", "config")); err == nil {
		defer f.Close()
		if config, err := ssh_config.Decode(f); err == nil { // such as one with Match, which the library does not know
			u.config = config
		}
	}
	return u
}

// get is a setting for a host, or what it is without one.
func (u *sshUser) get(host, name, otherwise string) string {
	if value, err := u.config.Get(host, name); err == nil && value != "" {
		return value
	}
	return otherwise
}

// configure makes of the name of a host what ssh's configuration says, and knows
// the hosts that ssh knows.
func (u *sshUser) configure(repo *git.Repo) {
	user, name, port, path, ok := splitSSH(repo.URL)
	if !ok {
		return
	}
	for _, setting := range []string{"ProxyJump", "ProxyCommand"} {
		if value := u.get(name, setting, "none"); value != "none" {
			repo.Fault = "ssh's configuration asks for " + setting + ", which is not supported here: use https, or set ALL_PROXY"
		}
	}
	host := strings.ReplaceAll(u.get(name, "HostName", name), "%h", name)
	user, port = first(user, u.get(name, "User", "git")), first(port, u.get(name, "Port", ""))
	switch scp := !strings.Contains(repo.URL, "://"); {
	case scp && (port == "" || port == "22"):
		repo.URL = user + "@" + host + ":" + path
	default:
		at := &url.URL{Scheme: "ssh", Host: host, Path: "/" + strings.TrimPrefix(path, "/"), User: url.User(user)}
		if port != "" {
			at.Host = net.JoinHostPort(host, port)
		}
		repo.URL = at.String()
	}
	u.remember(host, name)
	files := strings.Fields(u.get(name, "UserKnownHostsFile", "~/.ssh/known_hosts ~/.ssh/known_hosts2"))
	files = append(files, strings.Fields(u.get(name, "GlobalKnownHostsFile", "/etc/ssh/ssh_known_hosts"))...)
	for _, file := range files {
		text, _ := os.ReadFile(u.path(file)) // without any, ssh hosts are refused
		repo.Credentials.KnownHosts += string(text) + "\n"
	}
}

// remember keeps by which name the configuration speaks of a host.
func (u *sshUser) remember(host, name string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.names[host] = name
}

func (u *sshUser) named(host string) string {
	u.mu.Lock()
	defer u.mu.Unlock()
	return first(u.names[host], host)
}

// signers are the keys of the agent, and those on disk that need no passphrase.
func (u *sshUser) signers(_, host string) ([]ssh.Signer, error) {
	name := u.named(host)
	var all []ssh.Signer
	if u.get(name, "IdentitiesOnly", "no") != "yes" {
		all = agentSigners(u.path(u.get(name, "IdentityAgent", os.Getenv("SSH_AUTH_SOCK"))))
	}
	files, _ := u.config.GetAll(name, "IdentityFile")
	if len(files) == 0 {
		for _, key := range usualKeys {
			files = append(files, "~/.ssh/"+key)
		}
	}
	for _, file := range files {
		pem, err := os.ReadFile(u.path(file))
		if err != nil {
			continue
		}
		if signer, err := ssh.ParsePrivateKey(pem); err == nil {
			all = append(all, signer)
		}
	}
	return all, nil
}

// agentSigners keep the connection to the agent, by which they sign.
func agentSigners(socket string) []ssh.Signer {
	if socket == "" || socket == "none" {
		return nil
	}
	conn, err := (&net.Dialer{}).DialContext(context.Background(), "unix", socket)
	if err != nil {
		return nil
	}
	signers, err := agent.NewClient(conn).Signers()
	if err != nil {
		conn.Close()
		return nil
	}
	return signers
}

// path is a file name of ssh's configuration.
func (u *sshUser) path(name string) string {
	name = strings.ReplaceAll(strings.Trim(name, `"`), "%d", u.home)
	if rest, ok := strings.CutPrefix(name, "~/"); ok {
		return filepath.Join(u.home, rest)
	}
	return name
}

// splitSSH takes an address of ssh apart, in either form.
func splitSSH(address string) (user, host, port, path string, ok bool) {
	if u, err := url.Parse(address); err == nil && strings.HasSuffix(u.Scheme, "ssh") {
		return u.User.Username(), u.Hostname(), u.Port(), u.Path, u.Hostname() != ""
	}
	if strings.Contains(address, "://") || filepath.IsAbs(address) {
		return "", "", "", "", false
	}
	host, path, ok = strings.Cut(address, ":")
	if before, after, has := strings.Cut(host, "@"); has {
		user, host = before, after
	}
	if !ok || host == "" || strings.Contains(host, "/") {
		return "", "", "", "", false
	}
	return user, host, "", path, true
}

func first(texts ...string) string {
	for _, text := range texts {
		if text != "" {
			return text
		}
	}
	return ""
}
