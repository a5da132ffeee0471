package render_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/plugins/pluginstest"
	"github.com/tidelock-io/tidelock/render"
)

// laughs are maps of nine aliases each, of n generations.
func laughs(n int) string {
	var b strings.Builder
	b.WriteString("x0: &x0 [lol, lol, lol, lol, lol, lol, lol, lol, lol]\n")
	for i := range n {
		fmt.Fprintf(&b, "x%d: &x%d [%s]\n", i+1, i+1, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*x%d, ", i), 9), ", "))
	}
	return b.String()
}

// wide is a text of a MiB and n aliases for it.
func wide(n int) string {
	return "x: &x " + strings.Repeat("y", 1<<20) + "\nz: [" + strings.TrimSuffix(strings.Repeat("*x, ", n), ", ") + "]\n"
}

// TestAliasBombs: a gigabyte of aliases is refused by every renderer, with the
// file's name, and the next render works. A few aliases are no bomb.
func TestAliasBombs(t *testing.T) {
	pluginstest.NeedsLimits(t)
	const head = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n"
	w := newWorld(t, "-- kustomize/kustomization.yaml --\nresources: [a.yaml]\n")
	for _, dir := range []string{"directory", "kustomize"} {
		for _, tt := range []struct{ name, small, bomb string }{
			{"laughs", laughs(1), laughs(9)},
			{"wide", wide(2), wide(1000)},
		} {
			t.Run(dir+", "+tt.name, func(t *testing.T) {
				write := func(text string) {
					w.write("-- " + dir + "/a.yaml --\n" + head + text)
				}
				source := api.Source{Path: dir}
				write(tt.bomb)
				_, err := w.render(source)
				var e *render.Error
				if !errors.As(err, &e) || !strings.Contains(err.Error(), dir) {
					t.Errorf("the bomb: %v", err)
				}
				write(tt.small)
				w.check(w.rendered(source), "ConfigMap a @"+dir+"/a.yaml:1\n")
			})
		}
	}
	// One that is no manifest is left out, at no cost.
	w.write("-- directory/values.yaml --\n" + wide(1000))
	w.check(w.rendered(api.Source{Path: "directory"}), "ConfigMap a @directory/a.yaml:1\n")
}

// TestNothingOutside: no way out of the repository leads anywhere, and no error
// shows what lies there. The same ways inside of it do.
func TestNothingOutside(t *testing.T) {
	const canary, manifest = "outside-canary", "{apiVersion: v1, kind: ConfigMap, metadata: {name: outside-canary}}\n"
	w := newWorld(t, "")
	outside := filepath.Join(filepath.Dir(w.repo), "outside.yaml")
	w.must(os.WriteFile(outside, []byte(manifest), 0o644))
	link := func(name, target string) {
		name = filepath.Join(w.repo, name)
		w.must(os.MkdirAll(filepath.Dir(name), 0o755))
		if err := os.Remove(name); err != nil && !errors.Is(err, os.ErrNotExist) {
			w.must(err)
		}
		w.must(os.Symlink(target, name))
	}
	for i, tt := range []struct {
		name string
		make func(dir, to string) // to leads from the directory to the file
	}{
		{"a link as a manifest", func(dir, to string) { link(dir+"/a.yaml", to) }},
		{"a link that Jsonnet imports", func(dir, to string) {
			link(dir+"/l.libsonnet", to)
			w.write("-- " + dir + "/a.jsonnet --\nstd.parseYaml(importstr 'l.libsonnet')\n")
		}},
		{"a path that Jsonnet imports", func(dir, to string) { w.write("-- " + dir + "/a.jsonnet --\nstd.parseYaml(importstr '" + to + "')\n") }},
		{"a link as a resource", func(dir, to string) {
			link(dir+"/l.yaml", to)
			w.write("-- " + dir + "/kustomization.yaml --\nresources: [l.yaml]\n")
		}},
		{"a base behind a link", func(dir, to string) {
			link(dir+"/base", filepath.Dir(to))
			w.write("-- " + dir + "/kustomization.yaml --\nresources: [base/" + filepath.Base(to) + "]\n")
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for j, to := range []string{"../../outside.yaml", outside, "sub/inside.yaml"} {
				dir := fmt.Sprintf("d%d%d", i, j)
				w.write("-- " + dir + "/sub/inside.yaml --\n{apiVersion: v1, kind: ConfigMap, metadata: {name: inside}}\n")
				tt.make(dir, to)
				got := w.rendered(api.Source{Path: dir})
				want := "error: "
				if to == "sub/inside.yaml" {
					want = "ConfigMap inside @"
				}
				if !strings.HasPrefix(got, want) || strings.Contains(got, canary) {
					t.Errorf("the way to %s gives %s, want %s", to, got, want)
				}
			}
		})
	}
}
