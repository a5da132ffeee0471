package helm_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/tidelock-io/tidelock/agent/api"
)

var seeds = flag.Int("seeds", 40, "how many random charts are compared with helm's command")

// dump shows its values as a chart might print them.
const dump = `
-- chart/Chart.yaml --
apiVersion: v2
name: app
version: 1.0.0
dependencies: [{name: sub, version: 1.0.0, condition: sub.enabled}]
-- chart/templates/a.yaml --
apiVersion: v1
kind: ConfigMap
metadata: {name: a}
data:
  json: {{ .Values | toJson | quote }}
  yaml: {{ .Values | toYaml | quote }}
  print: {{ printf "%v" .Values | quote }}
  {{- range $k, $v := .Values }}
  {{ printf "%s is a %T" $k $v | quote }}: {{ $v | quote }}
  {{- end }}
-- chart/charts/sub/Chart.yaml --
apiVersion: v2
name: sub
version: 1.0.0
-- chart/charts/sub/templates/a.yaml --
apiVersion: v1
kind: ConfigMap
metadata: {name: sub}
data: {json: {{ .Values | toJson | quote }}}
`

// TestRandomValues: whatever the values, in files, in the Application and in
// parameters, the objects are those of helm's command, or both fail.
func TestRandomValues(t *testing.T) {
	if testing.Short() {
		t.Skip("it builds helm")
	}
	failed := 0
	for seed := range uint64(*seeds) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			g := &gen{rand.New(rand.NewPCG(seed, 0))}
			files := txtar.Parse([]byte(dump)).Files
			for _, name := range []string{"chart/values.yaml", "chart/one.yaml", "chart/two.yaml", "chart/charts/sub/values.yaml"} {
				files = append(files, txtar.File{Name: name, Data: []byte(g.file())})
			}
			source := api.HelmSource{ValueFiles: []string{"one.yaml", "two.yaml"}, Parameters: g.parameters()}
			if g.IntN(2) == 0 {
				raw, err := json.Marshal(g.table(3))
				if err != nil {
					t.Fatal(err)
				}
				source.ValuesObject = &runtime.RawExtension{Raw: raw}
			}
			c := newChartCase(t, "chart", files, source)
			c.check(t)
			if _, err := c.ours(t); err != nil {
				t.Logf("both fail: %v", err)
				failed++
			}
			if t.Failed() {
				t.Logf("%s\n%+v", txtar.Format(&txtar.Archive{Files: files}), source.Parameters)
			}
		})
	}
	if failed > *seeds/2 {
		t.Errorf("%d of %d charts fail: too few are compared", failed, *seeds)
	}
}

// A gen makes values.
type gen struct{ *rand.Rand }

func pick[T any](g *gen, from ...T) T { return from[g.IntN(len(from))] }

func (g *gen) key() string {
	return pick(g, "a", "b", "c", "d-e", "sub", "global", "enabled", "long_name", "with.dot")
}

// table is a map of values as JSON has them.
func (g *gen) table(depth int) map[string]any {
	m := map[string]any{}
	for range g.IntN(5) {
		m[g.key()] = g.value(depth - 1)
	}
	for _, name := range []string{"sub", "global"} {
		if _, isTable := m[name].(map[string]any); m[name] != nil && !isTable && g.IntN(8) > 0 {
			m[name] = g.table(depth - 1) // what helm wants, mostly
		}
	}
	return m
}

func (g *gen) value(depth int) any {
	kind := g.IntN(10)
	switch {
	case depth > 0 && kind < 3:
		return g.table(depth)
	case depth > 0 && kind < 5:
		list := []any{}
		for range g.IntN(4) {
			list = append(list, g.value(depth-1))
		}
		return list
	}
	return pick[any](g, nil, true, false, 0, 1, -7, 1000000, 123456789012, 1.5, 1e-7, 1e21, 3.0, "", "text", "8080", "true", "null",
		"~", "a: b", "a,b", "{{ .Values.a }}", "multi\nline\n", " spaces ", "ünï", "0755", "1e3", "2026-11-26", `quo"te'`, "# no comment")
}

// file is YAML: block style by hand, with scalars that JSON does not have.
func (g *gen) file() string {
	var b strings.Builder
	for range 1 + g.IntN(2) {
		used := map[string]bool{}
		for range 1 + g.IntN(5) {
			key := g.key()
			if used[key] {
				continue
			}
			used[key] = true
			if key != "sub" && key != "global" && g.IntN(2) == 0 {
				fmt.Fprintf(&b, "%s: %s\n", key, pick(g, "yes", "off", "~", "0755", "1_000", "0x1F", "1.0", "1e3", "12:30:45", "2026-11-26", ".5",
					"!!str 1", "9223372036854775807", "123456789012345678901", "'single'", "|\n  block\n  text", ">-\n  folded\n  text", "&x {k: v}", "[1, two, 3.0]"))
				continue
			}
			value := any(g.table(2))
			if key != "sub" && key != "global" {
				value = g.value(3)
			}
			raw, _ := json.Marshal(value) // what table and value give can be encoded
			fmt.Fprintf(&b, "%s: %s\n", key, raw)
		}
		if g.IntN(3) > 0 {
			break
		}
		b.WriteString("---\n")
	}
	return b.String()
}

// parameters are such as the order of helm's flags cannot matter for, with
// commas as Argo CD would escape them.
func (g *gen) parameters() (list []api.HelmParameter) {
	for range g.IntN(6) {
		name := pick(g, "p", "q.r", "s[0]", "t[2].x", `u\.dot`, "v[1][0]", "w.b", "x[3]", "y.z[0].w", "sub.a", "global.b", "sub.c.d")
		if g.IntN(6) == 0 { // what the files may have as something else
			name = pick(g, "a", "b", "c", "sub", "global", "a[0]", "c.d", `with\.dot`)
		}
		if g.IntN(8) == 0 {
			name += pick(g, ".k", ".l[1]", "[0]")
		}
		list = append(list, api.HelmParameter{
			Name: name,
			Value: pick(g, "", "1", "-1", "1.5", "true", "null", "text", "{a,b}", "{}", "007", "1e3", "a b", `a\,b`, "a=b", "0", "99999999999999999999", "[x]", `back\\slash`,
				"{null,true}", "'q'", "ünï"),
			ForceString: g.IntN(4) == 0,
		})
	}
	return list
}
