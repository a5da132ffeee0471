package appset

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/tidelock-io/tidelock/agent/api"
)

// goSet is a set of one element with a template in its annotation.
func goSet(text string) *api.ApplicationSet {
	return &api.ApplicationSet{Spec: api.ApplicationSetSpec{
		GoTemplate: true,
		Generators: []api.Generator{{List: &api.ListGenerator{Elements: []api.AnyJSON{{Raw: []byte(`{"name":"one","list":[1,2,3],"map":{"a":"b"}}`)}}}}},
		Template:   api.ApplicationSetTemplate{Metadata: api.ApplicationSetTemplateMeta{Name: "one", Annotations: map[string]string{"a": text}}},
	}}
}

// TestHostileTemplates: each ends with an error, and with neither all memory nor all
// time spent.
func TestHostileTemplates(t *testing.T) {
	for name, text := range map[string]string{
		"endless loop":         `{{ range 1000000000000 }}{{ end }}`,
		"nested loops":         `{{ range 100000 }}{{ range 100000 }}{{ range 100000 }}{{ end }}{{ end }}{{ end }}`,
		"loop in else":         `{{ range list }}{{ else }}{{ if false }}{{ else }}{{ with .name }}{{ range 1000000000 }}{{ end }}{{ end }}{{ end }}{{ end }}`,
		"writes much":          `{{ range 100000 }}{{ repeat 1000 "x" }}{{ end }}`,
		"calls itself":         `{{ define "a" }}{{ template "a" . }}{{ end }}{{ template "a" . }}`,
		"calls itself twice":   `{{ define "a" }}{{ template "a" . }}{{ template "a" . }}{{ end }}{{ template "a" . }}`,
		"block in a loop":      `{{ define "a" }}{{ range 100 }}{{ template "b" . }}{{ end }}{{ end }}{{ define "b" }}{{ template "a" . }}{{ end }}{{ template "a" . }}`,
		"repeat":               `{{ repeat 1000000000 "x" | len }}`,
		"repeat of a repeat":   `{{ repeat 100000 (repeat 100000 "x") | len }}`,
		"until":                `{{ until 1000000000 | len }}`,
		"untilStep":            `{{ untilStep 0 1000000000 1 | len }}`,
		"seq":                  `{{ seq 1 1000000000 | len }}`,
		"seq backwards":        `{{ seq 1000000000 -1 0 | len }}`,
		"indent":               `{{ indent 1000000000 "x" | len }}`,
		"nindent":              `{{ nindent 1000000000 "x" | len }}`,
		"printf width":         `{{ printf "%1000000d%1000000d" 1 2 | len }}`,
		"printf star":          `{{ printf "%*d%*d" 1000000 1 1000000 2 | len }}`,
		"printf again":         `{{ printf (repeat 10000 "%[1]s") (repeat 100000 "x") | len }}`,
		"print":                `{{ $x := repeat 500000 "x" }}{{ print $x $x $x | len }}`,
		"html":                 `{{ $x := repeat 500000 "<" }}{{ html $x $x | len }}`,
		"join":                 `{{ join (repeat 1000 "x") (until 9000) | len }}`,
		"replace":              `{{ replace "x" (repeat 10000 "y") (repeat 10000 "x") | len }}`,
		"regexReplaceAll":      `{{ regexReplaceAll "x" (repeat 10000 "x") (repeat 10000 "y") | len }}`,
		"wrapWith":             `{{ wrapWith 1 (repeat 10000 "y") (repeat 10000 "x ") | len }}`,
		"doubled text":         `{{ $x := "x" }}{{ range 100 }}{{ $x = cat $x $x }}{{ end }}`,
		"doubled list":         `{{ $x := list 1 }}{{ range 100 }}{{ $x = concat $x $x }}{{ end }}`,
		"doubled map":          `{{ $x := dict }}{{ range 100 }}{{ $x = dict "a" $x "b" $x }}{{ end }}{{ $x }}`,
		"map in itself":        `{{ $x := dict }}{{ $y := set $x "a" $x }}{{ $x }}`,
		"map in its child":     `{{ $x := dict "a" dict }}{{ $y := set $x.a "b" $x }}{{ $x }}`,
		"merged into itself":   `{{ $x := dict }}{{ $y := merge $x (dict "a" $x) }}{{ $x }}`,
		"long":                 strings.Repeat("x", maxTemplate) + `{{ .name }}`,
		"deep parentheses":     "{{ " + strings.Repeat("(", 100_000) + "1" + strings.Repeat(")", 100_000) + " }}",
		"deep text for YAML":   `{{ fromYaml (printf "a: %s1%s" (repeat 50000 "[") (repeat 50000 "]")) | len }}`,
		"deep text for JSON":   `{{ fromJson (printf "%s1%s" (repeat 5000 "[") (repeat 5000 "]")) | len }}`,
		"aliases":              "{{ fromYaml \"a: &a [x,x,x,x,x,x,x,x,x]\\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a]\\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b]\\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c]\\ne: [*d,*d,*d,*d,*d,*d,*d,*d]\" | len }}",
		"nothing to divide by": `{{ div 1 0 }}`,
		"negative repeat":      `{{ repeat -1 "x" }}`,
		"chunk of nothing":     `{{ chunk 0 (list 1 2) | len }}`,
	} {
		t.Run(name, func(t *testing.T) {
			result, err := Generate(t.Context(), goSet(text), Unavailable{}, Options{})
			var at *Error
			if !errors.As(err, &at) || result != nil || at.Field != "spec.template.metadata.annotations.a" {
				t.Errorf("got %v, %v", result, err)
			}
			if len(fmt.Sprint(err)) > 4000 {
				t.Errorf("the error has %d bytes", len(err.Error()))
			}
		})
	}
}

// TestTemplatesDoNotChangeParameters: what one field does to them, no other sees.
func TestTemplatesDoNotChangeParameters(t *testing.T) {
	set := goSet(`{{ $x := set .map "a" "changed" }}{{ $y := unset . "name" }}{{ .map.a }}`)
	set.Spec.Template.Metadata.Labels = map[string]string{"z": "{{ .map.a }}-{{ .name }}"}
	r, err := Generate(t.Context(), set, Unavailable{}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	app := r.Applications[0].App
	if app.Annotations["a"] != "changed" || app.Labels["z"] != "b-one" {
		t.Errorf("got %v, %v", app.Annotations, app.Labels)
	}
}

func TestLimits(t *testing.T) {
	many := make([]api.AnyJSON, 400)
	for i := range many {
		many[i].Raw = fmt.Appendf(nil, `{"name":"a%d"}`, i)
	}
	list := func(field string) api.NestedGenerator {
		raw := `{"list":{"elements":[`
		for i := range many {
			raw += fmt.Sprintf(`{"%s":"%d"},`, field, i)
		}
		n := api.NestedGenerator{}
		n.Raw = []byte(strings.TrimSuffix(raw, ",") + `]}}`)
		return n
	}
	named := api.ApplicationSetTemplate{Metadata: api.ApplicationSetTemplateMeta{Name: "{{.name}}"}}
	matrix := api.Generator{Matrix: &api.MatrixGenerator{Generators: []api.NestedGenerator{list("name"), list("b")}}}
	for name, spec := range map[string]api.ApplicationSetSpec{
		"Applications": {GoTemplate: true, Template: named, Generators: []api.Generator{{List: &api.ListGenerator{Elements: many}}}},
		"parameters":   {GoTemplate: true, Template: named, Generators: []api.Generator{matrix}},
	} {
		_, err := Generate(t.Context(), &api.ApplicationSet{Spec: spec}, Unavailable{}, Options{MaxApplications: 399})
		if !errors.Is(err, ErrLimit) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestFilesOfParametersAreBounded(t *testing.T) {
	for name, text := range map[string]string{
		"size":          "a: " + strings.Repeat("x", maxFile),
		"depth":         "a: " + strings.Repeat("[", 200) + strings.Repeat("]", 200),
		"depth of many": "- a: " + strings.Repeat("[", 200) + strings.Repeat("]", 200),
	} {
		from := &given{repo: fstest.MapFS{"a.yaml": {Data: []byte(text)}}}
		set := goSet("x")
		set.Spec.Generators = []api.Generator{{Git: &api.GitGenerator{RepoURL: "x", Files: []api.GitPathFilter{{Path: "*.yaml"}}}}}
		if _, err := Generate(t.Context(), set, from, Options{}); !errors.Is(err, ErrLimit) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestGenerationEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Generate(ctx, goSet("x"), Unavailable{}, Options{}); !errors.Is(err, ErrLimit) || !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestUnavailable(t *testing.T) {
	for name, g := range map[string]api.Generator{
		"git":          {Git: &api.GitGenerator{RepoURL: "x", Directories: []api.GitPathFilter{{Path: "*"}}}},
		"clusters":     {Clusters: &api.ClusterGenerator{}},
		"pullRequest":  {PullRequest: &api.PullRequestGenerator{Github: &api.PullRequestGithub{}}},
		"scmProvider":  {SCMProvider: &api.SCMProviderGenerator{Github: &api.SCMGithub{}}},
		"plugin":       {Plugin: &api.PluginGenerator{}},
		"of decisions": {ClusterDecisionResource: &api.ClusterDecisionResourceGenerator{}},
	} {
		set := goSet("x")
		set.Spec.Generators = append(set.Spec.Generators, g)
		r, err := Generate(t.Context(), set, Unavailable{}, Options{})
		var at *Error
		if !errors.Is(err, ErrUnavailable) || !errors.As(err, &at) || at.Generator != 1 || r != nil {
			t.Errorf("%s: %v, %v", name, r, err)
		}
	}
}

// TestPartial goes on without what cannot be answered, and without any of it.
func TestPartial(t *testing.T) {
	set := goSet("x")
	more := set.Spec.Generators[0]
	more.List = &api.ListGenerator{Elements: []api.AnyJSON{{Raw: []byte(`{"name":"three"}`)}}}
	half := api.Generator{List: &api.ListGenerator{Elements: []api.AnyJSON{{Raw: []byte(`{"name":"two"}`)}}}, Plugin: &api.PluginGenerator{}}
	set.Spec.Generators = append(set.Spec.Generators, half, more)
	set.Spec.Template.Metadata.Name = "{{ .name }}"
	r, err := Generate(t.Context(), set, Unavailable{}, Options{Partial: true})
	if err != nil || len(r.Left) != 1 || r.Left[0].Generator != 1 {
		t.Fatalf("got %v, %v", r, err)
	}
	var apps []*api.Application
	for _, made := range r.Applications {
		apps = append(apps, made.App)
	}
	if got := strings.Join(namesOf(apps), " "); got != "one three" {
		t.Errorf("got %s", got)
	}
}
