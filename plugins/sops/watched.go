package sops

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/getsops/sops/v3"
)

// watched notes which value cannot be decrypted.
type watched struct {
	sops.Cipher
	key          []byte
	path, broken string // of the last that failed
	failed       bool
}

// Decrypt decrypts one value. Additional is the path of its keys: "a:b:".
func (w *watched) Decrypt(ciphertext string, key []byte, additional string) (any, error) {
	plain, err := w.Cipher.Decrypt(ciphertext, key, additional)
	if err != nil {
		w.path, w.broken, w.failed = additional, ciphertext, true
	}
	return plain, err
}

// verdict tells which value was touched, and how. The branches are as far
// decrypted as was possible.
func (w *watched) verdict(branches sops.TreeBranches) error {
	if !w.failed {
		return fmt.Errorf("%w: a value that ought to be encrypted is none that SOPS wrote", ErrDamaged)
	}
	at := dotted(w.path)
	if !strings.HasPrefix(w.broken, "ENC[AES256_GCM,data:") || !strings.HasSuffix(w.broken, "]") {
		return fmt.Errorf("%w: %s ought to be encrypted and is not, or was cut off: was it edited without sops?", ErrDamaged, at)
	}
	if from, ok := w.home(branches); ok {
		return fmt.Errorf("%w: %s holds what was encrypted as %s: values were swapped, or keys renamed", ErrDamaged, at, dotted(from))
	}
	return fmt.Errorf("%w: %s was changed", ErrDamaged, at)
}

// home looks for the path that the value was encrypted for.
func (w *watched) home(branches sops.TreeBranches) (path string, ok bool) {
	const most = 10_000 // paths; each costs one decryption
	tried := map[string]bool{}
	for _, branch := range branches {
		for _, path := range paths(nil, branch, "", 0) {
			if len(tried) < most && !tried[path] {
				tried[path] = true
				if _, err := w.Cipher.Decrypt(w.broken, w.key, path); err == nil {
					return path, true
				}
			}
		}
	}
	return "", false
}

// paths lists the paths of leaves, as SOPS authenticates them: items of a list
// have that of the list.
func paths(to []string, value any, at string, depth int) []string {
	const deepest = 100
	if depth > deepest {
		return to
	}
	switch value := value.(type) {
	case sops.TreeBranch:
		for _, item := range value {
			if key, ok := item.Key.(string); ok {
				to = paths(to, item.Value, at+key+":", depth+1)
			}
		}
	case []any:
		for _, item := range value {
			to = paths(to, item, at, depth+1)
		}
	default:
		to = append(to, at)
	}
	return to
}

// dotted prints a path for people. Keys are not secret: SOPS leaves them plain.
func dotted(path string) string {
	path = strings.TrimSuffix(path, ":")
	if path == "" {
		return "a value"
	}
	const longest = 200
	if len(path) > longest {
		path = path[:longest] + "..."
	}
	return strconv.Quote(strings.ReplaceAll(path, ":", "."))
}
