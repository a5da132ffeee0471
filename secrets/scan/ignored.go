package scan

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
)

// IgnoreFile lists fingerprints of findings that are known, at the root of a
// repository.
const IgnoreFile = ".gitleaksignore"

// Ignored are findings that are known.
type Ignored struct{ fingerprints map[string]bool }

func (i *Ignored) add(fingerprint string) {
	if i.fingerprints == nil {
		i.fingerprints = map[string]bool{}
	}
	i.fingerprints[fingerprint] = true
}

// AddFile reads a .gitleaksignore.
func (i *Ignored) AddFile(text []byte) {
	for line := range bytes.Lines(text) {
		entry := strings.ReplaceAll(strings.TrimSpace(string(line)), `\`, "/")
		if entry != "" && !strings.HasPrefix(entry, "#") {
			i.add(entry)
		}
	}
}

// AddBaseline reads a report of former findings: ours, or gitleaks', as JSON.
func (i *Ignored) AddBaseline(text []byte) error {
	var former []struct {
		Fingerprint string // both spell it so, but for case
	}
	if err := json.Unmarshal(text, &former); err != nil {
		return fmt.Errorf("it is no report of findings as JSON")
	}
	for _, f := range former {
		if f.Fingerprint == "" {
			return fmt.Errorf("it is no report of findings: one has no fingerprint")
		}
		i.add(f.Fingerprint)
	}
	return nil
}

// has says whether a finding is known, at its commit or at any.
func (i Ignored) has(f Finding) bool {
	if i.fingerprints[f.Fingerprint] {
		return true
	}
	_, anywhere, ok := strings.Cut(f.Fingerprint, ":")
	return ok && f.Commit != "" && i.fingerprints[anywhere]
}
