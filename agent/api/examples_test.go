package api

import (
	"encoding/json"
	"io/fs"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"sigs.k8s.io/yaml"
)

// example is one file of testdata/examples, as an API server would hold it.
func example(t *testing.T, file string) map[string]any {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	data, err := yaml.YAMLToJSONStrict(text)
	if err != nil {
		t.Fatal(err)
	}
	return asMap(t, data)
}

func asMap(t *testing.T, data []byte) map[string]any {
	t.Helper()
	var object map[string]any
	if err := json.Unmarshal(data, &object); err != nil {
		t.Fatal(err)
	}
	return object
}

func asJSON(t *testing.T, v any) []byte {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// emptyOf returns a zero object of a kind.
func emptyOf(t *testing.T, kind string) runtime.Object {
	t.Helper()
	scheme := runtime.NewScheme()
	if err := AddToScheme(scheme); err != nil {
		t.Fatal(err)
	}
	object, err := scheme.New(GroupVersion.WithKind(kind))
	if err != nil {
		t.Fatal(err)
	}
	return object
}

func eachExample(t *testing.T, run func(t *testing.T, object map[string]any)) {
	files, err := fs.Glob(os.DirFS("."), "testdata/examples/*.yaml")
	if err != nil || len(files) < 20 {
		t.Fatalf("%d examples, %v", len(files), err)
	}
	for _, file := range files {
		t.Run(file, func(t *testing.T) { run(t, example(t, file)) })
	}
}

// Nothing that a user writes is lost by decoding it and writing it back, by either road
// that clients take.
func TestRoundTrip(t *testing.T) {
	eachExample(t, func(t *testing.T, want map[string]any) {
		typed := emptyOf(t, want["kind"].(string))
		if err := json.Unmarshal(asJSON(t, want), typed); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, asMap(t, asJSON(t, typed.DeepCopyObject()))); diff != "" {
			t.Errorf("JSON (-want +got):\n%s", diff)
		}

		converted := emptyOf(t, want["kind"].(string))
		if err := runtime.DefaultUnstructuredConverter.FromUnstructured(want, converted); err != nil {
			t.Fatal(err)
		}
		back, err := runtime.DefaultUnstructuredConverter.ToUnstructured(converted)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, asMap(t, asJSON(t, back))); diff != "" {
			t.Errorf("unstructured (-want +got):\n%s", diff)
		}
	})
}

func TestExamplesAreValid(t *testing.T) {
	eachExample(t, func(t *testing.T, object map[string]any) {
		typed := emptyOf(t, object["kind"].(string))
		if err := json.Unmarshal(asJSON(t, object), typed); err != nil {
			t.Fatal(err)
		}
		var errs field.ErrorList
		var warnings []string
		switch o := typed.(type) {
		case *Application:
			errs, warnings = ValidateApplication(o), LintApplication(o)
		case *AppProject:
			errs, warnings = ValidateProject(o), LintProject(o)
		case *ApplicationSet:
			errs = ValidateApplicationSet(o)
		}
		if len(errs) > 0 {
			t.Error(errs.ToAggregate())
		}
		for _, w := range warnings {
			t.Error(w)
		}
	})
}
