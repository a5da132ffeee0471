package main

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"os"
	"sync"

	"github.com/tidelock-io/tidelock/secrets"
)

// maxSecretFile is longer than any secret of a webhook.
const maxSecretFile = 64 << 10

// readSecretFile reads a file with a secret; none if there is no name. One that holds
// nothing is a mistake: what is to be signed would be taken without a signature.
func readSecretFile(name string) (secrets.Value, error) {
	if name == "" {
		return secrets.Value{}, nil
	}
	file, err := os.Open(name)
	if err != nil {
		return secrets.Value{}, err
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxSecretFile+1))
	text = bytes.TrimSpace(text)
	switch {
	case err != nil:
		return secrets.Value{}, err
	case len(text) == 0:
		return secrets.Value{}, fmt.Errorf("%s holds nothing", name)
	case len(text) > maxSecretFile:
		return secrets.Value{}, fmt.Errorf("%s is longer than %d bytes", name, maxSecretFile)
	}
	return secrets.New(text), nil
}

// A secretFile is a file with a secret that may change at any time, as that of a mounted
// Secret does: another one is put in its place. If it cannot be read any more, the last
// secret stays. It is safe for concurrent use.
type secretFile struct {
	log *slog.Logger

	mu      sync.Mutex // guards all below
	name    string     // "" if there is none
	glance  glance
	current secrets.Value
	wrong   string
}

func newSecretFile(name string, log *slog.Logger) *secretFile {
	f := &secretFile{log: log}
	f.follow(name)
	return f
}

// follow reads another file from now on.
func (f *secretFile) follow(name string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.name, f.glance = name, glance{}
	f.read()
}

// value returns the secret, and whether there is a file for it.
func (f *secretFile) value() (given secrets.Value, named bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.read()
	return f.current, f.name != ""
}

// look reads the file if it has changed, so that what is wrong with it is said before
// the secret is asked for.
func (f *secretFile) look() { f.value() }

// unreadable says that the secret is one that was read before.
func (f *secretFile) unreadable() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.wrong != ""
}

// read reads the file if it is another one than before. The caller holds f.mu.
func (f *secretFile) read() {
	if f.name == "" {
		f.current, f.wrong = secrets.Value{}, ""
		return
	}
	now, news, err := f.glance.news(f.name)
	if !news {
		return
	}
	var next secrets.Value
	if err == nil {
		next, err = readSecretFile(f.name)
	}
	if err != nil {
		if text := err.Error(); text != f.wrong {
			f.wrong = text
			f.log.Error("the file of --webhook-secret-file cannot be read, and the last secret stays", "error", text)
		}
		return
	}
	f.wrong, f.current = "", next
	f.glance.seen(now)
}
