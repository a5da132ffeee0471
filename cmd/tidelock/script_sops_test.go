package main

import (
	"os"
	"os/exec"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

// gpgkey makes a home of gpg with a key, without a passphrase, and sets $GNUPGHOME
// and $FINGERPRINT.
func gpgkey(ts *testscript.TestScript, _ bool, _ []string) {
	home, err := os.MkdirTemp("/tmp", "gpg") // the path of a socket must be short
	ts.Check(err)
	ts.Setenv("GNUPGHOME", home)
	gpg := func(args ...string) string {
		out, err := exec.Command("gpg", append([]string{"--homedir", home, "--batch", "--quiet", "--pinentry-mode", "loopback", "--passphrase", ""}, args...)...).Output()
		ts.Check(err)
		return string(out)
	}
	ts.Defer(func() {
		_ = exec.Command("gpgconf", "--homedir", home, "--kill", "all").Run() // it ends by itself when its home is gone
		os.RemoveAll(home)
	})
	gpg("--quick-gen-key", "Shop <shop@example.com>", "default", "default", "never")
	for line := range strings.Lines(gpg("--list-keys", "--with-colons")) {
		if fields := strings.Split(line, ":"); fields[0] == "fpr" {
			ts.Setenv("FINGERPRINT", fields[9])
			return
		}
	}
}
