package main

import (
	"bufio"
	"bytes"
	"context"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/tidelock-io/tidelock/agent/git"
	"github.com/tidelock-io/tidelock/secrets"
)

// helperTimeout is how long git's credential helpers may take.
const helperTimeout = 20 * time.Second

// A gitUser is how the person at the keyboard gets in to repositories: by what
// git and ssh have on this machine. The agent has none.
type gitUser struct {
	home     string
	ssh      *sshUser
	personal *git.Personal
}

func newGitUser() *gitUser {
	home, err := os.UserHomeDir()
	if err != nil {
		home = os.DevNull // in which nothing lies
	}
	u := &gitUser{home: home, ssh: newSSHUser(home)}
	u.personal = &git.Personal{Password: u.password, Signers: u.ssh.signers}
	return u
}

// repo reaches a repository as git would here.
func (u *gitUser) repo(address string) git.Repo {
	repo := git.Repo{URL: address, LFS: true}
	repo.Credentials.Personal = u.personal
	u.ssh.configure(&repo)
	return repo
}

// address is what ssh's configuration makes of one.
func (u *gitUser) address(of string) string { return u.repo(of).URL }

// password looks into .netrc, as curl does for git, and asks git's helpers.
func (u *gitUser) password(address string) (user string, password secrets.Value, ok bool) {
	at, err := url.Parse(address)
	if err != nil || at.Host == "" {
		return "", secrets.Value{}, false
	}
	file := os.Getenv("NETRC")
	if file == "" {
		file = filepath.Join(u.home, ".netrc")
	}
	if text, err := os.ReadFile(file); err == nil {
		if user, password, ok := netrc(text, at.Hostname()); ok {
			return user, secrets.New([]byte(password)), true
		}
	}
	return u.helpers(at)
}

// helpers runs "git credential fill" so that it asks nobody. It runs at home, not
// in a directory whose configuration may be anybody's.
func (u *gitUser) helpers(at *url.URL) (user string, password secrets.Value, ok bool) {
	ctx, cancel := context.WithTimeout(context.Background(), helperTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, "git", "credential", "fill")
	cmd.Dir = u.home
	cmd.Env = append(os.Environ(), "GIT_TERMINAL_PROMPT=0", "GIT_ASKPASS=", "GCM_INTERACTIVE=never")
	cmd.WaitDelay = time.Second
	cmd.Stdin = strings.NewReader("protocol=" + at.Scheme + "\nhost=" + at.Host + "\npath=" + strings.TrimPrefix(at.Path, "/") + "\n\n")
	if strings.ContainsAny(at.Host+at.Path, "\r\n\x00") {
		return "", secrets.Value{}, false
	}
	out, err := cmd.Output()
	if err != nil {
		return "", secrets.Value{}, false // no git, or no helper that knows
	}
	var found string
	for lines := bufio.NewScanner(bytes.NewReader(out)); lines.Scan(); {
		switch name, value, _ := strings.Cut(lines.Text(), "="); name {
		case "username":
			user = value
		case "password":
			found, ok = value, true
		}
	}
	return user, secrets.New([]byte(found)), ok
}

// netrc finds the entry of a host, or the default one.
func netrc(text []byte, host string) (user, password string, ok bool) {
	words := bufio.NewScanner(bytes.NewReader(withoutMacros(text)))
	words.Split(bufio.ScanWords)
	next := func() string { words.Scan(); return words.Text() }
	matches := false
	for words.Scan() {
		switch words.Text() {
		case "machine", "default":
			if ok {
				return user, password, true
			}
			matches = words.Text() == "default" || strings.EqualFold(next(), host)
		case "login":
			if value := next(); matches {
				user = value
			}
		case "password":
			if value := next(); matches {
				password, ok = value, true
			}
		}
	}
	return user, password, ok
}

// withoutMacros takes out macdefs, which end with an empty line.
func withoutMacros(text []byte) []byte {
	var kept bytes.Buffer
	inside := false
	for line := range bytes.Lines(text) {
		trimmed := bytes.TrimSpace(line)
		switch {
		case bytes.HasPrefix(trimmed, []byte("macdef")):
			inside = true
		case len(trimmed) == 0:
			inside = false
		case bytes.HasPrefix(trimmed, []byte("#")):
		case !inside:
			kept.Write(line)
		}
	}
	return kept.Bytes()
}
