// Package agreement holds what package validate says of objects against what an
// API server says of them. It has tests only.
package agreement

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/tools/txtar"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/restmapper"

	"github.com/tidelock-io/tidelock/cmd/testenv"
	"github.com/tidelock-io/tidelock/render/manifest"
	"github.com/tidelock-io/tidelock/render/validate"
)

var env *testenv.Cluster

func TestMain(m *testing.M) { testenv.Main(m, &env) }

const within = 5 * time.Minute

// disagreements lists the objects of the collections of which an API server says
// otherwise, and why that is so.
const disagreements = "testdata/disagreements"

// A verdict of both on one object.
type verdict struct {
	id           string // case and object
	ours, server string // what each has against it, "" nothing
}

func (v verdict) agrees() bool { return (v.ours == "") == (v.server == "") }

// line is that of the table: without what the messages say, which is not for a
// table to hold.
func (v verdict) line() string {
	if v.ours == "" {
		return v.id + ": refused by the API server only"
	}
	return v.id + ": refused by validate only"
}

// TestAgreement applies every object of the collections of package validate by
// server-side dry run. The verdicts must agree, but for those of the table.
func TestAgreement(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), within)
	defer cancel()
	s := newServer(ctx, t)
	var all []verdict
	for _, c := range cases(t) {
		all = append(all, s.judge(ctx, t, c)...)
	}
	known := table(t)
	agreed, refused := 0, 0
	for _, v := range all {
		if v.server != "" {
			refused++
		}
		reason, listed := known[v.line()]
		delete(known, v.line())
		switch {
		case v.agrees():
			agreed++
		case !listed:
			t.Errorf("%s\n\tvalidate: %s\n\tAPI server: %s", v.line(), v.ours, v.server)
		case reason == "":
			t.Errorf("%s: the table gives no reason", v.line())
		}
	}
	for line := range known {
		t.Errorf("%s: it stands in the table, and is not so", line)
	}
	t.Logf("%d objects, %d of them refused by the API server; %d verdicts agree", len(all), refused, agreed)
	if len(all) < 100 || refused < 60 {
		t.Error("that is less than the collections have")
	}
}

// A testCase is one repository.
type testCase struct {
	name  string
	clean bool
	set   manifest.Set
}

// cases are those whose files can be read: what cannot be read reaches no server.
func cases(t *testing.T) []testCase {
	t.Helper()
	files, err := filepath.Glob("../testdata/*/*.txtar")
	if err != nil || len(files) < 80 {
		t.Fatalf("%d repositories: %v", len(files), err)
	}
	var all []testCase
	for _, file := range files {
		archive, err := txtar.ParseFile(file)
		if err != nil {
			t.Fatal(err)
		}
		c := testCase{name: strings.TrimSuffix(filepath.Base(file), ".txtar"), clean: filepath.Base(filepath.Dir(file)) == "clean"}
		for _, f := range archive.Files {
			if set, err := manifest.ParseStrict(f.Data, manifest.Origin{File: f.Name}); strings.HasSuffix(f.Name, ".yaml") && f.Name != validate.ConfigFile && err == nil {
				c.set = append(c.set, set...)
			}
		}
		all = append(all, c)
	}
	return all
}

// table reads the disagreements: lines of "verdict # reason".
func table(t *testing.T) map[string]string {
	t.Helper()
	text, err := os.ReadFile(disagreements)
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]string{}
	for line := range strings.Lines(string(text)) {
		verdict, reason, _ := strings.Cut(line, " # ")
		if verdict = strings.TrimSpace(verdict); verdict != "" && !strings.HasPrefix(verdict, "#") {
			known[verdict] = strings.TrimSpace(reason)
		}
	}
	return known
}

// A server says what an API server has against objects.
type server struct {
	mapper *restmapper.DeferredDiscoveryRESTMapper
	client dynamic.Interface
}

func newServer(ctx context.Context, t *testing.T) *server {
	t.Helper()
	s := &server{restmapper.NewDeferredDiscoveryRESTMapper(memory.NewMemCacheClient(env.Typed.Discovery())), env.Dynamic}
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "shop"}}
	if _, err := env.Typed.CoreV1().Namespaces().Create(ctx, namespace, metav1.CreateOptions{}); err != nil && !apierrors.IsAlreadyExists(err) {
		t.Fatal(err)
	}
	if err := wait.PollUntilContextCancel(ctx, 50*time.Millisecond, true, func(ctx context.Context) (bool, error) {
		_, err := env.Typed.CoreV1().ServiceAccounts("shop").Get(ctx, "default", metav1.GetOptions{})
		return err == nil, nil
	}); err != nil {
		t.Fatal(err)
	}
	return s
}

// judge asks both about the objects of one case. Its definitions are there for its
// other objects, and gone afterwards.
func (s *server) judge(ctx context.Context, t *testing.T, c testCase) []verdict {
	t.Helper()
	custom := &validate.Definitions{}
	for _, o := range c.set {
		custom.Add(o)
	}
	checker, err := validate.New("1.37", custom)
	if err != nil {
		t.Fatal(err)
	}
	text, err := c.set.YAML(true)
	if err != nil {
		t.Fatal(err)
	}
	docs := bytes.Split(bytes.TrimPrefix(text, []byte("---\n")), []byte("\n---\n"))
	if len(docs) != len(c.set) && len(c.set) > 0 {
		t.Fatalf("%s: %d documents of %d objects", c.name, len(docs), len(c.set))
	}
	unknown := checker.Unknown(c.set)
	var all []verdict
	order := definitionsFirst(c.set)
	for _, i := range order {
		o := c.set[i]
		if slices.Contains(unknown, o.Key.GroupKind().String()) {
			continue
		}
		v := verdict{id: c.name + ": " + o.Key.String()}
		for _, p := range checker.Object(ctx, o) {
			if rule, _ := validate.RuleNamed(p.Rule); rule.Severity == validate.Error {
				v.ours = p.Rule + ": " + p.Path + ": " + p.Message
				break
			}
		}
		body := &unstructured.Unstructured{}
		if err := yaml.Unmarshal(docs[i], &body.Object); err != nil {
			t.Fatal(err)
		}
		if err := s.apply(ctx, body, true); err != nil {
			v.server = err.Error()
		} else if o.Key.Kind == "CustomResourceDefinition" {
			s.define(ctx, t, body)
			defer s.drop(ctx, t, body)
		}
		all = append(all, v)
	}
	return all
}

func definitionsFirst(set manifest.Set) []int {
	var first, rest []int
	for i, o := range set {
		if o.Key.Kind == "CustomResourceDefinition" {
			first = append(first, i)
		} else {
			rest = append(rest, i)
		}
	}
	return append(first, rest...)
}

func (s *server) resource(o *unstructured.Unstructured) (dynamic.ResourceInterface, error) {
	gvk := o.GroupVersionKind()
	mapping, err := s.mapper.RESTMapping(gvk.GroupKind(), gvk.Version)
	if err != nil {
		return nil, err
	}
	if mapping.Scope.Name() == "namespace" {
		return s.client.Resource(mapping.Resource).Namespace(o.GetNamespace()), nil
	}
	return s.client.Resource(mapping.Resource), nil
}

// apply is what the agent does: server-side, by force, strict.
func (s *server) apply(ctx context.Context, o *unstructured.Unstructured, dry bool) error {
	resource, err := s.resource(o)
	if err != nil {
		return err
	}
	var only []string
	if dry {
		only = []string{metav1.DryRunAll}
	}
	if o.GetName() == "" {
		_, err = resource.Create(ctx, o, metav1.CreateOptions{DryRun: only, FieldManager: "tidelock", FieldValidation: metav1.FieldValidationStrict})
		return err
	}
	body, err := o.MarshalJSON()
	if err != nil {
		return err
	}
	force := true
	_, err = resource.Patch(ctx, o.GetName(), types.ApplyPatchType, body, metav1.PatchOptions{DryRun: only, FieldManager: "tidelock", Force: &force, FieldValidation: metav1.FieldValidationStrict})
	return err
}

// define makes the server serve a definition.
func (s *server) define(ctx context.Context, t *testing.T, crd *unstructured.Unstructured) {
	t.Helper()
	if err := s.apply(ctx, crd, false); err != nil {
		t.Fatal(err)
	}
	resource, err := s.resource(crd)
	if err != nil {
		t.Fatal(err)
	}
	if err := wait.PollUntilContextCancel(ctx, 20*time.Millisecond, true, func(ctx context.Context) (bool, error) {
		live, err := resource.Get(ctx, crd.GetName(), metav1.GetOptions{})
		if err != nil {
			return false, err
		}
		conditions, _, _ := unstructured.NestedSlice(live.Object, "status", "conditions")
		return strings.Contains(fmt.Sprint(conditions), "status:True type:Established"), nil
	}); err != nil {
		t.Fatal(err)
	}
	s.mapper.Reset()
}

func (s *server) drop(ctx context.Context, t *testing.T, crd *unstructured.Unstructured) {
	t.Helper()
	resource, err := s.resource(crd)
	if err == nil {
		err = resource.Delete(ctx, crd.GetName(), metav1.DeleteOptions{})
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := wait.PollUntilContextCancel(ctx, 20*time.Millisecond, true, func(ctx context.Context) (bool, error) {
		_, err := resource.Get(ctx, crd.GetName(), metav1.GetOptions{})
		return err != nil, nil
	}); err != nil {
		t.Fatal(err)
	}
	s.mapper.Reset()
}
