package blast

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/window"
	"github.com/tidelock-io/tidelock/render/manifest"
	"golang.org/x/tools/txtar"
	"sigs.k8s.io/yaml"
)

var update = flag.Bool("update", false, "write the golden files anew")

var noon = time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)

// parse makes a set of manifests, which live in namespace shop.
func parse(t testing.TB, text string) manifest.Set {
	t.Helper()
	set, err := manifest.Parse([]byte(text), manifest.Origin{})
	if err != nil {
		t.Fatal(err)
	}
	if set, err = set.Place("shop", set.Scopes()); err != nil {
		t.Fatal(err)
	}
	return set
}

// app is an Application; spec is added to it.
func app(t testing.TB, name, spec string) *api.Application {
	t.Helper()
	a := &api.Application{}
	if err := yaml.Unmarshal([]byte(spec), a); err != nil {
		t.Fatal(err)
	}
	a.Namespace, a.Name = "argocd", name
	if a.Spec.Destination == (api.Destination{}) {
		a.Spec.Destination = api.Destination{Server: api.InClusterServer, Namespace: "shop"}
	}
	return a
}

const automated = "spec: {syncPolicy: {automated: {prune: true}}}"

// pairsOf reads files BEFORE or AFTER/APPLICATION.yaml, and APPLICATION, which is added to
// the manifest of one.
func pairsOf(t testing.TB, archive string) []Pair {
	t.Helper()
	settings := map[string]string{}
	ends := map[string]map[string]string{"before": {}, "after": {}}
	var names []string
	for _, f := range txtar.Parse([]byte(archive)).Files {
		when, name, ok := strings.Cut(f.Name, "/")
		if !ok {
			settings[f.Name] = string(f.Data)
			continue
		}
		if ends["before"][name]+ends["after"][name] == "" {
			names = append(names, name)
		}
		ends[when][name] = string(f.Data) + " "
	}
	var pairs []Pair
	for _, name := range names {
		var p Pair
		for when, end := range map[string]*End{"before": &p.Before, "after": &p.After} {
			if text, ok := ends[when][name]; ok {
				spec := settings[when+" "+name] + settings[name]
				if spec == "" {
					spec = automated
				}
				*end = End{app(t, name, spec), parse(t, text)}
			}
		}
		pairs = append(pairs, p)
	}
	return pairs
}

// text prints a radius for people.
func text(r *Radius) string {
	var b strings.Builder
	for _, a := range r.Applications {
		fmt.Fprintf(&b, "%s: %s\n", a.Name, a.Standing())
		for _, h := range a.Held {
			fmt.Fprintf(&b, "  held: %s\n", h)
		}
		for _, restart := range a.Restarts {
			fmt.Fprintf(&b, "  restarts %s\n", restart)
		}
		for _, c := range a.Changes {
			fmt.Fprintf(&b, "  %s\n", c.String())
			for _, f := range c.Fields {
				fmt.Fprintf(&b, "    %s %s\n", f.Heading(), strings.Join(f.Diff(), " "))
			}
		}
	}
	return b.String()
}

const deployment = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec: {replicas: 1, template: {spec: {containers: [{name: web, image: 'web:1', envFrom: [{configMapRef: {name: conf-2h96k4dm7t}}]}]}}}\n---\n"

func configMap(name, value string) string {
	return "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: " + name + "}\ndata: {a: '" + value + "'}\n---\n"
}

func TestOf(t *testing.T) {
	secret := func(value string) string {
		return "apiVersion: v1\nkind: Secret\nmetadata: {name: db}\nstringData: {password: " + value + ", user: same}\n---\n"
	}
	follows := strings.Replace(strings.Replace(deployment, "{name: web}", "{name: web, annotations: {tidelock.io/rollout-on: secrets}}", 1), "configMapRef: {name: conf-2h96k4dm7t}", "secretRef: {name: db}", 1)
	claim := "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: data}\n---\n"
	for _, tt := range []struct{ name, in, want string }{
		{"nothing", "-- before/shop --\n" + deployment + "-- after/shop --\n" + deployment, ""},
		{
			"fields, by the names of list items", "-- before/shop --\n" + deployment + "-- after/shop --\n" + strings.NewReplacer("replicas: 1", "replicas: 2", "web:1", "web:2").Replace(deployment),
			`shop: changed, synced by the agent
  restarts apps/Deployment shop/web: its pod template changes
  apps/Deployment shop/web: changed
    spec.replicas -1 +2
    spec.template.spec.containers[name=web].image -"web:1" +"web:2"
`,
		},
		{
			"a generated name is one rename, and who refers to it is no change", "-- before/shop --\n" + deployment + configMap("conf-2h96k4dm7t", "1") + "-- after/shop --\n" + strings.ReplaceAll(deployment, "conf-2h96k4dm7t", "conf-8g5tbbm42k") + configMap("conf-8g5tbbm42k", "2"),
			`shop: changed, synced by the agent
  restarts apps/Deployment shop/web: generated conf has other content
  ConfigMap shop/conf-2h96k4dm7t -> conf-8g5tbbm42k: renamed with its content
    data.a -"1" +"2"
  apps/Deployment shop/web: follows a generated name
`,
		},
		{
			"who refers to it, and changes besides", "-- before/shop --\n" + deployment + configMap("conf-2h96k4dm7t", "1") + "-- after/shop --\n" + strings.NewReplacer("conf-2h96k4dm7t", "conf-8g5tbbm42k", "replicas: 1", "replicas: 2").Replace(deployment) + configMap("conf-8g5tbbm42k", "2"),
			`shop: changed, synced by the agent
  restarts apps/Deployment shop/web: generated conf has other content
  ConfigMap shop/conf-2h96k4dm7t -> conf-8g5tbbm42k: renamed with its content
    data.a -"1" +"2"
  apps/Deployment shop/web: changed
    spec.replicas -1 +2
`,
		},
		{
			"two of one stem are not guessed at", "-- before/shop --\n" + configMap("conf-2h96k4dm7t", "1") + configMap("conf-2h96k4dm7k", "2") + "-- after/shop --\n" + configMap("conf-8g5tbbm42k", "3"),
			`shop: changed, synced by the agent
  ConfigMap shop/conf-2h96k4dm7k: deleted
  ConfigMap shop/conf-2h96k4dm7t: deleted
  ConfigMap shop/conf-8g5tbbm42k: created
`,
		},
		{
			"a word is no hash", "-- before/shop --\n" + configMap("conf-production", "1") + "-- after/shop --\n" + configMap("conf-staging00", "2"),
			`shop: changed, synced by the agent
  ConfigMap shop/conf-production: deleted
  ConfigMap shop/conf-staging00: created
`,
		},
		{
			"a rename by hand", "-- before/shop --\n" + configMap("a", "1") + "-- after/shop --\n" + configMap("b", "1"),
			"shop: changed, synced by the agent\n  ConfigMap shop/a -> b: renamed\n",
		},
		{
			"a rename of what holds data", "-- before/shop --\n" + claim + "-- after/shop --\n" + strings.Replace(claim, "{name: data}", "{name: files}", 1),
			`shop: changed, synced by the agent
  held: deletions are held: it would delete PersistentVolumeClaim shop/data; approve with annotation tidelock.io/approve: HASH
  PersistentVolumeClaim shop/data -> files: renamed; it holds data
`,
		},
		{
			"a rename in doubt is none", "-- before/shop --\n" + configMap("a", "1") + configMap("c", "1") + "-- after/shop --\n" + configMap("b", "1"),
			"shop: changed, synced by the agent\n  ConfigMap shop/a: deleted\n  ConfigMap shop/b: created\n  ConfigMap shop/c: deleted\n",
		},
		{
			"a move", "-- before/shop --\n" + configMap("a", "1") + configMap("b", "1") + "-- after/shop --\n" + configMap("b", "1") + "-- before/cart --\n" + configMap("c", "1") + "-- after/cart --\n" + configMap("c", "1") + configMap("a", "2"),
			`cart: changed, synced by the agent
  ConfigMap shop/a: taken over from Application argocd/shop
    data.a -"1" +"2"
shop: changed, synced by the agent
  ConfigMap shop/a: handed over to Application argocd/cart
`,
		},
		{
			"a workload that moves restarts for its template", "-- before/shop --\n" + configMap("b", "1") + deployment + "-- after/shop --\n" + configMap("b", "1") + "-- after/cart --\n" + strings.Replace(deployment, "web:1", "web:2", 1),
			`cart: new, synced by the agent
  restarts apps/Deployment shop/web: its pod template changes
  apps/Deployment shop/web: taken over from Application argocd/shop
    spec.template.spec.containers[name=web].image -"web:1" +"web:2"
shop: changed, synced by the agent
  apps/Deployment shop/web: handed over to Application argocd/cart
`,
		},
		{
			"a move to another cluster is none", "-- cart --\nspec: {destination: {name: west}, syncPolicy: {automated: {prune: true}}}\n-- before/shop --\n" + configMap("a", "1") + configMap("b", "1") + "-- after/shop --\n" + configMap("b", "1") + "-- after/cart --\n" + configMap("a", "1"),
			"cart: new, synced by the agent\n  ConfigMap shop/a: created\nshop: changed, synced by the agent\n  ConfigMap shop/a: deleted\n",
		},
		{
			"an Application is renamed", "-- before/shop --\n" + claim + "-- after/store --\n" + claim,
			`shop: the Application is gone
  PersistentVolumeClaim shop/data: handed over to Application argocd/store
store: new, synced by the agent
  PersistentVolumeClaim shop/data: taken over from Application argocd/shop
`,
		},
		{
			"an Application that goes leaves its objects", "-- before/shop --\n" + claim,
			"shop: the Application is gone\n  PersistentVolumeClaim shop/data: left as it is, for the Application has no finalizer that deletes its objects\n",
		},
		{
			"or takes them with it", "-- shop --\nmetadata: {finalizers: [resources-finalizer.argocd.argoproj.io]}\n-- before/shop --\n" + claim,
			"shop: the Application is gone\n  PersistentVolumeClaim shop/data: deleted; it holds data\n",
		},
		{
			"another cluster", "-- after shop --\nspec: {destination: {name: west}}\n-- before/shop --\n" + claim + "-- after/shop --\n" + claim,
			`shop: changed, synced by hand
  PersistentVolumeClaim shop/data: created
  PersistentVolumeClaim shop/data: left as it is, for the Application goes to another cluster
`,
		},
		{
			"what is not pruned", "-- shop --\nspec: {syncPolicy: {automated: {}}}\n-- before/shop --\n" + configMap("a", "1") + configMap("b", "1") + "-- after/shop --\n" + configMap("b", "1"),
			"shop: changed, synced by the agent\n  ConfigMap shop/a: left as it is, for automated syncs do not prune here\n",
		},
		{
			"a secret, of which only this is told", "-- before/shop --\n" + secret("hunter2") + deployment + "-- after/shop --\n" + secret("hunter3") + deployment,
			"shop: changed, synced by the agent\n  Secret shop/db: changed\n    data.password -(hidden) +(hidden, another one)\n",
		},
		{
			"a rotation, for which a workload restarts", "-- before/shop --\n" + secret("hunter2") + follows + "-- after/shop --\n" + secret("hunter3") + follows,
			`shop: changed, synced by the agent
  restarts apps/Deployment shop/web: Secret db changed
  Secret shop/db: changed
    data.password -(hidden) +(hidden, another one)
`,
		},
		{
			"a value that is sealed anew", "-- before/shop --\napiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\nmetadata: {name: db}\nspec: {encryptedData: {a: AgBx, b: AgBy}}\n-- after/shop --\napiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\nmetadata: {name: db}\nspec: {encryptedData: {a: AgBz, b: AgBy, c: AgBq}}\n",
			"shop: changed, synced by the agent\n  bitnami.com/SealedSecret shop/db: changed\n    spec.encryptedData.a -\"(hidden)\" +\"(hidden, another one)\"\n    spec.encryptedData.c +\"(hidden)\"\n",
		},
		{
			"all goes", "-- before/shop --\n" + configMap("a", "1") + "-- after/shop --\n",
			"shop: changed, synced by the agent\n  held: deletions are held: Git states no object at all: set spec.syncPolicy.automated.allowEmpty if that is meant\n  ConfigMap shop/a: deleted\n",
		},
		{
			"a namespace that goes with consent", "-- before/shop --\napiVersion: v1\nkind: Namespace\nmetadata: {name: old, annotations: {argocd.argoproj.io/sync-options: Prune=confirm}}\n---\n" + configMap("a", "1") + "-- after/shop --\n" + configMap("a", "1"),
			`shop: changed, synced by the agent
  held: deletions are held: it would delete Namespace old; approve with annotation tidelock.io/approve: HASH
  Namespace old: deleted; all that lives in it goes with it
`,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := hash.ReplaceAllString(text(Of(pairsOf(t, tt.in), noon)), "approve: HASH")
			if got != tt.want {
				t.Errorf("got\n%s\nwant\n%s", got, tt.want)
			}
		})
	}
}

// What is moved from an Application is one thing, whatever is asked about.
func TestTotals(t *testing.T) {
	r := Of(pairsOf(t, "-- before/a --\n"+configMap("m", "1")+configMap("gone", "1")+"-- after/a --\n"+configMap("kept", "2")+"-- after/b --\n"+configMap("m", "1")), noon)
	if got, want := r.Totals.String(), "2 Applications; objects: 1 created, 1 deleted, 1 moved"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	r.Only(func(_, name string) bool { return name == "b" })
	if got, want := r.Totals.String(), "1 Application; objects: 1 moved"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestOrder(t *testing.T) {
	at := func(wave, name string) string {
		return "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: " + name + ", annotations: {argocd.argoproj.io/sync-wave: '" + wave + "'}}\n---\n"
	}
	hook := "apiVersion: batch/v1\nkind: Job\nmetadata: {generateName: migrate-, annotations: {argocd.argoproj.io/hook: PreSync}}\n---\n"
	r := Of(pairsOf(t, "-- before/shop --\n"+at("1", "b")+at("0", "old")+"-- after/shop --\n"+at("2", "c")+strings.Replace(at("1", "b"), "metadata", "data: {a: b}\nmetadata", 1)+hook), noon)
	want := "PreSync 0 (run batch/Job shop/migrate-*), then Sync 0 (delete ConfigMap shop/old), then Sync 1 (change ConfigMap shop/b), then Sync 2 (create ConfigMap shop/c)"
	if got := r.Applications[0].Order(); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestWindowThatIsClosed(t *testing.T) {
	pairs := pairsOf(t, "-- before/shop --\n"+configMap("a", "1")+"-- after/shop --\n"+configMap("a", "2"))
	schedule, err := window.Compile([]api.SyncWindow{{Kind: api.WindowAllow, Schedule: "0 22 * * *", Duration: "1h", Applications: []string{"*"}}})
	if err != nil {
		t.Fatal(err)
	}
	pairs[0].Windows = schedule.For(window.TargetOf(pairs[0].After.App))
	got := Of(pairs, noon).Applications[0].Held
	want := []string{`no sync begins now: allow "0 22 * * *" 1h UTC is closed, until 2026-11-26T22:00:00Z`}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := Of(pairs, noon.Add(10*time.Hour)).Applications[0].Held; len(got) > 0 {
		t.Errorf("an open window holds: %q", got)
	}
}

// No way to print shows what a Secret holds, in whatever kind of change it is.
func TestSecretsAreInNoOutput(t *testing.T) {
	secret := func(name, value string) string {
		return "apiVersion: v1\nkind: Secret\nmetadata: {name: " + name + "}\nstringData: {password: " + value + "}\n---\n"
	}
	r := Of(pairsOf(t, "-- before/shop --\n"+secret("a", "hunter2")+secret("gone", "hunter4")+secret("gen-2h96k4dm7t", "hunter5")+
		"-- after/shop --\n"+secret("a", "hunter3")+secret("new", "hunter6")+secret("gen-8g5tbbm42k", "hunter7")), noon)
	printed, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	all := string(printed) + text(r) + r.Markdown(DefaultSize)
	for _, word := range []string{"hunter", "aHVudGVy"} {
		if strings.Contains(all, word) {
			t.Errorf("%q is shown:\n%s", word, all)
		}
	}
	if n := strings.Count(string(printed), `"(hidden, another one)"`); n != 2 {
		t.Errorf("%d values are told to have changed, want 2: %s", n, printed)
	}
}

// golden compares with a file.
func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s: got\n%s\nwant\n%s", file, got, want)
	}
}
