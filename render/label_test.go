package render

import (
	"errors"
	"io/fs"
	"testing"
)

// Messages name a mount by its source: a repository with the path in it, a
// single file by its address alone.
func TestLabel(t *testing.T) {
	var m mounts
	m.byDir = map[string]*mount{}
	for dir, label := range map[string]string{"1": "https://h/repo@v1", "2": "https://h/raw/x.yaml"} {
		added := &mount{dir: mountRoot + dir, remote: Remote{Label: label}}
		m.byDir[added.dir], m.order = added, append(m.order, added)
	}
	for text, want := range map[string]string{
		"/.tidelock-mounts/1/base/a.yaml:3: bad":     "https://h/repo@v1//base/a.yaml:3: bad",
		".tidelock-mounts/1: no kustomization":       "https://h/repo@v1: no kustomization",
		".tidelock-mounts/2/x.yaml:3: bad":           "https://h/raw/x.yaml:3: bad",
		"../.tidelock-mounts/2/x.yaml > apps/x.yaml": "..https://h/raw/x.yaml > apps/x.yaml",
		"apps/x.yaml": "apps/x.yaml",
	} {
		if got := m.label(text); got != want {
			t.Errorf("label(%q) is %q, want %q", text, got, want)
		}
	}
	for name, want := range map[string]string{
		".tidelock-mounts/1/base/a.yaml": "https://h/repo@v1//base/a.yaml",
		".tidelock-mounts/2/x.yaml":      "https://h/raw/x.yaml",
	} {
		_, inner := m.of(name)
		var of *fs.PathError
		if err := m.within(name, &fs.PathError{Op: "open", Path: inner, Err: fs.ErrNotExist}); !errors.As(err, &of) || of.Path != want {
			t.Errorf("within(%q) is %v, want %s", name, err, want)
		}
	}
}
