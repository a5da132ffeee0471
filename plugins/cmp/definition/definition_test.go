package definition_test

import (
	"strings"
	"testing"

	"github.com/tidelock-io/tidelock/plugins/cmp/definition"
)

const head = "apiVersion: argoproj.io/v1alpha1\nkind: ConfigManagementPlugin\nmetadata: {name: my-plugin}\n"

// full has all fields that Argo CD documents.
const full = head + `spec:
  version: v1.0
  init:
    command: [sh]
    args: [-c, 'echo "Initializing..."']
  generate:
    command: [sh, -c]
    args:
    - |
      echo "{\"kind\": \"ConfigMap\"}"
  discover:
    fileName: "./subdir/s*.yaml"
    find:
      glob: "**/Chart.yaml"
      command: [sh, -c, find . -name env.yaml]
  parameters:
    static:
    - name: string-param
      title: Description of the string param
      tooltip: Tooltip shown when the user hovers the
      required: false
      itemType: string
      collectionType: string
      string: default-string-value
    - {name: array-param, collectionType: array, array: [default, items]}
    - {name: map-param, collectionType: map, map: {some: value}}
    dynamic:
      command: [echo, '[]']
  preserveFileMode: true
  provideGitCreds: true
  allowConcurrency: true
  lockRepo: false
`

func TestParse(t *testing.T) {
	for _, tt := range []struct{ name, text, want string }{
		{"all fields", full, "my-plugin-v1.0"},
		{"the least", head + "spec: {generate: {command: [x]}}\n", "my-plugin"},
		{"a misspelt field", head + "spec:\n  genrate: {command: [x]}\n", `plugin.yaml:5: unknown key "spec.genrate", did you mean "generate"?`},
		{"a field of the wrong kind", head + "spec:\n  generate: {command: x}\n", `plugin.yaml:5: spec.generate.command must be a list`},
		{"no command", head + "spec: {init: {command: [x]}}\n", "plugin.yaml: spec.generate.command is missing"},
		{"no name", strings.Replace(head, "name: my-plugin", "", 1) + "spec: {generate: {command: [x]}}\n", "plugin.yaml: metadata.name is missing"},
		{"a bad name", strings.Replace(head, "my-plugin", "../x", 1) + "spec: {generate: {command: [x]}}\n", `plugin.yaml: metadata.name and spec.version make "../x": want letters, digits, dots and dashes, 63 at most`},
		{"another kind", "apiVersion: v1\nkind: ConfigMap\n", `plugin.yaml: kind is "ConfigMap", want ConfigManagementPlugin`},
		{"a bad pattern", head + "spec: {generate: {command: [x]}, discover: {fileName: '[a'}}\n", `plugin.yaml: spec.discover.fileName: "[a" is no pattern`},
		{"a pattern that leads out", head + "spec: {generate: {command: [x]}, discover: {find: {glob: a/../../x}}}\n", `plugin.yaml: spec.discover.find.glob: "a/../../x" leads out of the directory`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d, err := definition.Parse("plugin.yaml", []byte(tt.text))
			var got string
			if err != nil {
				got = err.Error()
			} else {
				got = d.ID()
			}
			if got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

func TestWarnings(t *testing.T) {
	d, err := definition.Parse("plugin.yaml", []byte(full))
	if err != nil {
		t.Fatal(err)
	}
	got := strings.Join(d.Warnings(), "\n")
	for _, want := range []string{"spec.provideGitCreds: ", "spec.parameters.dynamic: "} {
		if !strings.Contains(got, want) {
			t.Errorf("warnings %q lack %q", got, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(full)
	f.Add(head)
	f.Add("spec: &a {generate: *a}\n")
	f.Fuzz(func(t *testing.T, text string) {
		d, err := definition.Parse("plugin.yaml", []byte(text))
		switch {
		case err != nil && !strings.HasPrefix(err.Error(), "plugin.yaml:"):
			t.Errorf("the error says no file: %v", err)
		case err == nil && (d.ID() == "" || len(d.Spec.Generate.Argv()) == 0 || strings.ContainsAny(d.ID(), "/\x00")):
			t.Errorf("accepted %q as %+v", text, d)
		}
	})
}
