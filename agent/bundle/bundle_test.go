package bundle

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"regexp"
	"strings"
	"testing"
	"time"
)

// read returns the files of an archive.
func read(t *testing.T, archive io.Reader) map[string]string {
	t.Helper()
	zip, err := gzip.NewReader(archive)
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for list := tar.NewReader(zip); ; {
		header, err := list.Next()
		if errors.Is(err, io.EOF) {
			return files
		}
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(list)
		if err != nil {
			t.Fatal(err)
		}
		files[header.Name] = string(text)
	}
}

func TestWrite(t *testing.T) {
	var out bytes.Buffer
	text := func(s string, err error) func(context.Context) ([]byte, error) {
		return func(context.Context) ([]byte, error) { return []byte(s), err }
	}
	const most = 10_000
	archive := Archive{Dir: "tidelock", At: time.Unix(0, 0), Clean: Cleaner([]byte("sesame")), MaxPart: most}
	missing, err := archive.Write(t.Context(), &out, []Part{
		{"a.txt", text("open sesame", nil)}, {"logs/b.log", text("half of it", errors.New("cut off after sesame"))}, {"c.txt", text("", errors.New("forbidden"))},
		{"long.log", text("sesame"+strings.Repeat("x", most-3)+"the end", nil)},
	})
	if err != nil || len(missing) != 2 {
		t.Fatalf("missing %v, %v", missing, err)
	}
	got := read(t, &out)
	for name, want := range map[string]string{
		"tidelock/a.txt": "open (hidden)", "tidelock/logs/b.log": "half of it",
		"tidelock/errors.txt": "logs/b.log: cut off after (hidden)\nc.txt: forbidden\n",
	} {
		if got[name] != want {
			t.Errorf("%s: got %q, want %q", name, got[name], want)
		}
	}
	if long := got["tidelock/long.log"]; !strings.HasPrefix(long, "… the beginning") || !strings.HasSuffix(long, "the end") || strings.Contains(long, "ame") || len(got) != 4 {
		t.Errorf("%d files, the long one of %d bytes", len(got), len(long))
	}
	ended, end := context.WithCancel(t.Context())
	end()
	if _, err := archive.Write(ended, io.Discard, []Part{{"a.txt", text("a", nil)}}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestCleaner(t *testing.T) {
	clean := Cleaner([]byte("hunter22\n"), []byte("short"), []byte("-----BEGIN KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQ\n-----END KEY-----\n"), []byte("hunter22-and-more"))
	for text, want := range map[string]string{
		"the password is hunter22":                              "the password is (hidden)",
		"hunter22-and-more":                                     "(hidden)",
		"short is everywhere":                                   "short is everywhere",
		"MIIEvQIBADANBgkqhkiG9w0BAQ":                            "(hidden)",
		"-----BEGIN KEY-----":                                   "-----BEGIN KEY-----",
		base64.StdEncoding.EncodeToString([]byte("hunter22\n")): "(hidden)",
		"clone https://jane:pw@git.example/a.git":               "clone https://(hidden)@git.example/a.git",
		"oci://token@ghcr.io/a and jane@example.com":            "oci://(hidden)@ghcr.io/a and jane@example.com",
		"ssh://git@github.com/a":                                "ssh://(hidden)@github.com/a",
	} {
		if got := clean(text); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}

// TestObject: whatever is written where people write values is not kept, in each kind;
// what an agent does is.
func TestObject(t *testing.T) {
	for name, text := range map[string]string{
		"application": `{"kind":"Application","metadata":{"name":"shop","managedFields":[{}],"annotations":{"tidelock.io/wait":"true","kubectl.kubernetes.io/last-applied-configuration":"CANARY","note":"CANARY"}},
"spec":{"source":{"repoURL":"https://git.example/a","path":"shop","helm":{"values":"CANARY","valuesObject":{"a":{"b":"CANARY"}},"parameters":[{"name":"tag","value":"CANARY"}],"fileParameters":[{"name":"a","path":"CANARY"}],"valueFiles":["values.yaml"]},
"kustomize":{"patches":[{"patch":"CANARY"}],"commonAnnotations":{"a":"CANARY"}},"directory":{"jsonnet":{"extVars":[{"name":"a","value":"CANARY"}],"tlas":[{"name":"a","value":"CANARY"}]}},
"plugin":{"env":[{"name":"TOKEN","value":"CANARY"}],"parameters":[{"name":"p","string":"CANARY"},{"name":"q","array":["CANARY"]},{"name":"r","map":{"a":"CANARY"}}]}},"info":[{"name":"a","value":"CANARY"}]},
"operation":{"sync":{"source":{"helm":{"values":"CANARY"}}},"info":[{"name":"a","value":"CANARY"}]},
"status":{"sync":{"status":"OutOfSync","comparedTo":{"source":{"helm":{"values":"CANARY"}}}},"history":[{"source":{"helm":{"parameters":[{"name":"tag","value":"CANARY"}]}}}],"conditions":[{"type":"SyncError","message":"kept"}]}}`,
		"applicationset": `{"kind":"ApplicationSet","metadata":{"name":"fleet"},"spec":{"generators":[{"list":{"elements":[{"a":"CANARY"}],"elementsYaml":"CANARY"}},{"clusters":{"values":{"a":"CANARY"}}},{"plugin":{"input":{"parameters":{"a":"CANARY"}},"values":{"x":"CANARY"}}}],
"templatePatch":"CANARY","template":{"metadata":{"name":"kept"},"spec":{"source":{"helm":{"values":"CANARY"}}}}}}`,
		"project": `{"kind":"AppProject","metadata":{"name":"team"},"spec":{"sourceRepos":["kept"],"roles":[{"name":"ci","jwtTokens":[{"id":"CANARY"}]}]},"status":{"jwtTokensByRole":{"ci":{"items":[]}}}}`,
	} {
		var body map[string]any
		if err := json.Unmarshal([]byte(text), &body); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		left, err := json.Marshal(Object(body))
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(left), "CANARY") {
			t.Errorf("%s: a value is left: %s", name, left)
		}
		if !strings.Contains(string(left), "kept") {
			t.Errorf("%s: too little is left: %s", name, left)
		}
	}
}

func TestSettings(t *testing.T) {
	got := Settings(map[string]string{"timeout.reconciliation": "180s", "dex.config": "clientSecret: CANARY"}, regexp.MustCompile(`^timeout\.`))
	if got["timeout.reconciliation"] != "180s" || got["dex.config"] != "(20 bytes)" {
		t.Errorf("got %v", got)
	}
}
