package render_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/git"
	"github.com/tidelock-io/tidelock/plugins/sdk"
	"github.com/tidelock-io/tidelock/render"
)

// asker renders what its host gives for each of its variables: "ref" and "url"
// are mounted and their a.yaml read, "nested" is a directory for kustomize,
// "lookup" the name of a ConfigMap.
type asker struct{}

func (asker) Render(ctx context.Context, req *sdk.RenderRequest) (*sdk.RenderResult, error) {
	result := &sdk.RenderResult{}
	for _, what := range []string{"ref", "url", "nested", "lookup"} {
		value, ok := req.Env["ARGOCD_ENV_"+what]
		if !ok {
			continue
		}
		switch what {
		case "nested":
			nested, err := req.Host.Render(ctx, sdk.NestedRequest{Plugin: "kustomize", Path: value})
			if err != nil {
				return nil, err
			}
			result.Documents = append(result.Documents, nested.Documents...)
		case "lookup":
			data, err := req.Host.Lookup(ctx, sdk.Object{APIVersion: "v1", Kind: "ConfigMap", Namespace: "shop", Name: value})
			if err != nil {
				return nil, err
			}
			if data != nil {
				result.Documents = append(result.Documents, sdk.Document{Data: data})
			}
		default:
			source := sdk.Source{Ref: value}
			if what == "url" {
				source = sdk.Source{URL: value, Revision: "v1"}
			}
			mount, err := req.Host.Mount(ctx, source)
			if err != nil {
				return nil, err
			}
			name := mount.Path + "/base/a.yaml"
			data, err := req.Tree.ReadFile(name)
			if err != nil {
				return nil, err
			}
			result.Documents = append(result.Documents, sdk.Document{Data: data, File: name, Line: 1})
		}
	}
	return result, nil
}

func ask(variables ...string) api.Source {
	source := api.Source{Path: ".", Plugin: &api.PluginSource{Name: "asker"}}
	for i := 0; i < len(variables); i += 2 {
		source.Plugin.Env = append(source.Plugin.Env, api.EnvVar{Name: variables[i], Value: variables[i+1]})
	}
	return source
}

func configMap(name, value string) string {
	return "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: " + name + "}\ndata: {k: " + value + "}\n"
}

func archive(t *testing.T, revision string, files ...string) *git.Tree {
	t.Helper()
	var members []git.Member
	for i := 0; i < len(files); i += 2 {
		members = append(members, git.Member{Name: files[i], Content: []byte(files[i+1])})
	}
	tree, err := git.Archive(revision, members)
	if err != nil {
		t.Fatal(err)
	}
	return tree
}

// remotes are trees by URL.
type remotes map[string]*git.Tree

var errNotPermitted = errors.New("the project does not permit it")

func (r remotes) Open(_ context.Context, project string, source sdk.Source) (render.Remote, error) {
	tree := r[source.URL]
	if tree == nil || project != "default" {
		return render.Remote{}, errNotPermitted
	}
	return render.Remote{Tree: tree, Revision: tree.Revision(), Label: source.String()}, nil
}

func TestMounts(t *testing.T) {
	w := newWorld(t, "-- overlay/kustomization.yaml --\nnamePrefix: x-\nresources: [a.yaml]\n-- overlay/a.yaml --\n"+configMap("nested", "1"))
	const base = "https://git.example.com/base"
	others := remotes{base: archive(t, "1.0.0", "base/a.yaml", configMap("remote", "1"), "other", "1")}
	refs := map[string]render.Remote{"values": {Tree: archive(t, "v", "base/a.yaml", configMap("ref", "1")), Revision: "v", Label: "$values"}}
	objects := map[string]string{"live": `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"live"},"data":{"k":"1"}}`}
	source := ask("ref", "values", "url", base, "nested", "overlay", "lookup", "live")
	render := func() (string, bool) {
		t.Helper()
		req := w.request(source)
		req.Revision = "fixed" // the environment would make each commit count
		req.Refs, req.Remotes = refs, others
		req.Lookups = []string{"v1/ConfigMap"}
		req.Lookup = func(_ context.Context, o sdk.Object) (json.RawMessage, error) {
			return json.RawMessage(objects[o.Name]), nil
		}
		result, err := w.engine.Render(context.Background(), req)
		if err != nil {
			return "error: " + err.Error() + "\n", false
		}
		return listing(result.Set), result.Cached
	}
	step := func(what, want string, cached bool) {
		t.Helper()
		got, wasCached := render()
		if got != want || wasCached != cached {
			t.Errorf("%s: cached %t\n got:\n%s\nwant:\n%s", what, wasCached, got, want)
		}
	}
	text := func(ref, remote, nested, live string) string {
		all := "ConfigMap ref @$values//base/a.yaml:1 map[k:" + ref + "]\n" +
			"ConfigMap remote @https://git.example.com/base@v1//base/a.yaml:1 map[k:" + remote + "]\n" +
			"ConfigMap x-nested @overlay/a.yaml:1 map[k:" + nested + "]\n"
		if live != "" {
			all += "ConfigMap live @rendered manifests map[k:" + live + "]\n"
		}
		return all
	}
	step("first", text("1", "1", "1", "1"), false)
	step("again", text("1", "1", "1", "1"), true)
	others[base] = archive(t, "1.0.1", "base/a.yaml", configMap("remote", "1"), "other", "2")
	step("another version, same files", text("1", "1", "1", "1"), true)
	others[base] = archive(t, "1.0.2", "base/a.yaml", configMap("remote", "2"))
	step("the remote changed", text("1", "2", "1", "1"), false)
	refs["values"] = withTree(refs["values"], archive(t, "w", "base/a.yaml", configMap("ref", "2")))
	step("the ref changed", text("2", "2", "1", "1"), false)
	w.write("-- overlay/a.yaml --\n" + configMap("nested", "2"))
	step("the nested render's file changed", text("2", "2", "2", "1"), false)
	objects["live"] = strings.Replace(objects["live"], `"1"`, `"2"`, 1)
	step("the object changed", text("2", "2", "2", "2"), false)
	objects["live"] = ""
	step("the object is gone", text("2", "2", "2", ""), false)
	others[base] = archive(t, "2", "elsewhere/a.yaml", "")
	step("the file is gone", "error: .: plugin asker: lookup https://git.example.com/base@v1//base/a.yaml: base does not exist\n", false)
	delete(others, base)
	step("not permitted", "error: fetch https://git.example.com/base@v1: the project does not permit it\n", false)
}

func withTree(r render.Remote, tree *git.Tree) render.Remote {
	r.Tree = tree
	return r
}

func TestNothingBeyond(t *testing.T) {
	w := newWorld(t, "-- a --\n")
	for _, c := range []struct {
		source api.Source
		want   string
	}{
		{ask("ref", "values"), "error: no source of the Application has the ref \"values\"; set ref: values on the source that it stands for\n"},
		{ask("url", "https://user:sesame@example.com/a"), "error: https://example.com/a@v1: nothing is fetched here; copy it into the repository\n"},
		{ask("lookup", "a"), "error: .: plugin asker: look up v1 ConfigMap shop/a: it looks into the cluster, which is not allowed here; state the value in Git, or allow v1/ConfigMap by the annotation tidelock.io/lookup\n"},
	} {
		w.check(w.rendered(c.source), c.want)
	}
}

// TestMountedBase: an error of a mount, and of what lies in one, names the
// kustomizations that led there.
func TestMountedBase(t *testing.T) {
	const url = "https://git.example.com/base"
	w := newWorld(t, "-- app/kustomization.yaml --\nresources: [../base]\n-- base/kustomization.yaml --\nresources:\n- "+url+"/x//app?ref=v1\n")
	rendered := func(others remotes) string {
		t.Helper()
		req := w.request(api.Source{Path: "app"})
		req.Remotes = others
		result, err := w.engine.Render(context.Background(), req)
		if err != nil {
			return "error: " + err.Error() + "\n"
		}
		return listing(result.Set)
	}
	w.check(rendered(nil), "error: app/kustomization.yaml:1 > base/kustomization.yaml:2: resources: fetch "+url+"/x@v1: the project does not permit it\n")
	w.check(rendered(remotes{url + "/x": archive(t, "1", "app/kustomization.yaml", "resource: []\n")}),
		"error: app/kustomization.yaml:1 > base/kustomization.yaml:2 > "+url+"/x@v1//app/kustomization.yaml:1: unknown field \"resource\" in a kustomization, did you mean \"resources\"?\n")
	w.check(rendered(remotes{url + "/x": archive(t, "1", "app/kustomization.yaml", "resources: [a.yaml]\n", "app/a.yaml", configMap("a", "b"))}),
		"ConfigMap a @"+url+"/x@v1//app/a.yaml:1 map[k:b]\n")
}
