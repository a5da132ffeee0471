package api

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	crdvalidation "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/validation"
	structuralschema "k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/pruning"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/validation"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/yaml"
)

// crd is a CRD as an API server reads it.
func crd(t *testing.T, kind string) *apiextensions.CustomResourceDefinition {
	t.Helper()
	for _, document := range CRDs() {
		var v1 apiextensionsv1.CustomResourceDefinition
		if err := yaml.UnmarshalStrict([]byte(document), &v1); err != nil {
			t.Fatal(err)
		}
		if v1.Spec.Names.Kind != kind {
			continue
		}
		apiextensionsv1.SetDefaults_CustomResourceDefinition(&v1)
		apiextensionsv1.SetDefaults_CustomResourceDefinitionSpec(&v1.Spec)
		v1.Status.StoredVersions = []string{Version}
		var internal apiextensions.CustomResourceDefinition
		if err := apiextensionsv1.Convert_v1_CustomResourceDefinition_To_apiextensions_CustomResourceDefinition(&v1, &internal, nil); err != nil {
			t.Fatal(err)
		}
		return &internal
	}
	t.Fatalf("no CRD of %s", kind)
	return nil
}

// schemaOf is the schema of a CRD's only version. Conversion moves it to the top.
func schemaOf(t *testing.T, kind string) *apiextensions.JSONSchemaProps {
	t.Helper()
	return crd(t, kind).Spec.Validation.OpenAPIV3Schema
}

func structuralOf(t *testing.T, kind string) *structuralschema.Structural {
	t.Helper()
	structural, err := structuralschema.NewStructural(schemaOf(t, kind))
	if err != nil {
		t.Fatal(err)
	}
	return structural
}

// gate does to an object what an API server does: it validates and prunes it.
type gate struct {
	validator  validation.SchemaValidator
	structural *structuralschema.Structural
}

// gates are the gates of all kinds. To make them takes a second.
func gates(t *testing.T) map[string]gate {
	t.Helper()
	all := map[string]gate{}
	for _, kind := range kinds {
		validator, _, err := validation.NewSchemaValidator(schemaOf(t, kind))
		if err != nil {
			t.Fatal(err)
		}
		all[kind] = gate{validator, structuralOf(t, kind)}
	}
	return all
}

func (g gate) admit(t *testing.T, object map[string]any) {
	t.Helper()
	if errs := validation.ValidateCustomResource(nil, object, g.validator); len(errs) > 0 {
		t.Error(errs.ToAggregate())
	}
	pruned := runtime.DeepCopyJSON(object)
	pruning.Prune(pruned, g.structural, true)
	if diff := cmp.Diff(object, pruned); diff != "" {
		t.Errorf("pruned (-want +got):\n%s", diff)
	}
}

var kinds = []string{ApplicationKind, AppProjectKind, ApplicationSetKind}

func TestAPIServerAcceptsCRDs(t *testing.T) {
	for _, kind := range kinds {
		if errs := crdvalidation.ValidateCustomResourceDefinition(t.Context(), crd(t, kind)); len(errs) > 0 {
			t.Errorf("%s: %v", kind, errs.ToAggregate())
		}
	}
}

func TestAPIServerAcceptsExamples(t *testing.T) {
	all := gates(t)
	eachExample(t, func(t *testing.T, object map[string]any) {
		all[object["kind"].(string)].admit(t, object)
	})
}

// The committed CRDs are those of the types: an object with every field set passes, and
// the schema has exactly the fields that it sets.
func TestCRDsFollowTypes(t *testing.T) {
	all := gates(t)
	for _, kind := range kinds {
		t.Run(kind, func(t *testing.T) {
			object := emptyOf(t, kind)
			fill(reflect.ValueOf(object).Elem())
			content := asMap(t, asJSON(t, object))
			content["apiVersion"], content["kind"] = GroupVersion.String(), kind
			all[kind].admit(t, content)

			again := emptyOf(t, kind)
			if err := json.Unmarshal(asJSON(t, object), again); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(object, again); diff != "" {
				t.Errorf("round trip (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(schemaPaths(all[kind].structural), ownPaths(object)); diff != "" {
				t.Errorf("fields (-schema +types); run go generate:\n%s", diff)
			}
		})
	}
}

// ownPaths leaves out metadata, which the API server knows by itself.
func ownPaths(object any) []string {
	return slices.DeleteFunc(SetFields(object), func(path string) bool {
		return strings.HasPrefix(path, "metadata") || path == "kind" || path == "apiVersion"
	})
}

func schemaPaths(s *structuralschema.Structural) []string {
	found := map[string]struct{}{}
	var walk func(s *structuralschema.Structural, path string)
	walk = func(s *structuralschema.Structural, path string) {
		if path != "" {
			found[path] = struct{}{}
		}
		for name, property := range s.Properties {
			walk(&property, join(path, name))
		}
		if s.Items != nil {
			walk(s.Items, path+"[]")
		}
	}
	walk(s, "")
	for _, known := range []string{"apiVersion", "kind", "metadata"} {
		delete(found, known)
	}
	return slices.Sorted(maps.Keys(found))
}

func TestPrinterColumns(t *testing.T) {
	var got []string
	for _, column := range crd(t, ApplicationKind).Spec.AdditionalPrinterColumns {
		got = append(got, fmt.Sprintf("%s %s %d", column.Name, column.JSONPath, column.Priority))
	}
	want := []string{
		"Sync Status .status.sync.status 0",
		"Health Status .status.health.status 0",
		"Revision .status.sync.revision 10",
		"Project .spec.project 10",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("columns (-want +got):\n%s", diff)
	}
}

func TestNames(t *testing.T) {
	for kind, want := range map[string]string{
		ApplicationKind:    "applications [app apps] no status subresource",
		AppProjectKind:     "appprojects [appproj appprojs] no status subresource",
		ApplicationSetKind: "applicationsets [appset appsets] status subresource",
	} {
		c := crd(t, kind)
		status := "no status subresource"
		if s := c.Spec.Subresources; s != nil && s.Status != nil {
			status = "status subresource"
		}
		if got := fmt.Sprint(c.Spec.Names.Plural, " ", c.Spec.Names.ShortNames, " ", status); got != want {
			t.Errorf("%s: got %s, want %s", kind, got, want)
		}
	}
}

func TestAPIServerRefuses(t *testing.T) {
	all := gates(t)
	const head = "metadata: {name: a}\nspec: {project: a"
	for _, tt := range []struct{ name, kind, text, want string }{
		{"no destination", ApplicationKind, head + "}", "spec.destination: Required value"},
		{"no project", ApplicationKind, "metadata: {name: a}\nspec: {destination: {}}", "spec.project: Required value"},
		{"wrong type", ApplicationKind, head + ", destination: {}, source: {repoURL: 3}}",
			`spec.source.repoURL: Invalid value: "number": spec.source.repoURL in body must be of type string: "number"`},
		{"long description", AppProjectKind, "metadata: {name: a}\nspec: {description: " + strings.Repeat("x", 256) + "}",
			"spec.description: Too long: may not be more than 255 bytes"},
		{"no generators", ApplicationSetKind, "metadata: {name: a}\nspec: {template: {metadata: {}, spec: {project: a, destination: {}}}}",
			"spec.generators: Required value"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			object := *decode[map[string]any](t, tt.text)
			check(t, lines(validation.ValidateCustomResource(nil, object, all[tt.kind].validator)), tt.want)
		})
	}
}

func TestAPIServerPrunes(t *testing.T) {
	object := *decode[map[string]any](t, "metadata: {name: a}\nspec: {project: a, colour: blue}")
	pruning.Prune(object, structuralOf(t, ApplicationKind), true)
	if _, kept := object["spec"].(map[string]any)["colour"]; kept {
		t.Error("a field of no type is kept")
	}
}
