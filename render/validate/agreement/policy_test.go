package agreement

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/tools/txtar"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/restmapper"

	"github.com/tidelock-io/tidelock/render/manifest"
	"github.com/tidelock-io/tidelock/render/validate"
	"github.com/tidelock-io/tidelock/render/validate/policy"
)

// TestPoliciesAgree gives an API server the policies of the cases of package policy,
// and has it judge the same objects: it denies what is denied here, for a reason of
// which the words are the same, and warns of what is warned of here.
func TestPoliciesAgree(t *testing.T) {
	files, err := filepath.Glob("../policy/testdata/cases/*.txtar")
	if err != nil || len(files) < 25 {
		t.Fatalf("%d cases: %v", len(files), err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), within)
	defer cancel()
	s := newPolicyServer(t)
	denied := 0
	for _, file := range files {
		name := strings.ReplaceAll(strings.TrimSuffix(filepath.Base(file), ".txtar"), "_", "-")
		archive, err := txtar.ParseFile(file)
		if err != nil {
			t.Fatal(err)
		}
		c := policyCase{name: name, parts: map[string]string{}}
		for _, f := range archive.Files {
			c.parts[f.Name] = string(f.Data)
		}
		denied += s.agree(ctx, t, c)
	}
	if denied < 25 {
		t.Errorf("%d objects are denied: that is less than the cases have", denied)
	}
}

type policyCase struct {
	name  string
	parts map[string]string
}

// A policyServer notes the warnings of its API server.
type policyServer struct {
	server
	mu     sync.Mutex
	warned []string // guarded by mu
}

func newPolicyServer(t *testing.T) *policyServer {
	t.Helper()
	s := &policyServer{}
	config := rest.CopyConfig(env.Config)
	config.WarningHandlerWithContext = s
	client, err := dynamic.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	s.server = server{restmapper.NewDeferredDiscoveryRESTMapper(memory.NewMemCacheClient(env.Typed.Discovery())), client}
	return s
}

// HandleWarningHeaderWithContext implements rest.WarningHandlerWithContext.
func (s *policyServer) HandleWarningHeaderWithContext(_ context.Context, _ int, _ string, text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.warned = append(s.warned, text)
}

func (s *policyServer) warnings() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	text := strings.Join(s.warned, "\n")
	s.warned = nil
	return text
}

// agree makes a case's namespace and policies, waits until they count, and compares
// the verdicts. It returns how many objects are denied.
func (s *policyServer) agree(ctx context.Context, t *testing.T, c policyCase) int {
	t.Helper()
	set, objects := documents(t, c.parts["objects.yaml"])
	here := s.here(t, c, set)
	world := "apiVersion: v1\nkind: Namespace\nmetadata: {name: case-" + c.name + "}\n---\n" + c.parts["cluster.yaml"]
	var made []*unstructured.Unstructured
	_, given := documents(t, world)
	slices.SortStableFunc(given, func(a, b *unstructured.Unstructured) int { return rank(a) - rank(b) })
	for _, o := range given {
		s.make(ctx, t, c, o)
		made = append(made, o)
	}
	_, policies := documents(t, c.parts["policies.yaml"]+sentinel(c.name))
	for _, o := range policies {
		s.make(ctx, t, c, o)
		made = append(made, o)
	}
	s.await(ctx, t, c.name)
	denied := 0
	for i, o := range set {
		var there, difference string
		// Of parameters the server learns in its own time.
		err := wait.PollUntilContextCancel(ctx, 100*time.Millisecond, true, func(ctx context.Context) (bool, error) {
			there = s.judged(ctx, objects[i])
			difference = differ(here[o.Key], there)
			return difference == "" || time.Until(deadline(ctx)) < within/2, nil
		})
		if err != nil || difference != "" {
			t.Errorf("%s: %s: %s\n\there: %v\n\tAPI server: %s", c.name, o.Key, difference, here[o.Key], there)
		}
		if strings.Contains(there, "denied request") {
			denied++
		}
	}
	slices.Reverse(policies)
	for _, o := range policies {
		s.remove(ctx, t, o)
	}
	for _, o := range made {
		if o.GetKind() == "CustomResourceDefinition" {
			s.drop(ctx, t, o)
		}
	}
	return denied
}

func deadline(ctx context.Context) time.Time {
	at, _ := ctx.Deadline()
	return at
}

// here are our verdicts.
func (s *policyServer) here(t *testing.T, c policyCase, set manifest.Set) map[manifest.Key][]validate.Problem {
	t.Helper()
	world, _ := documents(t, c.parts["policies.yaml"]+"\n---\n"+c.parts["cluster.yaml"])
	custom := &validate.Definitions{}
	for _, o := range world {
		custom.Add(o)
	}
	compiler, err := policy.New("1.37", custom)
	if err != nil {
		t.Fatal(err)
	}
	verdicts := map[manifest.Key][]validate.Problem{}
	for _, p := range compiler.Cluster(slices.Concat(world, set)).Judge(t.Context(), set) {
		verdicts[p.Object.Key] = append(verdicts[p.Object.Key], p)
	}
	return verdicts
}

// differ says in what two verdicts on one object do, "" if in nothing. The server
// says of one denial only.
func differ(here []validate.Problem, there string) string {
	denials, words := 0, false
	for _, p := range here {
		message, _, _ := strings.Cut(p.Message, " (ValidatingAdmissionPolicy ")
		if p.Rule == validate.RulePolicy {
			denials++
			words = words || strings.Contains(there, message)
		} else if !strings.Contains(there, "warning: ") || !strings.Contains(there, message) {
			return "only we warn of " + message
		}
	}
	switch refused := strings.Contains(there, "error: "); {
	case refused && denials == 0:
		return "only the server denies it"
	case !refused && denials > 0:
		return "only we deny it"
	case refused && !words:
		return "the reasons are others"
	case len(here) == 0 && strings.Contains(there, "Validation failed"):
		return "only the server warns"
	}
	return ""
}

// judged is what the server says of an object that would be created.
func (s *policyServer) judged(ctx context.Context, o *unstructured.Unstructured) string {
	s.warnings()
	err := s.apply(ctx, o.DeepCopy(), true)
	text := ""
	if warned := s.warnings(); warned != "" {
		text = "warning: " + warned + "\n"
	}
	if err != nil {
		text += "error: " + err.Error()
	}
	return text
}

// rank puts what others need first.
func rank(o *unstructured.Unstructured) int {
	switch o.GetKind() {
	case "Namespace":
		return 0
	case "CustomResourceDefinition":
		return 1
	}
	return 2
}

func (s *policyServer) make(ctx context.Context, t *testing.T, c policyCase, o *unstructured.Unstructured) {
	t.Helper()
	if o.GetKind() == "CustomResourceDefinition" {
		s.define(ctx, t, o)
		return
	}
	if err := s.apply(ctx, o.DeepCopy(), false); err != nil {
		t.Fatalf("%s: %s %s: %v", c.name, o.GetKind(), o.GetName(), err)
	}
}

func (s *policyServer) remove(ctx context.Context, t *testing.T, o *unstructured.Unstructured) {
	t.Helper()
	resource, err := s.resource(o)
	if err == nil {
		err = resource.Delete(ctx, o.GetName(), metav1.DeleteOptions{})
	}
	if err != nil {
		t.Fatal(err)
	}
}

// sentinel is a policy that is made last: when it denies what it is for, the others
// count, too.
func sentinel(name string) string {
	return fmt.Sprintf(`
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: sentinel-%[1]s}
spec:
  matchConstraints:
    resourceRules: [{apiGroups: [""], apiVersions: [v1], operations: [CREATE], resources: [endpoints], resourceNames: [sentinel-%[1]s]}]
  validations: [{expression: "false", message: the sentinel is there}]
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: {name: sentinel-%[1]s}
spec: {policyName: sentinel-%[1]s, validationActions: [Deny]}
`, name)
}

func (s *policyServer) await(ctx context.Context, t *testing.T, name string) {
	t.Helper()
	probe := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "v1", "kind": "Endpoints",
		"metadata": map[string]any{"name": "sentinel-" + name, "namespace": "default"},
	}}
	last := ""
	if err := wait.PollUntilContextCancel(ctx, 50*time.Millisecond, true, func(ctx context.Context) (bool, error) {
		last = s.judged(ctx, probe)
		return strings.Contains(last, "the sentinel is there"), nil
	}); err != nil {
		t.Fatalf("%s: the policies do not count: %v: %s", name, err, last)
	}
}

// documents are the objects of a text, ours and as they go to a server.
func documents(t *testing.T, text string) (manifest.Set, []*unstructured.Unstructured) {
	t.Helper()
	set, err := manifest.ParseStrict([]byte(text), manifest.Origin{File: "a.yaml"})
	if err != nil {
		t.Fatal(err)
	}
	var all []*unstructured.Unstructured
	for _, o := range set {
		body := &unstructured.Unstructured{}
		if err := yaml.Unmarshal(o.Reveal(), &body.Object); err != nil {
			t.Fatal(err)
		}
		all = append(all, body)
	}
	return set, all
}
