package agent_test

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/tidelock-io/tidelock"

// arrows are the import rules of DESIGN section 2: who may not depend, even
// through others, on what.
var arrows = []struct {
	from string // a package, or "dir/..."
	not  []string
	why  string
}{
	{"secrets", []string{module + "/"}, "Value is a leaf: everything that holds a secret imports it"},
	{"render/manifest", []string{"k8s.io/client-go", module + "/agent", module + "/plugins", module + "/render$"}, "objects are values, and know no cluster"},
	{"agent/api", []string{"k8s.io/client-go", module + "/"}, "the types serve anybody: apimachinery only"},
	{"agent/health", []string{"k8s.io/client-go", module + "/agent/cluster"}, "health is pure: hand it the object"},
	{"agent/health/script", []string{"k8s.io/client-go", module + "/agent/cluster"}, "a script sees one object"},
	{"agent/notify", []string{module + "/agent/cluster", module + "/agent/reconcile", module + "/agent/git", module + "/agent/keyring", module + "/agent/metrics", module + "/render$", module + "/plugins"}, "it is handed what it tells of"},
	{"agent/settings", []string{"k8s.io/client-go", module + "/agent/cluster", module + "/agent/reconcile"}, "settings are read from text: hand it the data"},
	{"agent/diff", []string{"k8s.io/client-go", module + "/agent/cluster", module + "/agent/plan"}, "diff is pure: hand it records"},
	{"agent/blast", []string{"k8s.io/client-go", module + "/agent/cluster", module + "/agent/apply", module + "/agent/reconcile", module + "/render$"}, "blast is pure: hand it what was rendered"},
	{"agent/fleet", []string{"k8s.io/client-go", module + "/agent/cluster", module + "/agent/apply", module + "/agent/reconcile", module + "/agent/git", module + "/render$"}, "fleet is pure: hand it what was rendered"},
	{"agent/project", []string{"k8s.io/client-go", module + "/agent/cluster"}, "project is pure: hand it the project"},
	{"agent/depend", []string{"k8s.io/client-go", module + "/"}, "depend is pure: hand it the Applications"},
	{"agent/window", []string{"k8s.io/client-go", module + "/agent/cluster"}, "window is pure: hand it the time"},
	{"agent/appset", []string{"k8s.io/client-go", module + "/agent/git", module + "/agent/cluster", module + "/agent/reconcile", module + "/render$"}, "appset is pure: hand it what generators ask"},
	{"agent/appset/forge", []string{"k8s.io/client-go", module + "/agent/cluster", module + "/agent/reconcile", module + "/render$"}, "it is handed what it reads in a cluster"},
	{"agent/install", []string{"k8s.io/client-go", module + "/agent/cluster", module + "/agent/reconcile", module + "/render"}, "what is installed is a function of options"},
	{"agent/shadow", []string{"k8s.io/client-go", module + "/agent/cluster", module + "/agent/apply", module + "/agent/reconcile", module + "/render$"}, "shadow is pure: hand it what both have found"},
	{"agent/migrate", []string{"k8s.io/client-go", module + "/agent/cluster", module + "/agent/apply", module + "/agent/reconcile", module + "/render$"}, "migrate is pure: hand it what was found"},
	{"agent/readonly", []string{module + "/"}, "what keeps all from writing knows none of it"},
	{"agent/plan", []string{"k8s.io/client-go", module + "/agent/cluster", module + "/agent/apply"}, "plan is pure: hand it changes"},
	{"agent/git", []string{"k8s.io/client-go", module + "/agent/", module + "/render", module + "/plugins"}, "a tree knows nothing of what is done with it"},
	{"agent/registry", []string{"k8s.io/client-go", module + "/agent/", module + "/render", module + "/plugins"}, "a tree knows nothing of what is done with it"},
	{"agent/cluster", []string{module + "/agent/plan", module + "/agent/apply", module + "/agent/reconcile", module + "/render$"}, "what is live does not depend on what is done about it"},
	{"agent/destinations", []string{module + "/agent/pipeline", module + "/agent/reconcile", module + "/agent/sets", module + "/render$"}, "how a cluster is reached does not depend on what is applied there"},
	{"agent/controlplane/...", []string{module + "/render", module + "/secrets", module + "/plugins", module + "/cmd"}, "running a program is no business of what it is asked"},
	{"agent/rehearsal", []string{module + "/agent/", module + "/render$", module + "/render/validate", module + "/plugins"}, "a rehearsal is given objects and a server, and tells what that says"},
	{"agent/shard", []string{module + "/agent/"}, "who works on what does not depend on what the work is"},
	{"agent/peers", []string{module + "/agent/cluster", module + "/agent/reconcile", module + "/render$"}, "it carries questions, and knows none"},
	{"agent/served", []string{module + "/agent/apply", module + "/agent/plan", module + "/agent/reconcile", module + "/render$", module + "/plugins"}, "asking what is served does nothing about it"},
	{"agent/apply", []string{module + "/agent/reconcile", module + "/render$", module + "/agent/git"}, "the writer runs plans and knows no Git"},
	{"render", []string{"k8s.io/client-go", module + "/agent/cluster", module + "/agent/apply", module + "/agent/reconcile"}, "rendering needs no cluster: the command line does it, too"},
	{"render/overlay", []string{"k8s.io/client-go", module + "/agent", module + "/plugins", module + "/render$"}, "an edit is a function of a text"},
	{"render/validate/...", []string{"k8s.io/client-go", module + "/agent/", module + "/plugins/host", module + "/render$"}, "findings are a function of objects and of the files they are from"},
	{"secrets/resolve", []string{module + "/agent/", module + "/render$"}, "the stage sees a set, and asks through interfaces"},
	{"agent/...", []string{"sigs.k8s.io/kustomize/api", "helm.sh/helm", "github.com/getsops/sops"}, "renderers and SOPS are processes of their own"},
	{"plugins/sops/open", []string{"github.com/getsops/sops", "k8s.io/client-go", module + "/agent", module + "/render"}, "callers of SOPS' plugins do without every cloud's SDK"},
	{"cmd/tidelock-kustomize", slices.Concat(heavy, []string{"helm.sh/helm", "github.com/google/go-jsonnet"}), "it starts soon for it has one plugin in it"},
	{"cmd/tidelock-directory", slices.Concat(heavy, []string{"helm.sh/helm", "sigs.k8s.io/kustomize"}), "it starts soon for it has one plugin in it"},
	{"cmd/tidelock-cmp", slices.Concat(heavy, []string{"helm.sh/helm", "sigs.k8s.io/kustomize", "github.com/google/go-jsonnet"}), "it starts soon for it has one plugin in it"},
	{"cmd/tidelock-helm", []string{"github.com/getsops/sops", "sigs.k8s.io/kustomize", "github.com/google/go-jsonnet", "github.com/google/cel-go", module + "/agent", module + "/render"}, "it starts soon for it has one plugin in it"},
	{"plugins/host", []string{"sigs.k8s.io/kustomize", "helm.sh/helm", "github.com/getsops/sops", "k8s.io/client-go", module + "/agent", module + "/render"}, "the host knows contracts, not plugins"},
}

// heavy is what takes long to start, or much memory.
var heavy = []string{"k8s.io/client-go", "k8s.io/api/", "github.com/getsops/sops", "github.com/google/cel-go", module + "/agent", module + "/render"}

// onlyFrom are packages that one place alone may import: their tests aside.
var onlyFrom = map[string][]string{
	module + "/plugins/kustomize": {module + "/cmd/tidelock", module + "/cmd/tidelock-kustomize"},
	module + "/plugins/directory": {module + "/cmd/tidelock", module + "/cmd/tidelock-directory"},
	module + "/plugins/helm":      {module + "/cmd/tidelock", module + "/cmd/tidelock-helm"},
	module + "/plugins/sops":      {module + "/cmd/tidelock"},
	module + "/plugins/cmp":       {module + "/cmd/tidelock", module + "/cmd/tidelock-cmp", module + "/plugins/installed"}, // how it is told what to run
}

type listed struct {
	ImportPath string
	Imports    []string
	Deps       []string
}

// list runs go list over the root module.
func list(t *testing.T) map[string]listed {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-json=ImportPath,Imports,Deps", "./...")
	cmd.Dir = ".."
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	packages := map[string]listed{}
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p listed
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return packages
		} else if err != nil {
			t.Fatal(err)
		}
		packages[p.ImportPath] = p
	}
}

// covers says whether a rule's pattern names a package: a prefix, or the whole
// path if it ends in $.
func covers(pattern, path string) bool {
	if exact, ok := strings.CutSuffix(pattern, "$"); ok {
		return path == exact
	}
	return strings.HasPrefix(path, pattern)
}

func TestArrows(t *testing.T) {
	packages := list(t)
	for _, arrow := range arrows {
		found := false
		for path, p := range packages {
			dir, tree := strings.CutSuffix(module+"/"+arrow.from, "/...")
			if path != dir && (!tree || !strings.HasPrefix(path, dir+"/")) {
				continue
			}
			found = true
			for _, dep := range p.Deps {
				for _, not := range arrow.not {
					if covers(not, dep) && !allowed(arrow.from, dep) {
						t.Errorf("%s depends on %s: %s", path, dep, arrow.why)
					}
				}
			}
		}
		if !found {
			t.Errorf("the rule for %s names no package", arrow.from)
		}
	}
}

// allowed are the values that the flow hands on: an arrow may always point at
// them.
func allowed(from, dep string) bool {
	switch dep {
	case module + "/secrets", module + "/render/manifest", module + "/plugins/sdk", module + "/plugins/sdk/sandbox", module + "/plugins/sdk/wire":
		return true
	case module + "/agent/git/signature":
		return from == "agent/git" || from == "agent/registry"
	case module + "/agent/git":
		return from == "agent/registry"
	case module + "/agent/api":
		return from != "render/manifest"
	case module + "/secrets/external", module + "/secrets/sealed", module + "/secrets/redact":
		return from == "secrets/resolve"
	}
	return false
}

func TestOnlyTheBinaryKnowsThePlugins(t *testing.T) {
	packages := list(t)
	for plugin, importers := range onlyFrom {
		if _, ok := packages[plugin]; !ok {
			t.Errorf("the rule for %s names no package", plugin)
		}
		for path, p := range packages {
			inside := strings.HasPrefix(path, plugin+"/")
			if slices.Contains(p.Imports, plugin) && !inside && !slices.Contains(importers, path) {
				t.Errorf("%s imports %s: it is a process, call it through plugins/host", path, plugin)
			}
		}
	}
}

// What is there for tests alone is in no program.
func TestNobodyImportsTheSimulation(t *testing.T) {
	simulation := module + "/agent/simtest"
	found := false
	for path, p := range list(t) {
		inside := path == simulation || strings.HasPrefix(path, simulation+"/")
		found = found || inside
		for _, dep := range p.Imports {
			if !inside && (dep == simulation || strings.HasPrefix(dep, simulation+"/")) {
				t.Errorf("%s imports %s, which is for tests", path, dep)
			}
		}
	}
	if !found {
		t.Errorf("there is no %s", simulation)
	}
}
