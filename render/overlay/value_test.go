package overlay_test

import (
	"reflect"
	"strings"
	"testing"

	"github.com/tidelock-io/tidelock/render/overlay"
	"sigs.k8s.io/kustomize/api/types"
)

func TestCopy(t *testing.T) {
	for _, tt := range []struct{ name, path, from, to, want string }{
		{"a number", "replicas[name=api].count", "replicas: [{name: api, count: 3}]\n", "replicas:\n# many\n- name: web\n  count: 1\n- name: api\n  count: 2 # a\n", "replicas:\n# many\n- name: web\n  count: 1\n- name: api\n  count: 3 # a\n"},
		{"text that looks like a number", "image.tag", "image: {tag: '1.10'}\n", "image:\n  tag: v1 # a\n", "image:\n  tag: \"1.10\" # a\n"},
		{"a number in the place of text", "a", "a: 1.10\n", "a: 'x' # a\n", "a: 1.10 # a\n"},
		{"quotes stay", "a", "a: x\n", "a: 'y'\n", "a: 'x'\n"},
		{"true", "a.b", "a: {b: true}\n", "a: {b: \"no\", c: 1}\n", "a: {b: true, c: 1}\n"},
		{"by number", "a[1]", "a: [x, z]\n", "a:\n- p\n- q\n", "a:\n- p\n- z\n"},
		{"a key with a dot", `a\.b.c`, "a.b: {c: x}\n", "a.b: {c: y}\n", "a.b: {c: x}\n"},
		{"the same", "a", "a: x\n", "a:   'x'\n", "a:   'x'\n"},
		{"what would be another thing within braces", "a.b", "a: {b: 'x, y: z'}\n", "a: {b: q, c: 1}\n", "a: {b: 'x, y: z', c: 1}\n"},
		{"several lines", "a", "a: |\n  x\n  y\n", "a: z\n", "a: \"x\\ny\\n\"\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			path, err := overlay.ParsePath(tt.path)
			if err != nil {
				t.Fatal(err)
			}
			got, err := path.Copy([]byte(tt.from), []byte(tt.to))
			if err != nil || string(got) != tt.want {
				t.Errorf("got %v:\n%s\nwant:\n%s", err, got, tt.want)
			}
		})
	}
}

func TestCopyErrors(t *testing.T) {
	for _, tt := range []struct{ name, path, from, to, want string }{
		{"not there", "a.b", "a: {b: 1}\n", "a: {c: 1}\n", "a.b: it is not there"},
		{"not there to be had", "a[2]", "a: [1]\n", "a: [1, 2, 3]\n", "a[2]: it is not there"},
		{"a mapping", "a", "a: {b: 1}\n", "a: {b: 1}\n", "a: it is no single value"},
		{"an item of a mapping", "a[0]", "a: {b: 1}\n", "a: {b: 1}\n", "it is not there"},
		{"encrypted", "a", "a: x\n", "a: ENC[]\nsops: {}\n", "encrypted with SOPS"},
		{"an anchor", "a", "a: x\n", "a: &a y\nb: *a\n", "not edited in place"},
		{"a block", "a", "a: x\n", "a: |\n  y\n", "not edited in place"},
		{"documents", "a", "a: x\n", "a: 1\n---\na: 2\n", "several documents"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			path, err := overlay.ParsePath(tt.path)
			if err != nil {
				t.Fatal(err)
			}
			got, err := path.Copy([]byte(tt.from), []byte(tt.to))
			if err == nil || !strings.Contains(err.Error(), tt.want) || got != nil {
				t.Errorf("got %q, %v, want %q", got, err, tt.want)
			}
		})
	}
	for _, text := range []string{"", ".", ".a", "a.", "a..b", "a[", "a[b]", "a]", "a[=b]"} {
		if path, err := overlay.ParsePath(text); err == nil {
			t.Errorf("%q is a path: %+v", text, path)
		}
	}
}

func TestPromoted(t *testing.T) {
	from := []types.Image{
		{Name: "api", NewName: "dev/api", NewTag: "v2"}, {Name: "web", Digest: "sha256:aa"}, {Name: "new", NewName: "r/new", NewTag: "v1"},
		{Name: "same", NewTag: "v1"}, {Name: "renamed", NewName: "x"},
	}
	to := []types.Image{{Name: "api", NewName: "prod/api", NewTag: "v1"}, {Name: "web", NewTag: "v1"}, {Name: "same", NewName: "prod/same", NewTag: "v1"}, {Name: "other", NewTag: "v9"}}
	want := []types.Image{{Name: "api", NewName: "prod/api", NewTag: "v2"}, {Name: "web", Digest: "sha256:aa"}, {Name: "new", NewName: "r/new", NewTag: "v1"}}
	if got := overlay.Promoted(from, to); !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}
