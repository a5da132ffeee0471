package registry

import (
	"bytes"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

// helmIndex is laid out as helm repo index does it.
const helmIndex = `apiVersion: v1
entries:
  alpine:
  - annotations:
      about: |
        beta:
        - text
    created: "2026-10-06T16:23:20.499814565-06:00"
    description: Deploy a basic Alpine Linux pod
    digest: 99c76e403d752c84ead610644d4b1c2f2b453a74b921f422b9dcb8a7c8b559cd
    name: alpine
    urls:
    - https://technosophos.github.io/tscharts/alpine-0.2.0.tgz
    version: 0.2.0
  # a comment
  - name: alpine
    urls: [alpine-0.1.0.tgz]
    version: 0.1.0

  nginx:
  - name: nginx
    urls:
    - nginx-1.10.0.tgz
    version: 1.10.0
generated: "2026-10-06T16:23:20.499543808-06:00"
`

func TestParseIndex(t *testing.T) {
	want := index{
		"alpine": {
			{"0.2.0", []string{"https://technosophos.github.io/tscharts/alpine-0.2.0.tgz"}, "99c76e403d752c84ead610644d4b1c2f2b453a74b921f422b9dcb8a7c8b559cd"},
			{"0.1.0", []string{"alpine-0.1.0.tgz"}, ""},
		},
		"nginx": {{"1.10.0", []string{"nginx-1.10.0.tgz"}, ""}},
	}
	asJSON, err := yaml.YAMLToJSON([]byte(helmIndex))
	if err != nil {
		t.Fatal(err)
	}
	indented := strings.ReplaceAll(helmIndex, "\n  ", "\n    ")
	for name, text := range map[string]string{
		"helm": helmIndex, "JSON": string(asJSON), "indented": indented, "windows": strings.ReplaceAll(helmIndex, "\n", "\r\n"),
		"marked": "---\n" + helmIndex, "ChartMuseum": helmIndex + "serverInfo: {}\n", "flow": "# flow\n" + string(asJSON),
	} {
		got, err := parseIndex([]byte(text))
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %v, %v", name, got, err)
		}
	}
	if charts, ok := splitIndex([]byte(helmIndex)); !ok || len(charts) != 2 {
		t.Errorf("it is not parsed chart by chart: %q", charts)
	}
}

// A text that looks like the next chart is none.
func TestParseIndexWithTraps(t *testing.T) {
	for name, text := range map[string]string{
		"quoted":   "entries:\n  a:\n  - version: \"1\n  b:\n  - version: 2\"\n",
		"anchor":   "entries:\n  a: &x\n  - version: 1.0.0\n  b: *x\n",
		"tab":      "entries:\n  a:\n  - version: 1.0.0\n  \tb: 1\n",
		"twice":    "entries:\n  a:\n  - version: 1.0.0\n  a:\n  - version: 2.0.0\n",
		"second":   "entries:\n  a:\n  - version: 1.0.0\nentries:\n  b:\n  - version: 2.0.0\n",
		"document": "entries:\n  a:\n  - version: 1.0.0\n---\nentries:\n  b: []\n",
		"block":    "x: |\n  entries:\nentries:\n  a:\n  - version: 1.0.0\n",
		"key":      "entries:\n  ? a\n  : - version: 1.0.0\n",
	} {
		sameAsWhole(t, name, []byte(text))
	}
}

// sameAsWhole compares parsing chart by chart with parsing at once.
func sameAsWhole(t *testing.T, name string, text []byte) {
	t.Helper()
	charts, ok := splitIndex(text)
	if !ok {
		return
	}
	parts, err := parseCharts(charts)
	if err != nil {
		return
	}
	if whole, err := parseYAMLIndex(text); err == nil && !reflect.DeepEqual(parts, whole) {
		t.Errorf("%s: %q\nin parts %v\nas a whole %v", name, text, parts, whole)
	}
}

// A large index costs little more memory than what is kept of it.
func TestLargeIndex(t *testing.T) {
	var b bytes.Buffer
	b.WriteString("apiVersion: v1\nentries:\n")
	for c := range 300 {
		fmt.Fprintf(&b, "  chart-%d:\n", c)
		for v := range 100 {
			fmt.Fprintf(&b, "  - apiVersion: v2\n    description: %s\n    urls:\n    - chart-%d.tgz\n    version: 1.%d.0\n", strings.Repeat("text ", 40), c, v)
		}
	}
	if b.Len() <= maxWhole {
		t.Fatalf("the index has only %d bytes", b.Len())
	}
	got, err := parseIndex(b.Bytes())
	if err != nil || len(got) != 300 || len(got["chart-7"]) != 100 {
		t.Errorf("got %d charts, %v", len(got), err)
	}
	odd := bytes.Replace(b.Bytes(), []byte("apiVersion"), []byte("? apiVersion"), 1)
	if _, err := parseIndex(odd); err == nil || !strings.Contains(err.Error(), "not laid out as helm repo index does it") {
		t.Errorf("a large index of another layout: %v", err)
	}
}

func FuzzParseIndex(f *testing.F) {
	f.Add([]byte(helmIndex))
	f.Add([]byte(`{"entries": {"a": [{"version": "1.0.0", "urls": ["x"]}]}}`))
	f.Add([]byte("entries:\n  a:\n  - version: \"1\n  b:\n  - version: 2\"\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		found, err := parseIndex(text)
		if (found == nil) == (err == nil) {
			t.Fatalf("got %v and %v", found, err)
		}
		sameAsWhole(t, "fuzzed", text)
	})
}
