package secrets_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// callers are the files that may call Reveal, and why.
var callers = map[string]string{
	"agent/apply/apply.go":              "the body of a request to the API server",
	"agent/apply/reckon.go":             "in place of a dry run, what is sent then is compared with what is live",
	"agent/appset/forge/githubapp.go":   "which app it is, and who has installed it",
	"agent/appset/forge/server.go":      "to log in",
	"agent/destinations/secret.go":      "to log in",
	"agent/git/credentials.go":          "whether there are any, and to find what must not be said",
	"agent/git/githubapp.go":            "to sign who the app is",
	"agent/git/http.go":                 "to log in",
	"agent/git/login.go":                "to log in",
	"agent/git/oauth.go":                "to ask for a token",
	"agent/git/proxy.go":                "to log in to a proxy",
	"agent/git/ssh.go":                  "to log in",
	"agent/git/token.go":                "to log in",
	"agent/notify/config.go":            "services' own credentials, templates that ask for them, and to find what must not be said",
	"agent/registry/client.go":          "to log in",
	"agent/simtest/repo.go":             "the simulation's own objects, told apart by content",
	"agent/simtest/settle.go":           "the simulation's own objects, compared with its server's",
	"agent/webhook/provider.go":         "to check a signature",
	"cmd/tidelock/render.go":            "--show-secrets",
	"cmd/tidelock/secrets_clearroom.go": "for an editor, in memory",
	"plugins/sops/file/encrypt.go":      "to encrypt it",
	"render/manifest/object.go":         "Object.Reveal, for the callers above",
	"render/values.go":                  "what a renderer is given, and to find what must not be said",
	"secrets/external/policy.go":        "a store's own credentials, for the plugin that logs in",
	"secrets/leak/secret.go":            "to know it again by its hashes",
	"secrets/redact/redact.go":          "to find what must not be said",
	"secrets/sealed/remote.go":          "templates over secrets, in a process of their own",
	"secrets/sealed/seal.go":            "to encrypt",
	"secrets/sealed/template.go":        "templates over secrets",
	"secrets/value.go":                  "Reveal itself",
}

var reveals = regexp.MustCompile(`\.Reveal\(\)|\) Reveal\(`)

// TestCallersOfReveal makes every new place that sees plain text a decision.
func TestCallersOfReveal(t *testing.T) {
	var found []string
	root := os.DirFS("..")
	err := fs.WalkDir(root, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := fs.ReadFile(root, path)
		if err == nil && reveals.Match(text) {
			found = append(found, filepath.ToSlash(path))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range found {
		if callers[path] == "" {
			t.Errorf("%s calls Reveal: keep the value hidden there, or add the file and its reason to this list", path)
		}
	}
	for path := range callers {
		if !slices.Contains(found, path) {
			t.Errorf("%s calls Reveal no longer: take it off this list", path)
		}
	}
}
