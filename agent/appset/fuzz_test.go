package appset

import (
	"errors"
	"testing"

	"github.com/tidelock-io/tidelock/agent/api"
)

// FuzzTemplates: no template, with any parameters, panics or writes beyond the limit; it
// gives the same twice, and if it fails nothing.
func FuzzTemplates(f *testing.F) {
	for _, seed := range []string{
		"{{ .name }}", "{{name}}", "{{ index .list 1 }}", "{{ range .list }}{{ . }}{{ end }}", "{{ define \"a\" }}{{ end }}{{ template \"a\" }}", "{{ .map.a | upper | quote }}",
		"{{ toYaml . }}", "{{ fromYaml .name }}", "{{", "}}", "{{}}", "{{ .x.y }}", "{{ slugify 5 true .name }}", "{{ printf \"%d%s\" 1 .name }}", "{{ with $x := .map }}{{ $x.a }}{{ end }}",
		"{{ set .map \"a\" .map }}", "{{ until 5 | join \",\" }}", "{{ range 3 }}{{ break }}{{ end }}", "{{ keys . | join \",\" }}{{ values . | toJson }}", "{{ now | date \"2006\" }}", "{{ dig \"a\" \"b\" \"c\" .map }}",
	} {
		f.Add(seed, true)
		f.Add(seed, false)
	}
	f.Fuzz(func(t *testing.T, text string, goTemplate bool) {
		set := goSet(text)
		if set.Spec.GoTemplate = goTemplate; !goTemplate {
			set.Spec.Generators[0].List.Elements = []api.AnyJSON{{Raw: []byte(`{"name":"one"}`)}}
		}
		r, err := Generate(t.Context(), set, Unavailable{}, Options{Now: now})
		if err != nil {
			var at *Error
			if r != nil || !errors.As(err, &at) {
				t.Fatalf("got %v, %v", r, err)
			}
			return
		}
		if n := len(r.Applications[0].App.Annotations["a"]); n > maxText && n != len(text) {
			t.Errorf("it writes %d bytes", n)
		}
		if again := shown(Generate(t.Context(), set, Unavailable{}, Options{Now: now})); again != shown(r, nil) {
			t.Errorf("got\n%sand then\n%s", shown(r, nil), again)
		}
	})
}

// FuzzParameters: no file of parameters panics, and none of what it holds is lost.
func FuzzParameters(f *testing.F) {
	for _, seed := range []string{"a: 1", "- a: {b: [1, 2]}", "", "null", "- null", "[1]", "{", "a: &a [*a]", "1: 2", "? [a]", "path: x\nvalues: {a: b}"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		sets, err := decodeSets(file)
		if err != nil {
			return
		}
		for _, params := range sets {
			if params == nil {
				t.Fatal("a set is nil")
			}
			flat := flatten(params)
			if got := flatten(overlay(params, params)); len(got) != len(flat) {
				t.Errorf("laid over itself it has %d parameters, and had %d", len(got), len(flat))
			}
			if got := flatten(clone(params).(Params)); len(got) != len(flat) {
				t.Errorf("its copy has %d parameters, and it has %d", len(got), len(flat))
			}
		}
	})
}
