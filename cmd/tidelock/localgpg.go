package main

import (
	"cmp"
	"context"
	"errors"
	"os"
	"os/exec"
	"strings"

	"github.com/tidelock-io/tidelock/plugins/sdk"
	"github.com/tidelock-io/tidelock/plugins/sops"
)

// askGPG has gpg open the data keys of a file that are encrypted for PGP: gpg's
// agent holds a person's secret keys, asks for passphrases and reads smart cards,
// and gives none of them away. It is an open.Source.
func askGPG(ctx context.Context, req *sdk.DecryptRequest) (sdk.Key, bool, error) {
	return sops.AskPGP(req, func(message string) ([]byte, error) {
		program, err := exec.LookPath(cmp.Or(os.Getenv("SOPS_GPG_EXEC"), "gpg"))
		if err != nil {
			return nil, errors.New("gpg is not installed")
		}
		cmd := exec.CommandContext(ctx, program, "--decrypt", "--quiet") //nolint:gosec // gpg, or what the person says it is
		cmd.Stdin = strings.NewReader(message)
		var said strings.Builder
		cmd.Stderr = &said
		part, err := cmd.Output()
		if err != nil {
			return nil, errors.New(lastLine(said.String(), err))
		}
		return part, nil
	})
}

// lastLine is what gpg said at the end: "decryption failed: No secret key".
func lastLine(said string, err error) string {
	lines := strings.Split(strings.TrimSpace(said), "\n")
	return cmp.Or(strings.TrimSpace(strings.TrimPrefix(lines[len(lines)-1], "gpg:")), err.Error())
}
