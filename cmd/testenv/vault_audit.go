package testenv

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Requests counts what Vault was asked since its first start, by its audit log:
// by operation and path, as "read secret/data/shop" or "update auth/approle/login".
// What the root token asked does not count.
func (v *Vault) Requests() (Requests, error) {
	text, err := os.ReadFile(filepath.Join(v.options.Dir, "audit.log"))
	if err != nil {
		return nil, err
	}
	counts := Requests{}
	lines := bufio.NewScanner(bytes.NewReader(text))
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		if err := counts.addVault(lines.Bytes()); err != nil {
			return nil, fmt.Errorf("vault's audit log: %w", err)
		}
	}
	return counts, lines.Err()
}

func (r Requests) addVault(line []byte) error {
	var entry struct {
		Type string `json:"type"`
		Auth struct {
			DisplayName string `json:"display_name"`
		} `json:"auth"`
		Request struct {
			Operation string `json:"operation"`
			Path      string `json:"path"`
		} `json:"request"`
	}
	if err := json.Unmarshal(line, &entry); err != nil {
		return err
	}
	if entry.Type == "request" && entry.Auth.DisplayName != "root" {
		r[entry.Request.Operation+" "+entry.Request.Path]++
	}
	return nil
}

// Matching is the number of those that contain a text.
func (r Requests) Matching(text string) (n int) {
	for request, count := range r {
		if strings.Contains(request, text) {
			n += count
		}
	}
	return n
}
