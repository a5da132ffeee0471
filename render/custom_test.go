package render_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/plugins/sdk"
	"github.com/tidelock-io/tidelock/render"
)

// envy renders what it is told of its environment, where there is a file MINE.
type envy struct{}

func (envy) Render(_ context.Context, req *sdk.RenderRequest) (*sdk.RenderResult, error) {
	if _, err := req.Tree.ReadFile(path.Join(req.Path, "MINE")); errors.Is(err, fs.ErrNotExist) {
		return nil, sdk.ErrNotMine
	} else if err != nil {
		return nil, err
	}
	text := fmt.Sprintf("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: env}\ndata: {env: %q, kube: %q, options: %q}\n",
		strings.Join(slices.Sorted(maps.Keys(req.Env)), " "), req.KubeVersion, req.Options)
	return &sdk.RenderResult{Documents: []sdk.Document{{Data: []byte(text)}}}, nil
}

const mine = `
-- mine/MINE --
yes
-- mine/deep/down/x.mine --
-- mine/a.yaml --
apiVersion: v1
kind: ConfigMap
metadata: {name: plain}
-- other/a.yaml --
apiVersion: v1
kind: ConfigMap
metadata: {name: plain}
`

// customWorld has an engine that knows custom plugins.
func customWorld(t *testing.T, list *[]*render.Custom) *world {
	w := newWorld(t, mine)
	w.engine = render.New(render.Config{Plugins: w.plugins, Custom: func() []*render.Custom { return *list }})
	return w
}

func TestDiscovery(t *testing.T) {
	const plain, full = "ConfigMap plain", "ConfigMap env"
	for _, tt := range []struct {
		name   string
		custom render.Custom
		source api.Source
		want   string
	}{
		{"a file name", render.Custom{FileName: "./M*E"}, api.Source{Path: "mine"}, full},
		{"a file name that is not there", render.Custom{FileName: "M*E"}, api.Source{Path: "other"}, plain},
		{"a file name below", render.Custom{FileName: "deep/d*/x.mine"}, api.Source{Path: "mine"}, full},
		{"a directory is no file", render.Custom{FileName: "deep"}, api.Source{Path: "mine"}, plain},
		{"a pattern", render.Custom{Glob: "**/*.mine"}, api.Source{Path: "mine"}, full},
		{"a pattern that is not there", render.Custom{Glob: "**/*.mine"}, api.Source{Path: "other"}, plain},
		{"asked", render.Custom{Ask: true}, api.Source{Path: "mine"}, full},
		{"asked in vain", render.Custom{Ask: true}, api.Source{Path: "other"}, plain},
		{"no rule", render.Custom{}, api.Source{Path: "mine"}, plain},
		{"an explicit block wins", render.Custom{FileName: "MINE"}, api.Source{Path: "mine", Directory: &api.DirectorySource{}}, plain},
		{"an empty block", render.Custom{FileName: "MINE"}, api.Source{Path: "mine", Plugin: &api.PluginSource{}}, full},
		{"an empty block in vain", render.Custom{FileName: "MINE"}, api.Source{Path: "other", Plugin: &api.PluginSource{}},
			"error: other: no plugin takes the directory for its own; name one in plugin.name; these look for directories: envy (MINE)"},
		{"by name", render.Custom{}, api.Source{Path: "mine", Plugin: &api.PluginSource{Name: "envious"}}, full},
		{"by name and version", render.Custom{}, api.Source{Path: "mine", Plugin: &api.PluginSource{Name: "envy"}}, full},
		{"by another name", render.Custom{}, api.Source{Path: "mine", Plugin: &api.PluginSource{Name: "cue"}}, "error: mine: there is no plugin \"cue\"; install it, or name one that is: envy"},
		{"a built-in is none", render.Custom{}, api.Source{Path: "mine", Plugin: &api.PluginSource{Name: "directory"}}, "error: mine: there is no plugin \"directory\"; install it, or name one that is: envy"},
		{"disabled, by name", render.Custom{Err: errors.New("x.yaml:1: bad")}, api.Source{Path: "mine", Plugin: &api.PluginSource{Name: "envy"}}, "error: mine: plugin envy is disabled: x.yaml:1: bad; tidelock plugin info envy"},
		{"disabled, by its rule", render.Custom{FileName: "MINE", Err: errors.New("x.yaml:1: bad")}, api.Source{Path: "mine"}, "error: mine: plugin envy is disabled: x.yaml:1: bad; tidelock plugin info envy"},
		{"disabled, and not concerned", render.Custom{FileName: "MINE", Err: errors.New("x.yaml:1: bad")}, api.Source{Path: "other"}, plain},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.custom.ID, tt.custom.Name = "envy", "envious"
			w := customWorld(t, &[]*render.Custom{&tt.custom})
			if got := strings.TrimSpace(w.rendered(tt.source)); !strings.HasPrefix(got, tt.want) {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

// TestDiscoveryIsAnInput: what was looked for in vain counts, and so do the rules.
func TestDiscoveryIsAnInput(t *testing.T) {
	list := []*render.Custom{{ID: "envy", FileName: "MINE", Digest: "1"}, {ID: "other", Digest: "1"}}
	w := customWorld(t, &list)
	source := api.Source{Path: "other"}
	step := func(what string, cached bool, want string) {
		t.Helper()
		result, err := w.render(source)
		if err != nil || result.Cached != cached || !strings.HasPrefix(listing(result.Set), want) {
			t.Errorf("%s: %+v, %v; want %s, cached %t", what, result, err, want, cached)
		}
	}
	step("first", false, "ConfigMap plain")
	step("again", true, "ConfigMap plain")
	list = []*render.Custom{list[0], {ID: "other", Digest: "2"}}
	step("another plugin that discovers nothing", true, "ConfigMap plain")
	w.write("-- other/MINE --\nyes\n")
	step("the file that was not there", false, "ConfigMap env")
	list = []*render.Custom{{ID: "envy", FileName: "MINE", Digest: "2"}, list[1]}
	step("the plugin has changed", false, "ConfigMap env")
	list = nil
	step("the plugin is gone", false, "ConfigMap plain")
}

// TestCustomEnvironment: a plugin is given the variables that it says it uses, and
// renders again only if one of them changes.
func TestCustomEnvironment(t *testing.T) {
	list := []*render.Custom{{ID: "envy", Env: []string{"ARGOCD_APP_NAME"}}}
	w := customWorld(t, &list)
	source := api.Source{Path: "mine", Plugin: &api.PluginSource{Name: "envy", Env: []api.EnvVar{{Name: "A", Value: "${ARGOCD_APP_NAME} $$x"}}}}
	w.check(w.rendered(source), "ConfigMap env @rendered manifests map[env:ARGOCD_APP_NAME ARGOCD_ENV_A kube: options:{\"name\":\"envy\",\"env\":[{\"name\":\"A\",\"value\":\"${ARGOCD_APP_NAME} $$x\"}]}]\n")
	again := func(want bool, what string) {
		t.Helper()
		if result, err := w.render(source); err != nil || result.Cached != want {
			t.Errorf("%s: %v, cached %t", what, err, result.Cached)
		}
	}
	again(true, "a new commit")
	list[0] = &render.Custom{ID: "envy", Env: []string{"ARGOCD_APP_REVISION", "KUBE_VERSION"}, Digest: "2"}
	again(false, "the plugin")
	again(false, "a new commit that it is told of")
	list[0] = &render.Custom{ID: "envy", Digest: "3"}
	again(false, "the plugin")
	again(false, "a new commit, as Argo CD tells")
}
