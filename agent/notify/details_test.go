package notify

import (
	"context"
	"strings"
	"testing"
)

// TestDetails: templates and conditions that ask for details of an Application get what it
// states and what is live, and an error that says what is not looked at.
func TestDetails(t *testing.T) {
	const chart = `
status: {sourceType: Helm}
spec:
  source:
    repoURL: r
    chart: c
    helm:
      valueFiles: [a.yaml, b.yaml]
      fileParameters: [{name: cert, path: certs/tls.crt}]
      parameters: [{name: image.tag, value: v2}, {name: empty, value: ""}]
      valuesObject: {image: {tag: v1, name: web}, replicas: 3, enabled: true}
`
	for _, tt := range []struct{ name, app, template, want string }{
		{"a type", chart, `{{ (call .repo.GetAppDetails).Type }}`, "Helm"},
		{"a parameter", chart, `{{ (call .repo.GetAppDetails).Helm.GetParameterValueByName "image.tag" }}`, "v2"},
		{"one that is empty", chart, `{{ (call .repo.GetAppDetails).Helm.GetParameterValueByName "empty" }}`, ""},
		{"a value", chart, `{{ (call .repo.GetAppDetails).Helm.GetParameterValueByName "image.name" }}`, "web"},
		{"a number, a truth", chart, `{{ (call .repo.GetAppDetails).Helm.GetParameterValueByName "replicas" }} {{ (call .repo.GetAppDetails).Helm.GetParameterValueByName "enabled" }}`, "3 true"},
		{"one of the chart", chart, `{{ (call .repo.GetAppDetails).Helm.GetParameterValueByName "service.port" }}`, "error: the Application states no value of service.port, and what the chart's own files say is not looked at"},
		{"one that is many", chart, `{{ (call .repo.GetAppDetails).Helm.GetParameterValueByName "image" }}`, "error: the Application states no value of image"},
		{"files", chart, `{{ (call .repo.GetAppDetails).Helm.HelmAppSpec.ValueFiles }} {{ (call .repo.GetAppDetails).Helm.GetFileParameterPathByName "cert" }}{{ (call .repo.GetAppDetails).Helm.GetFileParameterPathByName "none" }}`, "[a.yaml b.yaml] certs/tls.crt"},
		{"values", chart, `{{ (call .repo.GetAppDetails).Helm.HelmAppSpec.Values }}`, "enabled: true\nimage:\n  name: web\n  tag: v1\nreplicas: 3\n"},
		{"a chart of which nothing is stated", "status: {sourceType: Helm}", `{{ (call .repo.GetAppDetails).Helm.GetParameterValueByName "a" }}`, "error: the Application states no value of a"},
		{"values that are none", `{status: {sourceType: Helm}, spec: {source: {repoURL: r, helm: {values: "{"}}}}`, `{{ (call .repo.GetAppDetails).Helm.GetParameterValueByName "a" }}`, "error: helm.values: "},
		{"images", "status: {sourceType: Kustomize, summary: {images: [web:1, db:2]}}", `{{ (call .repo.GetAppDetails).Kustomize.Images }}`, "[web:1 db:2]"},
		{"several sources", "status: {sourceTypes: [Directory, Helm]}", `{{ (call .repo.GetAppDetails).Type }} {{ if (call .repo.GetAppDetails).Directory }}plain{{ end }}`, "Directory plain"},
		{"of another type", "status: {sourceType: Plugin}", `{{ with (call .repo.GetAppDetails).Helm }}chart{{ else }}none{{ end }}`, "none"},
		{"not rendered", "{}", `{{ (call .repo.GetAppDetails).Type }}`, "error: the Application was not rendered yet"},
		{"no source", "{status: {sourceType: Helm}, spec: {source: null}}", `{{ (call .repo.GetAppDetails).Type }}`, "error: the Application has no source"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := Compile(Source{ConfigMap: map[string]string{"template.a": "message: |-\n  " + tt.template}})
			if len(c.Mistakes) > 0 {
				t.Fatal(c.Mistakes)
			}
			n, err := c.Render(context.Background(), vars(t, c, Moment{App: application(t, tt.app)}), destination{}, []string{"a"})
			want, fails := strings.CutPrefix(tt.want, "error: ")
			switch {
			case fails && (err == nil || !strings.Contains(err.Error(), want)), !fails && err != nil:
				t.Errorf("got %v, want %s", err, tt.want)
			case !fails && n.Message != want:
				t.Errorf("got %q, want %q", n.Message, want)
			}
		})
	}
	c := Compile(Source{})
	trigger, err := compileTrigger([]condition{{When: `repo.GetAppDetails().Helm.GetParameterValueByName("image.tag") == "v2"`}})
	if err != nil {
		t.Fatal(err)
	}
	if results, why := trigger.Run(vars(t, c, Moment{App: application(t, chart)})); !results[0].Triggered {
		t.Errorf("the condition does not hold: %v", why)
	}
}
