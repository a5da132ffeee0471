package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tidelock-io/tidelock/agent/controlplane"
	"github.com/tidelock-io/tidelock/cmd/testenv"
	"github.com/tidelock-io/tidelock/render/validate"
)

// devclusterProgram is bin/devcluster.
func devclusterProgram(t *testing.T) string {
	t.Helper()
	root, err := testenv.Root()
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Join(root, "bin", controlplane.Program)
}

// A real API server says what no rule knows, at its place in the files, and leaves
// nothing behind.
func TestReal(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	work := t.TempDir()
	for name, text := range map[string]string{
		"policy.yaml": `apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: owned}
spec:
  matchConstraints:
    resourceRules: [{apiGroups: [""], apiVersions: [v1], operations: [CREATE], resources: [configmaps]}]
  validations: [{expression: "has(object.metadata.labels) && 'team' in object.metadata.labels", message: "it needs a label team"}]
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: {name: owned}
spec: {policyName: owned, validationActions: [Deny]}
`,
		"app/kustomization.yaml": "resources: [objects.yaml]\nnamespace: shop\n",
		"app/objects.yaml": `apiVersion: v1
kind: Secret
metadata: {name: login}
type: kubernetes.io/dockerconfigjson
data: {.dockerconfigjson: bm90LWpzb24tcGxhbnRlZA==}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec:
  selector: {app: web}
  ports:
    - {name: http, port: 70000}
`,
		"pod.yaml": `apiVersion: v1
kind: Namespace
metadata: {name: guarded, labels: {pod-security.kubernetes.io/enforce: baseline}}
---
apiVersion: v1
kind: Pod
metadata: {name: all, namespace: guarded}
spec: {hostNetwork: true, containers: [{name: a, image: "a:1"}]}
`,
		"loose.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: unowned}\n",
	} {
		file := filepath.Join(work, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	_, got := validated(t, work, []string{"--real", "--devcluster", devclusterProgram(t), "--kube-version", "1.36"})
	want := "app/objects.yaml:5 format\napp/objects.yaml:5 secret-plain\napp/objects.yaml:11 selects-nothing\napp/objects.yaml:13 port\nloose.yaml:3 policy\npod.yaml:5 real\n"
	if got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	left, err := os.ReadDir(os.Getenv("TMPDIR"))
	if err != nil || len(left) > 0 {
		t.Errorf("left: %v, %v", left, err)
	}
}

// What cannot be done says what to do.
func TestRealCannot(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	t.Setenv("TMPDIR", t.TempDir())
	for _, tt := range []struct {
		args []string
		want string
	}{
		{[]string{"--real"}, "make bin/devcluster"},
		{[]string{"--devcluster", "x"}, "is what --real starts"},
		{[]string{"--real", "--devcluster", "/nowhere/devcluster"}, "/nowhere/devcluster"},
		{[]string{"--real", "--devcluster", devclusterProgram(t), "--kube-version", "1.33"}, "1.33"},
	} {
		root := newRootCommand()
		root.SetArgs(append([]string{"validate", "--no-cache", t.TempDir()}, tt.args...))
		root.SetOut(io.Discard)
		root.SetErr(io.Discard)
		if err := root.ExecuteContext(t.Context()); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%v: got %v, want %q", tt.args, err, tt.want)
		}
	}
	left, err := os.ReadDir(os.Getenv("TMPDIR"))
	if err != nil || len(left) > 0 {
		t.Errorf("left: %v, %v", left, err)
	}
}

// knownDisagreements has, for each object of which the rules and an API server say
// otherwise, why that is so: "REPOSITORY: OBJECT: who # reason".
const knownDisagreements = "testdata/validate/disagreements"

// TestRepositoriesAgree asks one API server about every repository that is validated in
// tests, and counts what it and the rules say.
func TestRepositoriesAgree(t *testing.T) {
	whole(t)
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	server, err := startServer(ctx, realOptions{real: true, program: devclusterProgram(t)}, minor(defaultKubeVersion))
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := server.stop(); err != nil {
			t.Error(err)
		}
	}()
	var archives []string
	for _, pattern := range []string{"testdata/validate/*/*.txtar", "../../render/validate/testdata/*/*.txtar"} {
		found, err := filepath.Glob(pattern)
		if err != nil || len(found) == 0 {
			t.Fatalf("%s: %v", pattern, err)
		}
		archives = append(archives, found...)
	}
	known := readDisagreements(t)
	table := agreementTable{}
	for _, archive := range archives {
		if hasPolicies(t, archive) {
			continue
		}
		name := strings.TrimSuffix(filepath.Base(archive), ".txtar")
		v := confronted(ctx, t, archive, server)
		for _, d := range v.disagreements {
			who := "rules only"
			if len(d.Rules) == 0 {
				who = "server only"
			}
			line := name + ": " + d.Object + ": " + who
			if _, ok := known[line]; !ok {
				t.Errorf("%s, which is not among those that are known:\n\t%s", line, d)
			}
			known[line] = true
		}
		for _, c := range v.confronted {
			table.count(c)
		}
		if filepath.Base(filepath.Dir(archive)) == "clean" {
			for _, f := range v.findings {
				if f.Rule == validate.RuleReal {
					t.Errorf("the API server refuses something of a clean repository: %s: %s", name, f)
				}
			}
		}
	}
	for line, met := range known {
		if !met {
			t.Errorf("%s: it is among those that are known, and is not so", line)
		}
	}
	t.Logf("%d repositories:\n%s", len(archives), table)
}

// confronted validates a repository beside a server.
func confronted(ctx context.Context, t *testing.T, archive string, server *realServer) *validation {
	t.Helper()
	work, args, _ := unpackRepository(t, archive)
	o := validateOptions{parallel: 4, realOptions: realOptions{real: true}}
	o.kubeVersion, o.offline, o.cache.off = defaultKubeVersion, true, true
	for i := 0; i+1 < len(args); i += 2 {
		switch args[i] {
		case "--crds":
			o.crds = args[i+1]
		case "--repo":
			o.repos = append(o.repos, args[i+1])
		}
	}
	v, err := newValidation(o, []string{work}, newScreen(io.Discard))
	if err != nil {
		t.Fatal(err)
	}
	v.parts, v.server = []string{"."}, server
	if _, err := v.run(ctx); err != nil {
		t.Fatalf("%s: %v", archive, err)
	}
	return v
}

// hasPolicies says whether a server would have to take over policies, a second each:
// what these say is held against a server in render/validate/agreement.
func hasPolicies(t *testing.T, archive string) bool {
	t.Helper()
	text, err := os.ReadFile(archive)
	if err != nil {
		t.Fatal(err)
	}
	return bytes.Contains(text, []byte("ValidatingAdmissionPolicy"))
}

func readDisagreements(t *testing.T) map[string]bool {
	t.Helper()
	text, err := os.ReadFile(knownDisagreements)
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{}
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "#") || strings.TrimSpace(line) == "" {
			continue
		}
		what, reason, _ := strings.Cut(strings.TrimSpace(line), " # ")
		if reason == "" {
			t.Errorf("%s: no reason is given", what)
		}
		known[what] = false
	}
	return known
}

// An agreementTable counts objects by what was found of them: both refuse, both take,
// the rules alone refuse, the server alone does.
type agreementTable map[string][4]int

func (a agreementTable) count(c confrontation) {
	class := "nothing is found"
	for _, f := range c.found {
		if validate.Refused(f.Rule) {
			class = f.Rule
			break
		}
		class = "none that speaks for a server"
	}
	row := a[class]
	refused := validate.Refused(class)
	switch {
	case refused && len(c.refusals) > 0:
		row[0]++
	case !refused && len(c.refusals) == 0:
		row[1]++
	case refused:
		row[2]++
	default:
		row[3]++
	}
	a[class] = row
}

func (a agreementTable) String() string {
	var b bytes.Buffer
	rows := [][]string{{"FOUND", "BOTH REFUSE", "BOTH TAKE", "RULES ONLY", "SERVER ONLY"}}
	var all [4]int
	for _, class := range slices.Sorted(maps.Keys(a)) {
		row := []string{class}
		for i, n := range a[class] {
			row = append(row, fmt.Sprint(n))
			all[i] += n
		}
		rows = append(rows, row)
	}
	newScreen(&b).table(append(rows, []string{"all", fmt.Sprint(all[0]), fmt.Sprint(all[1]), fmt.Sprint(all[2]), fmt.Sprint(all[3])}))
	return b.String()
}
