package helm_test

import (
	"context"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tidelock-io/tidelock/plugins/helm"
	"github.com/tidelock-io/tidelock/plugins/pluginstest"
	"github.com/tidelock-io/tidelock/plugins/sdk"
)

// renderChart renders a chart whose Chart.yaml is not of interest.
func renderChart(t *testing.T, files string) (*sdk.RenderResult, error) {
	t.Helper()
	return helm.Renderer{}.Render(context.Background(), &sdk.RenderRequest{
		Application: "shop", Path: ".", Host: sdk.NoHost{}, KubeVersion: kubeVersion,
		Tree: pluginstest.ParseTree("-- Chart.yaml --\napiVersion: v2\nname: shop\nversion: 1.0.0\n" + files),
	})
}

const object = "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\n"

// TestFickle: what is not the same at each render is named; what only might be
// is not, and a value does not show.
func TestFickle(t *testing.T) {
	for _, tt := range []struct{ name, template, want string }{
		{"password", object + "stringData: {p: {{ randAlphaNum 8 }}}", "Secret a: stringData.p is not the same at each render (randAlphaNum at templates/a.yaml:4)"},
		{"one digit", object + "stringData: {p: {{ randNumeric 1 | quote }}}", "Secret a: stringData.p is not the same at each render (randNumeric at templates/a.yaml:4)"},
		{"number", object + "count: {{ randInt 0 3 }}", "Secret a: count is not the same at each render (randInt at templates/a.yaml:4)"},
		{"identifier", object + "data: [{p: {{ uuidv4 | b64enc }}}]", "Secret a: data[0].p is not the same at each render (uuidv4 at templates/a.yaml:4)"},
		{"authority", object + "{{ $ca := genCA \"x\" 1 }}{{ $c := genSignedCert \"y\" nil nil 1 $ca }}data: {c: {{ $c.Cert | b64enc }}}", "Secret a: data.c is not the same at each render (genCA, genSignedCert at templates/a.yaml:4)"},
		{"certificate", object + "{{ $c := genSelfSignedCert \"y\" nil nil 1 }}data: {k: {{ $c.Key | b64enc }}}", "Secret a: data.k is not the same at each render (genSelfSignedCert at templates/a.yaml:4)"},
		{"key", object + "data: {k: {{ genPrivateKey \"ed25519\" | b64enc }}}", "Secret a: data.k is not the same at each render (genPrivateKey at templates/a.yaml:4)"},
		{"hash", object + "stringData: {h: {{ htpasswd \"u\" \"p\" }}}", "Secret a: stringData.h is not the same at each render (htpasswd at templates/a.yaml:4)"},
		{"cipher", object + "stringData: {h: {{ encryptAES \"k\" \"p\" }}}", "Secret a: stringData.h is not the same at each render (encryptAES at templates/a.yaml:4)"},
		{"hour", object + "at: {{ now | date \"15\" | quote }}", "Secret a: at is not the same at each render (now at templates/a.yaml:4)"},
		{"year", object + "at: {{ now | date \"2006\" | quote }}", "Secret a: at is not the same at each render (now at templates/a.yaml:4)"},
		{"no date", object + "at: {{ date \"2006-01-02\" nil }}", "Secret a: at is not the same at each render (date, now at templates/a.yaml:4)"},
		{"shuffled", object + "x: {{ shuffle \"ab\" }}", "Secret a: x is not the same at each render (shuffle at templates/a.yaml:4)"},
		{"objects", "{{ range until (randInt 0 2) }}" + object + "{{ end }}", "which objects there are is not the same at each render, because of randInt"},
		{"default only", object + "x: {{ \"given\" | default (randAlphaNum 8) }}", ""},
		{"fixed date", object + "x: {{ dateInZone \"2006\" 0 \"UTC\" | quote }}", ""},
		{"not called", object + "{{ if false }}x: {{ now }}{{ end }}", ""},
		{"of no consequence", object + "x: {{ randAlphaNum 8 | len }}", ""},
		{"changes its values", object + "{{ $_ := set .Values \"n\" (add (.Values.n | default 0) 1) }}x: {{ .Values.n }}{{ $_ := uuidv4 }}", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			result, err := renderChart(t, "-- templates/a.yaml --\n"+tt.template+"\n")
			if err != nil {
				t.Fatal(err)
			}
			got := strings.Join(result.Warnings, "\n")
			if tt.want == "" && got != "" || !strings.Contains(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// TestSorted: what helm gives in random order comes sorted.
func TestSorted(t *testing.T) {
	for range 20 {
		result, err := renderChart(t, "-- values.yaml --\nm: {d: 4, a: 1, c: 3, b: 2, e: 5}\n-- templates/a.yaml --\n"+object+
			"x: {{ keys .Values.m | join \"\" }}\nz: {{ values .Values.m | join \"\" | quote }}\n")
		if err != nil {
			t.Fatal(err)
		}
		want := `{"apiVersion":"v1","kind":"Secret","metadata":{"name":"a"},"x":"abcde","z":"12345"}`
		if diff := cmp.Diff(want, string(result.Documents[0].Data)); diff != "" {
			t.Fatal(diff)
		}
	}
}

// TestVersion: what charts are told is the version of the library.
func TestVersion(t *testing.T) {
	result, err := renderChart(t, "-- templates/a.yaml --\n"+object+"x: {{ .Capabilities.HelmVersion.Version }}\n")
	if err != nil {
		t.Fatal(err)
	}
	told := regexp.MustCompile(`"x":"(v[\d.]+)"`).FindSubmatch(result.Documents[0].Data)
	if told == nil || !strings.HasSuffix(helmTool, "@"+string(told[1])) || moduleVersion(t, "helm.sh/helm/v4") != string(told[1]) {
		t.Errorf("charts are told %s, go.mod has %s, the tests compare with %s", told, moduleVersion(t, "helm.sh/helm/v4"), helmTool)
	}
}
