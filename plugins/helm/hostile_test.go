package helm_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/tidelock-io/tidelock/cmd/testenv"
	"github.com/tidelock-io/tidelock/plugins/helm"
	"github.com/tidelock-io/tidelock/plugins/host"
	"github.com/tidelock-io/tidelock/plugins/pluginstest"
	"github.com/tidelock-io/tidelock/plugins/sdk"
)

func moduleVersion(t *testing.T, module string) string {
	t.Helper()
	root, err := testenv.Root()
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(root, "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile(regexp.QuoteMeta(module) + ` (\S+)`).FindSubmatch(text)
	if m == nil {
		t.Fatalf("go.mod has no %s", module)
	}
	return string(m[1])
}

// A member of a chart's archive.
type member struct {
	name string
	kind byte
	link string
	data []byte
}

func pack(t *testing.T, members ...member) []byte {
	t.Helper()
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	w := tar.NewWriter(z)
	for _, m := range members {
		if m.kind == 0 {
			m.kind = tar.TypeReg
		}
		if err := w.WriteHeader(&tar.Header{Name: m.name, Typeflag: m.kind, Linkname: m.link, Size: int64(len(m.data)), Mode: 0o644}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(m.data); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(w.Close(), z.Close()); err != nil {
		t.Fatal(err)
	}
	return packed.Bytes()
}

// TestArchives: an archive in charts/ is used if it is a chart, and refused if it
// is more.
func TestArchives(t *testing.T) {
	chartYAML := member{name: "db/Chart.yaml", data: []byte("apiVersion: v2\nname: db\nversion: 1.0.0\n")}
	template := member{name: "db/templates/a.yaml", data: []byte("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: db}\n")}
	inner := pack(t, member{name: "in/Chart.yaml", data: []byte("apiVersion: v2\nname: in\nversion: 1.0.0\n")}, member{name: "in/templates/b.yaml", data: []byte("{{ fail \"inside\" }}")})
	var many []member
	for i := range 20_001 {
		many = append(many, member{name: fmt.Sprintf("db/f%d", i)})
	}
	for _, tt := range []struct {
		name   string
		packed []byte
		want   string
	}{
		{"a chart", pack(t, chartYAML, template), ""},
		{"as macOS and git pack it", pack(t, member{name: "db/", kind: tar.TypeDir}, chartYAML, member{name: "db/._Chart.yaml"}), ""},
		{"a chart in a chart", pack(t, chartYAML, member{name: "db/charts/in-1.0.0.tgz", data: inner}), "charts/db.tgz//charts/in-1.0.0.tgz//templates/b.yaml:1: inside"},
		{"an absolute path", pack(t, chartYAML, member{name: "/etc/passwd"}), `"/etc/passwd" is an absolute path`},
		{"a path of Windows", pack(t, chartYAML, member{name: `C:\db\a`}), `"C:\\db\\a" is an absolute path`},
		{"a way out", pack(t, chartYAML, member{name: "db/../../etc/passwd"}), `"db/../../etc/passwd" leads out of the archive`},
		{"a link", pack(t, chartYAML, member{name: "db/values.yaml", kind: tar.TypeSymlink, link: "/etc/passwd"}), `"db/values.yaml" is a link or a device`},
		{"a hard link", pack(t, chartYAML, member{name: "db/values.yaml", kind: tar.TypeLink, link: "/etc/passwd"}), `"db/values.yaml" is a link or a device`},
		{"a device", pack(t, chartYAML, member{name: "db/null", kind: tar.TypeChar}), `"db/null" is a link or a device`},
		{"a bomb", pack(t, chartYAML, member{name: "db/zeros", data: make([]byte, 256<<20)}), "unpacked it is larger than"},
		{"many files", pack(t, many...), "more than 20000 files"},
		{"nothing", pack(t), "it is empty"},
		{"no directory", pack(t, member{name: "Chart.yaml"}), `"Chart.yaml" is not in the chart's directory`},
		{"no chart", pack(t, member{name: "db/values.yaml"}), "charts/db.tgz: is no chart: it has no Chart.yaml"},
		{"no archive", []byte("apiVersion: v2\n"), "it is not compressed by gzip"},
		{"half an archive", pack(t, chartYAML, template)[:100], "unexpected EOF"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tree := pluginstest.ParseTree("-- Chart.yaml --\napiVersion: v2\nname: shop\nversion: 1.0.0\n")
			tree.MapFS["charts/db.tgz"] = &fstest.MapFile{Data: tt.packed, Mode: 0o644}
			_, err := helm.Renderer{}.Render(context.Background(), &sdk.RenderRequest{Application: "shop", Path: ".", Tree: tree, Host: sdk.NoHost{}, KubeVersion: kubeVersion})
			if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), "charts/db.tgz")) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

// TestHostile: whatever a chart tries, it costs one render with an error, and the
// next render works.
func TestHostile(t *testing.T) {
	h := pluginstest.Host(t, host.Spec{Name: "helm", Processes: 1, Limits: host.Limits{Render: 5 * time.Second}})
	good := "-- templates/a.yaml --\n" + object
	render := func(files string) (*sdk.RenderResult, error) {
		return h.Render(context.Background(), "helm", &sdk.RenderRequest{
			Application: "shop", Path: ".", KubeVersion: kubeVersion,
			Tree: pluginstest.ParseTree("-- Chart.yaml --\napiVersion: v2\nname: shop\nversion: 1.0.0\n" + files),
		})
	}
	in := func(template string) string { return "-- templates/a.yaml --\n" + template + "\n" }
	for _, tt := range []struct {
		name, files string
		kind        error  // of the host
		want        string // a part of the error
	}{
		{"10 GB by repeat", in(`{{ repeat 1000000000 "0123456789" }}`), host.ErrCrashed, "memory"},
		{"16 GB by until", in(`{{ range until 2000000000 }}x{{ end }}`), host.ErrCrashed, "memory"},
		{"a text that grows", in(`{{ $s := "0123456789" }}{{ range until 40 }}{{ $s = print $s $s }}{{ end }}{{ $s }}`), host.ErrCrashed, "memory"},
		{"an endless range", in(`{{ range until 1000000 }}{{ range until 1000000 }}{{ end }}{{ end }}`), host.ErrTimeout, "killed after 5s"},
		{"include of itself", in(`{{ define "a" }}{{ include "a" . }}{{ end }}{{ include "a" . }}`), nil, "the template includes itself"},
		{"template of itself", in(`{{ define "a" }}{{ template "a" . }}{{ end }}{{ template "a" . }}`), nil, "exceeded maximum template depth"},
		{"tpl of itself", "-- values.yaml --\na: '{{ tpl .Values.a . }}'\n" + in(`{{ tpl .Values.a . }}`), nil, "plugin helm: "}, // out of time, memory or stack
		{"aliases that expand", "-- values.yaml --\n" + bomb + good, nil, "excessive aliasing"},
		{"many documents", in(`{{ range until 30000 }}` + "\n---\n" + strings.TrimSpace(object) + `{{ end }}`), host.ErrTooLarge, "20000 documents"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if errors.Is(tt.kind, host.ErrCrashed) || errors.Is(tt.kind, host.ErrTooLarge) {
				pluginstest.NeedsLimits(t)
			}
			_, err := render(tt.files)
			if err == nil || tt.kind != nil && !errors.Is(err, tt.kind) || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), "application shop") {
				t.Errorf("got %v, want %v: %q", err, tt.kind, tt.want)
			}
			if result, err := render(good); err != nil || len(result.Documents) != 1 {
				t.Errorf("the next render gives %v, %v", result, err)
			}
		})
	}
	t.Run("what is outside is not there", func(t *testing.T) {
		result, err := render(in(object + `data: {host: {{ getHostByName "localhost" | quote }}, file: {{ print (.Files.Get "../../x") (.Files.Get "/etc/passwd") | quote }}}`))
		want := `{"apiVersion":"v1","data":{"file":"","host":""},"kind":"Secret","metadata":{"name":"a"}}`
		if err != nil || string(result.Documents[0].Data) != want {
			t.Errorf("got %+v, %v", result, err)
		}
		_, err = render(in(object + `data: {e: {{ env "HOME" }}}`))
		if err == nil || !strings.Contains(err.Error(), `function "env" not defined`) {
			t.Errorf("env: %v", err)
		}
	})
}

// bomb is YAML that expands to some gigabytes.
var bomb = func() string {
	var b strings.Builder
	b.WriteString("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n")
	for i := range 9 {
		fmt.Fprintf(&b, "a%d: &a%d [%s]\n", i+1, i+1, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*a%d, ", i), 10), ", "))
	}
	return b.String()
}()
