package render_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"golang.org/x/sync/errgroup"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/plugins/host"
	"github.com/tidelock-io/tidelock/render"
)

const apps = `
-- apps/plain/a.yaml --
apiVersion: v1
kind: ConfigMap
metadata: {name: a}
data: {k: v}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: b}
-- apps/base/kustomization.yaml --
resources: [cm.yaml]
-- apps/base/cm.yaml --
apiVersion: v1
kind: ConfigMap
metadata: {name: base}
-- apps/overlay/kustomization.yaml --
namePrefix: x-
resources: [../base]
-- apps/chart/Chart.yaml --
name: c
-- apps/chart/kustomization.yaml --
resources: []
-- apps/broken/x.yaml --
apiVersion: v1
kind: ConfigMap
metadata: {name: a}
data:
  a: b: c
-- apps/unknown/kustomization.yaml --
resourcez: [a.yaml]
-- apps/nokind/x.yaml --
apiVersion: v1
kind:
metadata: {name: a}
-- apps/twice/x.yaml --
apiVersion: v1
kind: ConfigMap
metadata:
  name: a
  labels: {app: a}
  name: b
-- README.md --
hello
`

func TestRender(t *testing.T) {
	w := newWorld(t, apps)
	for _, tt := range []struct {
		path string
		want string
	}{
		{"apps/plain", "ConfigMap a @apps/plain/a.yaml:1 map[k:v]\nConfigMap b @apps/plain/a.yaml:6\n"},
		{"./apps/overlay/", "ConfigMap x-base @apps/base/cm.yaml:1\n"},
	} {
		w.check(w.rendered(api.Source{Path: tt.path}), tt.want)
	}
}

func TestErrors(t *testing.T) {
	w := newWorld(t, apps)
	kustomize := &api.KustomizeSource{}
	for _, tt := range []struct {
		name   string
		source api.Source
		want   string // a part of it
		kind   error
	}{
		{"missing", api.Source{Path: "apps/overlai"}, "apps/overlai: no such directory in commit ", render.ErrPath},
		{"missing, hint", api.Source{Path: "apps/overlai"}, " of https://git.example.com/infra.git; apps has the directories overlay, base, broken, chart, nokind, …", render.ErrPath},
		{"missing above", api.Source{Path: "appz/x/y"}, "the repository's root has the directories apps", render.ErrPath},
		{"file", api.Source{Path: "README.md"}, "README.md: the path is a file; name the directory that it is in", render.ErrPath},
		{"outside", api.Source{Path: "../x"}, "../x: the path leaves the repository", render.ErrPath},
		{"absolute", api.Source{Path: "/apps"}, "/apps: the path leaves the repository", render.ErrPath},
		{"chart found", api.Source{Path: "apps/chart"}, "apps/chart/Chart.yaml: version is required", nil},
		{"helm block", api.Source{Path: "apps/plain", Helm: &api.HelmSource{}}, "apps/plain: the plugin helm renders no such directory", render.ErrKind},
		{"two blocks", api.Source{Path: "apps/plain", Kustomize: kustomize, Directory: &api.DirectorySource{}}, "apps/plain: the source has blocks for several renderers: kustomize, directory", render.ErrKind},
		{"not mine", api.Source{Path: "apps/plain", Kustomize: kustomize}, "apps/plain: the plugin kustomize renders no such directory", render.ErrKind},
		{"no such plugin", api.Source{Path: "apps/plain", Plugin: &api.PluginSource{Name: "cue"}}, "apps/plain: plugin cue: render of application shop: no such plugin, there are asker, directory, envy, helm, kustomize, sops", host.ErrUnavailable},
		{"nameless plugin", api.Source{Path: "apps/plain", Plugin: &api.PluginSource{}}, "apps/plain: no plugin takes the directory for its own; name one in plugin.name; these look for directories: (none)", render.ErrUnsupported},
		{"malformed", api.Source{Path: "apps/broken"}, "apps/broken/x.yaml:5: ", nil},
		{"no kind", api.Source{Path: "apps/nokind"}, "apps/nokind/x.yaml:1: ", nil},
		{"key twice", api.Source{Path: "apps/twice"}, `apps/twice/x.yaml:6: not a Kubernetes object: the key "name" stands twice in one map, the other 2 lines above: keep one of them`, nil},
		{"unknown field", api.Source{Path: "apps/unknown"}, "apps/unknown/kustomization.yaml", nil},
		{"unknown field, name", api.Source{Path: "apps/unknown"}, "resourcez", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := w.render(tt.source)
			var e *render.Error
			if !errors.As(err, &e) || e.Application != "shop" {
				t.Fatalf("error %#v is no render.Error of application shop", err)
			}
			if !strings.Contains(err.Error(), tt.want) || tt.kind != nil && !errors.Is(err, tt.kind) {
				t.Errorf("\n got %v\nwant %s (%v)", err, tt.want, tt.kind)
			}
			w.quiet(err.Error(), "sesame")
		})
	}
}

func TestExplicitBlockWins(t *testing.T) {
	w := newWorld(t, apps)
	w.check(w.rendered(api.Source{Path: "apps/base", Directory: &api.DirectorySource{Exclude: "kustomization.yaml"}}), "ConfigMap base @apps/base/cm.yaml:1\n")
}

func TestOverrides(t *testing.T) {
	w := newWorld(t, apps+`
-- apps/overlay/.argocd-source.yaml --
kustomize: {nameSuffix: -all, namePrefix: p-}
path: elsewhere
-- apps/overlay/.argocd-source-shop.yaml --
kustomize: {nameSuffix: -shop}
-- apps/overlay/.argocd-source-other.yaml --
kustomize: {nameSuffix: -other}
-- apps/plain/.argocd-source.yaml --
kustomise: {}
-- apps/base/.argocd-source.yaml --
- a
`)
	w.check(w.rendered(api.Source{Path: "apps/overlay"}), "ConfigMap p-base-shop @apps/base/cm.yaml:1\n")
	w.check(w.rendered(api.Source{Path: "apps/plain"}), `error: apps/plain/.argocd-source.yaml: not a source's parameters: unknown field "kustomise"`+"\n")
	w.check(w.rendered(api.Source{Path: "apps/base"}), "error: apps/base/.argocd-source.yaml: malformed YAML: it must be a map with one of helm, kustomize, directory and plugin\n")
}

func TestRenderAll(t *testing.T) {
	w := newWorld(t, apps)
	first, second := w.request(api.Source{Path: "apps/plain"}), w.request(api.Source{Path: "apps/plain"})
	third, ref := w.request(api.Source{Path: "apps/overlay"}), w.request(api.Source{Ref: "values"})
	all, err := w.engine.RenderAll(context.Background(), []render.Request{first, second, ref, third})
	w.must(err)
	w.check(listing(all.Set), `ConfigMap a @source 2: apps/plain/a.yaml:1 map[k:v]
ConfigMap b @source 2: apps/plain/a.yaml:6
ConfigMap x-base @source 4: apps/base/cm.yaml:1
`)
	w.check(fmt.Sprint(all.Repeated), "[ConfigMap a: stated at source 1: apps/plain/a.yaml:1 and at source 2: apps/plain/a.yaml:1; the last one counts "+
		"ConfigMap b: stated at source 1: apps/plain/a.yaml:6 and at source 2: apps/plain/a.yaml:6; the last one counts]")
	if len(all.Sources) != 4 || all.Sources[2].Set != nil || all.Sources[3].SourceType != api.SourceTypeKustomize {
		t.Errorf("sources: %+v", all.Sources)
	}
	nokind := w.request(api.Source{Path: "apps/nokind"})
	if _, err = w.engine.RenderAll(context.Background(), []render.Request{first, nokind}); err == nil || !strings.HasPrefix(err.Error(), "source 2: apps/nokind/x.yaml:1: not a Kubernetes object") {
		t.Errorf("error of an object of the second source: %v", err)
	}
	missing := w.request(api.Source{Path: "none"})
	if _, err = w.engine.RenderAll(context.Background(), []render.Request{first, missing}); err == nil || !strings.HasPrefix(err.Error(), "source 2: none: ") {
		t.Errorf("error of the second source: %v", err)
	}
}

// stats renders and returns what that added to the engine's numbers.
func (w *world) stats(do func()) string {
	before := w.engine.Stats()
	do()
	after := w.engine.Stats()
	return fmt.Sprintf("hits %d, misses %d, renders %d", after.Hits-before.Hits, after.Misses-before.Misses, after.Renders-before.Renders)
}

const hit, miss, failed = "hits 1, misses 0, renders 0", "hits 0, misses 1, renders 1", "hits 0, misses 1, renders 0"

func TestCache(t *testing.T) {
	w := newWorld(t, apps)
	w.hold()
	overlay, broken, gone := api.Source{Path: "apps/overlay"}, api.Source{Path: "apps/unknown"}, api.Source{Path: "gone"}
	for _, step := range []struct {
		name   string
		write  string
		source api.Source
		change func(*render.Request)
		want   string
	}{
		{"first", "", overlay, nil, miss},
		{"same again", "", overlay, nil, hit},
		{"another file", "-- README.md --\nchanged", overlay, nil, hit},
		{"a file beside it", "-- apps/overlay/notes.txt --\n", overlay, nil, hit},
		{"an input", "-- apps/base/cm.yaml --\n{apiVersion: v1, kind: ConfigMap, metadata: {name: new}}", overlay, nil, miss},
		{"a file that was absent", "-- apps/overlay/.argocd-source.yaml --\n{}", overlay, nil, miss},
		{"another target revision", "", api.Source{Path: "apps/overlay", TargetRevision: "v1"}, nil, hit},
		{"another kind in the cluster", "", overlay, func(r *render.Request) { r.APIVersions = []string{"v1"} }, hit},
		{"another key", "", overlay, func(r *render.Request) { r.Keys = append(r.Keys, r.Keys...); r.Keys[0].Name = "other" }, hit},
		{"options", "", api.Source{Path: "apps/overlay", Kustomize: &api.KustomizeSource{NameSuffix: "-s"}}, nil, miss},
		{"another application", "", overlay, func(r *render.Request) { r.Application = "other" }, miss},
		{"another namespace", "", overlay, func(r *render.Request) { r.Namespace = "other" }, miss},
		{"a failure", "", broken, nil, miss},
		{"the same failure", "-- README.md --\nagain", broken, nil, hit},
		{"the failure's cause gone", "-- apps/unknown/kustomization.yaml --\nresources: []\n", broken, nil, miss},
		{"a missing path", "", gone, nil, failed},
		{"the path appears", "-- gone/a.yaml --\n{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}", gone, nil, miss},
	} {
		w.write(step.write)
		req := w.request(step.source)
		if step.change != nil {
			step.change(&req)
		}
		got := w.stats(func() { _, _ = w.engine.Render(context.Background(), req) })
		if got != step.want {
			t.Errorf("%s: %s, want %s", step.name, got, step.want)
		}
	}
}

func TestCachedResult(t *testing.T) {
	w := newWorld(t, apps)
	source := api.Source{Path: "apps/plain"}
	first, err := w.render(source)
	w.must(err)
	again, err := w.render(source)
	w.must(err)
	if first.Cached || !again.Cached || first.Set[0] != again.Set[0] {
		t.Errorf("cached: %v, %v", first.Cached, again.Cached)
	}
	w.write("-- apps/plain/b.yaml --\n{apiVersion: v1, kind: ConfigMap, metadata: {name: c}}")
	changed, err := w.render(source)
	w.must(err)
	if changed.Cached || len(changed.Set) != 3 || changed.Set[0] != first.Set[0] {
		t.Errorf("an object that stayed the same is another one: %v", changed.Set)
	}
	w.engine.Forget("shop")
	w.check(w.stats(func() { w.rendered(source) }), miss)
}

func TestEnvironmentCounts(t *testing.T) {
	w := newWorld(t, apps)
	source := api.Source{Path: "apps/overlay", Kustomize: &api.KustomizeSource{
		CommonAnnotationsEnvsubst: true,
		CommonAnnotations:         map[string]string{"at": "${ARGOCD_APP_REVISION_SHORT} ${ARGOCD_APP_NAME} ${ARGOCD_APP_NAMESPACE}"},
	}}
	for range 2 { // each with a commit of its own
		req := w.request(source)
		result, err := w.engine.Render(context.Background(), req)
		w.must(err)
		w.check(result.Set[0].Annotations["at"], req.Revision[:7]+" shop shop")
	}
}

func TestOneRenderAtATime(t *testing.T) {
	w := newWorld(t, apps)
	req := w.request(api.Source{Path: "apps/overlay"})
	got := w.stats(func() {
		var g errgroup.Group
		for range 8 {
			g.Go(func() error { _, err := w.engine.Render(context.Background(), req); return err })
		}
		w.must(g.Wait())
	})
	w.check(got, "hits 7, misses 1, renders 1")
}

func TestCancelled(t *testing.T) {
	w := newWorld(t, apps)
	req := w.request(api.Source{Path: "apps/overlay"})
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := w.engine.Render(ctx, req); !errors.Is(err, context.Canceled) {
		t.Errorf("error of a cancelled render: %v", err)
	}
	w.check(w.stats(func() { _, _ = w.engine.Render(context.Background(), req) }), miss)
}

// The cache stays within its bytes, and forgets what was not asked for longest.
func TestCacheBound(t *testing.T) {
	w := newWorld(t, apps)
	small := render.New(render.Config{Plugins: w.plugins, CacheBytes: 8000})
	base, overlay := w.request(api.Source{Path: "apps/base"}), w.request(api.Source{Path: "apps/overlay"})
	for _, req := range []render.Request{base, overlay, overlay, base, base} {
		if _, err := small.Render(context.Background(), req); err != nil {
			t.Fatal(err)
		}
	}
	if s := small.Stats(); s.Hits != 2 || s.Misses != 3 {
		t.Errorf("%+v", s)
	}
}

func TestInputs(t *testing.T) {
	w := newWorld(t, apps)
	result, err := w.render(api.Source{Path: "apps/overlay"})
	w.must(err)
	read := paths(result.Inputs)
	for _, want := range []string{"apps/overlay", "apps/overlay/kustomization.yaml", "apps/overlay/.argocd-source.yaml", "apps/overlay/Chart.yaml", "apps/base/kustomization.yaml", "apps/base/cm.yaml"} {
		if !strings.Contains("\n"+strings.Join(read, "\n")+"\n", "\n"+want+"\n") {
			t.Errorf("%s is no input: %q", want, read)
		}
	}
	for _, path := range read {
		if strings.HasPrefix(path, "apps/plain") || path == "README.md" {
			t.Errorf("%s is an input", path)
		}
	}
}
