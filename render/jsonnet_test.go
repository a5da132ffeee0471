package render_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/tidelock-io/tidelock/agent/api"
)

const program = `
-- app/main.jsonnet --
local k = import 'k.libsonnet';
[k.configMap(std.extVar('name'), importstr 'motd.txt'), null]
-- app/motd.txt --
hello
-- vendor/k.libsonnet --
{configMap(name, text):: {apiVersion: 'v1', kind: 'ConfigMap', metadata: {name: name}, data: {text: text}}}
`

func jsonnetSource(name string, libs ...string) api.Source {
	return api.Source{Path: "app", Directory: &api.DirectorySource{Jsonnet: &api.JsonnetSource{
		ExtVars: []api.JsonnetVar{{Name: "name", Value: name}}, Libs: libs,
	}}}
}

func TestJsonnet(t *testing.T) {
	w := newWorld(t, program)
	w.check(w.rendered(jsonnetSource("$ARGOCD_APP_NAME-cm", "vendor")), "ConfigMap shop-cm @app/main.jsonnet:1 map[text:hello\n]\n")
	w.check(w.rendered(jsonnetSource("a")), `error: app/main.jsonnet:1: import "k.libsonnet": no such file in app: correct the path, or add its directory to jsonnet.libs`+"\n")
}

// What Jsonnet reads is an input, and so is each place where it looked in vain.
func TestJsonnetInputs(t *testing.T) {
	w := newWorld(t, program)
	source := jsonnetSource("a", "lib", "vendor", "none")
	result, err := w.render(source)
	w.must(err)
	read := "\n" + strings.Join(paths(result.Inputs), "\n") + "\n"
	for _, want := range []string{"app/main.jsonnet", "app/motd.txt", "app/k.libsonnet", "none/k.libsonnet", "vendor/k.libsonnet"} {
		if !strings.Contains(read, "\n"+want+"\n") {
			t.Errorf("%s is no input: %q", want, read)
		}
	}
	for _, step := range []struct{ name, write, want string }{
		{"the same", "", hit},
		{"a file beside", "-- vendor/other.libsonnet --\n{}", hit},
		{"a library of lower rank", "-- lib/k.libsonnet --\n{}", hit},
		{"a text", "-- app/motd.txt --\nbye", miss},
		{"a library of higher rank", "-- none/k.libsonnet --\n{configMap(name, text):: null}", miss},
		{"one beside the file", "-- app/k.libsonnet --\n{configMap(name, text):: null}", miss},
	} {
		w.write(step.write)
		w.check(step.name+": "+w.stats(func() { w.rendered(source) }), step.name+": "+step.want)
	}
}

// A new commit renders again only what says that it wants the revision.
func TestJsonnetEnvironment(t *testing.T) {
	w := newWorld(t, program)
	for name, want := range map[string]string{"a": hit, "b-${ARGOCD_APP_REVISION_SHORT}": miss} {
		for i, want := range []string{miss, want} {
			w.write(fmt.Sprintf("-- README.md --\n%s %d\n", name, i))
			req := w.request(jsonnetSource(name, "vendor"))
			w.check(w.stats(func() {
				result, err := w.engine.Render(context.Background(), req)
				w.must(err)
				w.check(result.Set[0].Key.Name, strings.ReplaceAll(name, "${ARGOCD_APP_REVISION_SHORT}", req.Revision[:7]))
			}), want)
		}
	}
}

// Jsonnet reads SOPS files as plain text, and its complaints show none of it.
func TestJsonnetReadsSecrets(t *testing.T) {
	w := newWorld(t, program)
	w.hold()
	w.write("-- sops/app/secret.json --\n{\"token\": \"open-sesame\"}\n-- app/main.jsonnet --\n" +
		"{apiVersion: 'v1', kind: 'Secret', metadata: {name: 's'}, stringData: {password: (import 'secret.json').token}}\n")
	source := jsonnetSource("a")
	source.Directory.Exclude = "*.json"
	w.check(w.rendered(source), "Secret s @app/main.jsonnet:1 map[password:open-sesame]\n")
	w.write("-- app/main.jsonnet --\nlocal s = import 'secret.json'; error 'bad password ' + s.token\n")
	w.check(w.rendered(source), "error: app/main.jsonnet:1: bad password (hidden)\n")
}
