package main

import (
	"bytes"
	"encoding/base64"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestValidateTellsNoSecret validates every repository of testdata/validate that
// has the canary in it, in clear or encoded, in all formats: it is found, and is in
// none of them.
func TestValidateTellsNoSecret(t *testing.T) {
	whole(t)
	t.Parallel()
	const canary = "hunter2-canary"
	encoded := base64.StdEncoding.EncodeToString([]byte(canary))
	archives, err := filepath.Glob("testdata/validate/*/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for _, archive := range archives {
		text, err := os.ReadFile(archive)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Contains(text, []byte(canary)) && !bytes.Contains(text, []byte(encoded)) {
			continue
		}
		seen++
		t.Run(strings.TrimSuffix(filepath.Base(archive), ".txtar"), func(t *testing.T) {
			t.Parallel()
			work, args, _ := unpackRepository(t, archive)
			for _, format := range []string{"", "json", "sarif", "junit", "github"} {
				root := newRootCommand()
				root.SetArgs(append([]string{"validate", "--no-cache", "-o", format, work}, args...))
				var out bytes.Buffer
				root.SetOut(&out)
				root.SetErr(&out)
				_ = root.ExecuteContext(t.Context()) // that something is found is an error
				if out.Len() == 0 && strings.Contains(archive, "broken") {
					t.Fatalf("-o %q: nothing is said", format)
				}
				for _, secret := range []string{canary, encoded, canary[:7], encoded[:8]} {
					if strings.Contains(out.String(), secret) {
						t.Errorf("-o %q: %q is told:\n%s", format, secret, out.String())
					}
				}
			}
		})
	}
	if seen < 8 {
		t.Errorf("%d repositories have the canary", seen)
	}
}
