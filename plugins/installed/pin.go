package installed

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// pin reads the program's checksum and compares it with the one that is wanted,
// now and before each start.
func (p *Plugin) pin(want string, o Options) error {
	sum, err := sumOf(p.Program)
	if err != nil {
		return fmt.Errorf("%s: %w", p.File, err)
	}
	p.Checksum, p.Pinned = sum, want != ""
	switch {
	case want == "" && o.RequireChecksums:
		return fmt.Errorf("%s: it is not pinned, and --require-plugin-checksums is set: check the program, and state sha256: %s", p.File, sum)
	case want == "":
		p.Warnings = append(p.Warnings, "it is not pinned by a checksum: check the program, and state sha256: "+sum)
		return nil
	}
	p.Spec.Verify = func() error { return p.verify(want) }
	return p.verify(want)
}

func (p *Plugin) verify(want string) error {
	sum, err := sumOf(p.Program)
	if err == nil && sum != want {
		err = fmt.Errorf("%s has the checksum %s, %s wants %s: install the program that was checked, or check this one", p.Program, sum, p.File, want)
	}
	return err
}

func sumOf(file string) (string, error) {
	f, err := os.Open(file)
	if errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("there is no program %s", file)
	}
	if err != nil {
		return "", err
	}
	defer f.Close()
	switch info, err := f.Stat(); {
	case err != nil:
		return "", err
	case !info.Mode().IsRegular():
		return "", fmt.Errorf("%s is no program", file)
	}
	sum := sha256.New()
	if _, err := io.Copy(sum, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}
