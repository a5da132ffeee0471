package agreement

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sync/errgroup"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/tidelock-io/tidelock/render/manifest"
	"github.com/tidelock-io/tidelock/render/validate"
)

// A mutation breaks one thing of an object.
type mutation struct {
	class string // what it does
	path  string
	body  map[string]any
}

// mutate returns an object with each of its fields broken, one at a time and in
// several ways: left out, misspelt, of another type, of another value, said twice.
func mutate(body map[string]any) []mutation {
	var all []mutation
	var visit func(path []any)
	visit = func(path []any) {
		if fmt.Sprint(path) == "[metadata namespace]" {
			return // the destination's is taken where there is none
		}
		value := at(body, path)
		for class, change := range changes(path, value) {
			changed := runtime.DeepCopyJSON(body)
			change(changed)
			all = append(all, mutation{class, strings.Trim(fmt.Sprint(path), "[]"), changed})
		}
		switch v := value.(type) {
		case map[string]any:
			for _, name := range slices.Sorted(maps.Keys(v)) {
				visit(append(slices.Clone(path), name))
			}
		case []any:
			for i := range v {
				visit(append(slices.Clone(path), i))
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(body)) {
		if name != "apiVersion" && name != "kind" { // others make another kind of it
			visit([]any{name})
		}
	}
	slices.SortStableFunc(all, func(a, b mutation) int { return strings.Compare(a.path+a.class, b.path+b.class) })
	return all
}

// changes are the ways to break the value at a path.
func changes(path []any, value any) map[string]func(map[string]any) {
	parent, last := path[:len(path)-1], path[len(path)-1]
	set := func(v any) func(map[string]any) {
		return func(body map[string]any) { put(body, path, v) }
	}
	all := map[string]func(map[string]any){}
	if name, ok := last.(string); ok {
		all["dropped"] = func(body map[string]any) { delete(at(body, parent).(map[string]any), name) }
		all["misspelt"] = func(body map[string]any) {
			m := at(body, parent).(map[string]any)
			m[name+"x"] = m[name]
			delete(m, name)
		}
	}
	switch v := value.(type) {
	case string:
		all["retyped"], all["emptied"], all["spoilt"] = set(map[string]any{"a": "b"}), set(""), set("Not Valid!")
		all["made a number"] = set(int64(7))
	case int64:
		all["retyped"], all["spoilt"], all["made huge"] = set("many"), set(int64(-1)), set(int64(1)<<40)
	case float64:
		all["retyped"] = set("many")
	case bool:
		all["retyped"] = set("maybe")
	case map[string]any:
		all["retyped"], all["emptied"] = set("text"), set(map[string]any{})
	case []any:
		all["retyped"], all["emptied"] = set("text"), set([]any{})
		if len(v) > 0 {
			all["said twice"] = set(append(slices.Clone(v), runtime.DeepCopyJSONValue(v[0])))
		}
	}
	return all
}

func at(v any, path []any) any {
	for _, step := range path {
		switch step := step.(type) {
		case string:
			v = v.(map[string]any)[step]
		case int:
			v = v.([]any)[step]
		}
	}
	return v
}

func put(body map[string]any, path []any, v any) {
	parent := at(body, path[:len(path)-1])
	switch step := path[len(path)-1].(type) {
	case string:
		parent.(map[string]any)[step] = v
	case int:
		parent.([]any)[step] = v
	}
}

// every mutation takes twice as long.
var every = flag.Bool("mutations.all", false, "try every mutation, instead of a part of them")

// wantCaught is the share of what an API server refuses that must be found.
const wantCaught = 0.97

// stricter are rules that speak of what an API server takes, and a node does not.
var stricter = []string{validate.RuleProbePort, validate.RuleImage}

// TestMutations breaks the objects of the clean collection, each in all ways, and
// compares what both have against them.
func TestMutations(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), within)
	defer cancel()
	s := newServer(ctx, t)
	custom := &validate.Definitions{}
	set := cleanSet(t)
	for _, o := range set {
		custom.Add(o)
	}
	checker, err := validate.New("1.37", custom)
	if err != nil {
		t.Fatal(err)
	}
	var all []*trial
	for _, o := range set {
		if o.Key.Kind == "CustomResourceDefinition" {
			body := &unstructured.Unstructured{Object: o.Body()}
			s.define(ctx, t, body)
			defer s.drop(ctx, t, body)
			continue
		}
		if slices.Contains(checker.Unknown(manifest.Set{o}), o.Key.GroupKind().String()) {
			continue
		}
		for i, m := range mutate(bodyOf(t, o)) {
			if *every || i%2 == 0 {
				all = append(all, &trial{of: o, mutation: m})
			}
		}
	}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(4)
	for _, trial := range all {
		g.Go(func() error { return trial.run(ctx, s, checker) })
	}
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
	tally(t, all)
}

// A trial is a mutation, and what both say of it.
type trial struct {
	of *manifest.Object
	mutation
	ours, server string
}

func (r *trial) run(ctx context.Context, s *server, checker *validate.Checker) error {
	text, err := json.Marshal(r.body)
	if err != nil {
		return err
	}
	set, err := manifest.ParseStrict(text, manifest.Origin{File: "a.json"})
	if err != nil {
		r.ours = validate.RuleSyntax
	}
	for _, o := range set {
		for _, p := range checker.Object(ctx, o) {
			if rule, _ := validate.RuleNamed(p.Rule); rule.Severity == validate.Error && !slices.Contains(stricter, p.Rule) {
				r.ours = p.Rule + ": " + p.Path + ": " + p.Message
			}
		}
	}
	if err := s.apply(ctx, &unstructured.Unstructured{Object: r.body}, true); err != nil {
		r.server = err.Error()
	}
	return ctx.Err()
}

// allowed says whether it is right to be stricter than an API server: what cannot
// be a manifest is refused before, and of what does not fit into 32 bits it takes
// the lower ones in silence; a source of data that names nothing it forgets.
func (r *trial) allowed() bool {
	return r.ours == validate.RuleSyntax || strings.HasPrefix(r.path, "spec dataSource") || r.class == "made huge" && strings.Contains(r.ours, "32 bits")
}

func (r *trial) String() string {
	return fmt.Sprintf("%s: %s %s\n\tvalidate:   %.200s\n\tAPI server: %.300s", r.of.Key, r.path, r.class, r.ours, r.server)
}

func tally(t *testing.T, all []*trial) {
	t.Helper()
	refused, caught := map[string]int{}, map[string]int{}
	total, found := 0, 0
	for _, r := range all {
		switch {
		case r.server == "" && r.ours != "" && r.allowed():
			continue
		case r.server == "" && r.ours != "":
			t.Errorf("a false alarm: %s", r)
		case r.server == "":
			continue
		}
		refused[r.class]++
		total++
		if r.ours != "" {
			caught[r.class]++
			found++
		} else {
			t.Logf("not found: %s", r)
		}
	}
	for _, class := range slices.Sorted(maps.Keys(refused)) {
		t.Logf("%-14s %4d of %4d", class, caught[class], refused[class])
	}
	t.Logf("%d mutations, %d of them refused by the API server; %d of these are found", len(all), total, found)
	if total < 500 || float64(found) < wantCaught*float64(total) {
		t.Errorf("%d of %d are found; it must be %.0f %% of 500 at least", found, total, 100*wantCaught)
	}
}

func cleanSet(t *testing.T) manifest.Set {
	t.Helper()
	var set manifest.Set
	for _, c := range cases(t) {
		if c.clean {
			set = append(set, c.set...)
		}
	}
	return set
}

// bodyOf is an object with what a Secret holds.
func bodyOf(t *testing.T, o *manifest.Object) map[string]any {
	t.Helper()
	body := o.Body()
	if o.Key.Kind == "Secret" {
		data := map[string]any{}
		for key := range o.Data() {
			data[key] = ""
		}
		body["data"] = data
	}
	return body
}
