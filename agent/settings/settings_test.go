package settings

import (
	"bytes"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tidelock-io/tidelock/agent/diff"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/yaml"
)

// configMap reads the data of a ConfigMap as people write it.
func configMap(t *testing.T, text string) map[string]string {
	t.Helper()
	var data map[string]string
	if err := yaml.Unmarshal([]byte(text), &data); err != nil {
		t.Fatal(err)
	}
	return data
}

// shown words settings, one line each.
func shown(s *Settings) string {
	var lines []string
	add := func(format string, args ...any) { lines = append(lines, fmt.Sprintf(format, args...)) }
	for _, r := range s.Ignore {
		add("ignore %s/%s %v %v %v", r.Group, r.Kind, r.JSONPointers, r.JQPathExpressions, r.ManagedFieldsManagers)
	}
	rules := func(name string, list []diff.KindRule) {
		if list != nil {
			add("%s %v", name, list)
		}
	}
	rules("exclude", s.Kinds.Exclusions)
	rules("include", s.Kinds.Inclusions)
	for _, kind := range []string{"Widget.example.com", "Bucket.s3.aws.crossplane.io", "ConfigMap"} {
		gk := schema.ParseGroupKind(kind)
		object := map[string]any{"apiVersion": strings.TrimPrefix(gk.Group+"/v1", "/"), "kind": gk.Kind}
		if h, ok := s.Health.Judge(object); ok {
			add("health %s: %s %s", kind, h.Code, h.Message)
		}
	}
	if s.Installation != "" {
		add("installation %s", s.Installation)
	}
	if s.Impersonate {
		add("impersonate")
	}
	if s.InClusterDisabled {
		add("not in the agent's own cluster")
	}
	if p := s.Pace(usual); p != new(Settings).Pace(usual) {
		add("every %s and up to %s, hard %s, rest %s; insisting every %s", p.Interval, p.Jitter, p.Hard, p.Rest, s.Insist(usual).Interval)
	}
	for _, p := range s.Problems {
		add("problem %s", p)
	}
	for _, n := range s.Notes {
		add("note %s", n)
	}
	return strings.Join(lines, "\n")
}

func check(t *testing.T, got, want string) {
	t.Helper()
	if want = strings.Trim(want, "\n"); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

const usual = 3 * time.Minute

const healthy = `return {status = "Healthy"}`

func TestRead(t *testing.T) {
	for _, tt := range []struct{ name, data, want string }{
		{"nothing", `{}`, ``},
		{"ignoreDifferences", `
resource.customizations.ignoreDifferences.all: "managedFieldsManagers: [kube-controller-manager]"
resource.customizations.ignoreDifferences.admissionregistration.k8s.io_MutatingWebhookConfiguration: |
  jqPathExpressions:
  - .webhooks[]?.clientConfig.caBundle
resource.customizations.ignoreDifferences.ConfigMap: |
  jsonPointers: [/data/a]`, `
ignore */* [] [] [kube-controller-manager]
ignore /ConfigMap [/data/a] [] []
ignore admissionregistration.k8s.io/MutatingWebhookConfiguration [] [.webhooks[]?.clientConfig.caBundle] []`},
		{"health", `
resource.customizations.health.example.com_Widget: 'return {status = "Degraded", message = obj.kind}'
resource.customizations.health.ConfigMap: '` + healthy + `'`, `
health Widget.example.com: Degraded Widget
health ConfigMap: Healthy `},
		{"open libraries", `
resource.customizations.health.example.com_Widget: 'return {status = "Healthy", message = string.upper(obj.kind)}'
resource.customizations.useOpenLibs.example.com_Widget: "true"`, `
health Widget.example.com: Healthy WIDGET`},
		{"without them", `
resource.customizations.health.example.com_Widget: 'return {status = "Healthy", message = string.upper(obj.kind)}'`, `
health Widget.example.com: Unknown resource.customizations.health.example.com_Widget of ConfigMap argocd-cm: 1: attempt to index a non-table object(nil) with key 'upper'`},
		{"the old form", `
resource.customizations: |
  example.com/Widget:
    health.lua: |
      return {status = "Progressing", message = string.lower(obj.kind)}
    health.lua.useOpenLibs: true
    ignoreDifferences: |
      jsonPointers:
      - /spec/a
  "*.aws.crossplane.io/*":
    health.lua: |
      return {status = "Suspended", message = "wild"}
  ConfigMap:
    ignoreDifferences: |
      jsonPointers: [/data/b]
  "*/*":
    ignoreDifferences: "managedFieldsManagers: [them]"`, `
ignore */* [] [] [them]
ignore /ConfigMap [/data/b] [] []
ignore example.com/Widget [/spec/a] [] []
health Widget.example.com: Progressing widget
health Bucket.s3.aws.crossplane.io: Suspended wild`},
		{"the new form wins", `
resource.customizations: |
  example.com/Widget:
    health.lua: 'return {status = "Degraded"}'
resource.customizations.health.example.com_Widget: '` + healthy + `'`, `
health Widget.example.com: Healthy `},
		{"kinds", `
resource.exclusions: |
  - apiGroups: ["*.example.com"]
    kinds: [Widget]
    clusters: [https://a]
resource.inclusions: |
  - apiGroups: [apps]`, `
exclude [{[*.example.com] [Widget] [https://a]}]
include [{[apps] [] []}]`},
		{"no exclusions at all", `resource.exclusions: ""`, `
exclude []`},
		{"installation", `
installationID: here
application.sync.impersonation.enabled: "true"
application.resourceTrackingMethod: annotation`, `
installation here
impersonate`},
		{"other clusters only", `
cluster.inClusterEnabled: "false"`, `
not in the agent's own cluster`},
		{"all clusters", `
cluster.inClusterEnabled: "true"`, ``},
		{"who knows", `
cluster.inClusterEnabled: perhaps`, `
problem cluster.inClusterEnabled: "perhaps" is neither true nor false`},
		{"pace", `
timeout.reconciliation: 60s
timeout.reconciliation.jitter: 10s
timeout.hard.reconciliation: 1d`, `
every 1m0s and up to 10s, hard 24h0m0s, rest 1m0s; insisting every 3m0s`},
		{"a pace alone has half of itself as jitter", `timeout.reconciliation: " 1h30m "`, `
every 1h30m0s and up to 45m0s, hard 0s, rest 1h30m0s; insisting every 3m0s`},
		{"no refresh", `
timeout.reconciliation: "0"
timeout.hard.reconciliation: 0s`, `
every 0s and up to 0s, hard 0s, rest 3m0s; insisting every 3m0s`},
		{"no jitter", `timeout.reconciliation.jitter: 0s`, `
every 3m0s and up to 0s, hard 0s, rest 3m0s; insisting every 3m0s`},
		{"a pace that cannot be read leaves the usual one", `
timeout.reconciliation: "180"
timeout.reconciliation.jitter: -1s
timeout.hard.reconciliation: 10ms`, `
problem timeout.hard.reconciliation: "10ms" is less than 1s, and not 0
problem timeout.reconciliation: "180" is no duration such as 180s, 3m or 1d
problem timeout.reconciliation.jitter: "-1s" is less than 1s, and not 0`},
		{"nor does one that is too long", `
timeout.reconciliation: 366d
timeout.reconciliation.jitter: 99999999d
timeout.hard.reconciliation: ""`, `
problem timeout.hard.reconciliation: "" is no duration such as 180s, 3m or 1d
problem timeout.reconciliation: "366d" is more than a year
problem timeout.reconciliation.jitter: "99999999d" is no duration such as 180s, 3m or 1d`},
		{"what is not acted on", `
url: https://argocd.example.com
admin.enabled: "false"
application.resourceTrackingMethod: label
application.sync.impersonation.enforced: "false"
resource.customizations.actions.example.com_Widget: x
resource.customizations.tricks.example.com_Widget: x
resource.customizations: |
  example.com/Widget: {ignoreResourceUpdates: x, tricks: y}
resource.compareoptions: |
  ignoreResourceStatusField: none
  ignoreAggregatedRoles: false
  ignoreDifferencesOnResourceUpdates: false`, `
note resource.customizations[example.com/Widget].ignoreResourceUpdates has no effect: changes that change nothing of what is tracked cause no work anyway
note resource.customizations[example.com/Widget].tricks is not acted on
note resource.customizations.actions.example.com_Widget has no effect: there are no actions
note resource.customizations.tricks.example.com_Widget is not acted on
note admin.enabled is not acted on
note application.resourceTrackingMethod "label" has no effect: objects are tracked by annotation
note application.sync.impersonation.enforced has no effect: with impersonation, what no ServiceAccount is named for is always refused
note resource.compareoptions: ignoreResourceStatusField none has no effect: the status of an object is its controller's, and is never compared
note resource.compareoptions: ignoreAggregatedRoles false has no effect: the rules of an aggregated role are its controller's, and are never compared
note resource.compareoptions: ignoreDifferencesOnResourceUpdates false has no effect: what is ignored causes no refresh
note url is not acted on`},

		{"each problem names its key and line, and nothing else stops", `
resource.exclusions: |
  - apiGroups: [a]
    kind: [Widget]
resource.inclusions: |
  - kinds: ["["]
resource.compareoptions: "ignoreResourceStatusField: some"
application.sync.impersonation.enabled: perhaps
resource.customizations.health.a_b_c: 'return {}'
resource.customizations.health.example.com_Widget: |
  local x = 1
  return {status = = "Healthy"}
resource.customizations.health.ConfigMap: '` + healthy + `'
resource.customizations.ignoreDifferences.a: "jqPathExpressions: ['.data[']"
resource.customizations.ignoreDifferences.b: "jsonPointers: /data"
resource.customizations.ignoreDifferences.c: "jsonPointers: [data]"
resource.customizations.ignoreDifferences.d: "{}"
resource.customizations.ignoreDifferences.e: |
  jsonPointers: []
  x: [`, `
ignore /d [] [] []
health ConfigMap: Healthy 
impersonate
problem resource.customizations.health.a_b_c: "a_b_c" is neither group_Kind nor Kind
problem resource.customizations.health.example.com_Widget, line 2: near '=': syntax error
problem resource.customizations.ignoreDifferences.a: cannot read the ignore rule 1: jq expression ".data[": unexpected EOF
problem resource.customizations.ignoreDifferences.b, line 1: cannot unmarshal !!str ` + "`/data`" + ` here
problem resource.customizations.ignoreDifferences.c: cannot read the ignore rule 1: JSON pointer "data" must begin with a slash, as in /spec/replicas
problem resource.customizations.ignoreDifferences.e, line 2: did not find expected node content
problem application.sync.impersonation.enabled: "perhaps" is neither true nor false
problem resource.compareoptions: ignoreResourceStatusField "some" is none of all, crd and none
problem resource.exclusions, line 2: there is no field kind
problem resource.inclusions: rule 1: "[" is no pattern`},
		{"lines of the old form count in the whole value", `
resource.customizations: |
  example.com/Widget:
    # why
    health.lua: |
      local x = 1
      return = 2
    ignoreDifferences: |
      jsonPointers: []
      jsonPointer: []
  a/b/c: {}
  example.com/Gadget: text
  ConfigMap: {health.lua: {a: b}}`, `
problem resource.customizations[ConfigMap].health.lua, line 11: it has to be a text, which begins with |
problem resource.customizations[a/b/c], line 9: "a/b/c" is neither group/Kind nor Kind
problem resource.customizations[example.com/Gadget], line 10: cannot unmarshal !!str ` + "`text`" + ` here
problem resource.customizations[example.com/Widget].health.lua, line 5: near '=': syntax error
problem resource.customizations[example.com/Widget].ignoreDifferences, line 8: there is no field jsonPointer`},
		{"a rule about everything", `resource.exclusions: "[{}]"`, `
problem resource.exclusions: rule 1 names neither apiGroups nor kinds nor clusters, and would be about all`},
	} {
		t.Run(tt.name, func(t *testing.T) { check(t, shown(Read(configMap(t, tt.data), nil)), tt.want) })
	}
}

// What cannot be read any more stays as it was; what is gone goes.
func TestLastGoodStays(t *testing.T) {
	good := configMap(t, `
resource.exclusions: "[{kinds: [Widget]}]"
application.sync.impersonation.enabled: "false"
resource.customizations: |
  example.com/Widget:
    health.lua: 'return {status = "Degraded", message = string.lower("OLD")}'
    health.lua.useOpenLibs: "true"
    ignoreDifferences: "jsonPointers: [/spec/old]"
resource.customizations.health.ConfigMap: 'return {status = "Healthy", message = "good"}'
resource.customizations.ignoreDifferences.ConfigMap: "jsonPointers: [/data/good]"`)
	want := `
ignore /ConfigMap [/data/good] [] []
ignore example.com/Widget [/spec/old] [] []
exclude [{[] [Widget] []}]
health Widget.example.com: Degraded old
health ConfigMap: Healthy good`
	first := Read(good, nil)
	check(t, shown(first), want)

	bad := configMap(t, `
resource.exclusions: "{"
application.sync.impersonation.enabled: "?"
resource.customizations: "["
resource.customizations.health.ConfigMap: "return {{"
resource.customizations.ignoreDifferences.ConfigMap: "jsonPointers: [data]"`)
	second := Read(bad, first)
	if got := shown(second); !strings.HasPrefix(got, strings.Trim(want, "\n")+"\nproblem ") || len(second.Problems) != 5 {
		t.Errorf("got\n%s", got)
	}
	third := Read(bad, second)
	check(t, shown(third), shown(second))
	check(t, shown(Read(good, third)), want)
	check(t, shown(Read(nil, third)), "")
}

// A script that did not change is the same one, so that nothing is judged anew
// because of its neighbour.
func TestSameScriptIsNotCompiledAnew(t *testing.T) {
	a := Read(configMap(t, `{resource.customizations.health.ConfigMap: 'return {}'}`), nil)
	b := Read(configMap(t, `{resource.customizations.health.ConfigMap: 'return {}', resource.customizations.health.example.com_Widget: 'return {}'}`), a)
	kind := schema.GroupKind{Kind: "ConfigMap"}
	if a.Health.For(kind) == nil || a.Health.For(kind) != b.Health.For(kind) {
		t.Error("it is another one")
	}
	c := Read(configMap(t, `{resource.customizations.health.ConfigMap: 'return {}', resource.customizations.useOpenLibs.ConfigMap: "true"}`), b)
	if b.Health.For(kind) == c.Health.For(kind) {
		t.Error("with open libraries it is the same one")
	}
}

func TestProblemConcerns(t *testing.T) {
	s := Read(configMap(t, `{resource.customizations.health.example.com_Widget: 'x', resource.exclusions: 'x: y'}`), nil)
	i := slices.IndexFunc(s.Problems, func(p Problem) bool { return strings.Contains(p.Place, "Widget") })
	if i < 0 || len(s.Problems) != 2 {
		t.Fatalf("problems: %v", s.Problems)
	}
	widget, other := schema.GroupKind{Group: "example.com", Kind: "Widget"}, schema.GroupKind{Kind: "Widget"}
	if !s.Problems[i].Concerns(widget) || s.Problems[i].Concerns(other) || !s.Problems[1-i].Concerns(other) {
		t.Errorf("problems: %v", s.Problems)
	}
}

func TestTooManyRules(t *testing.T) {
	data := map[string]string{}
	for i := range maxRules + 1 {
		data[fmt.Sprintf("resource.customizations.ignoreDifferences.Kind%03d", i)] = "jsonPointers: [/a]"
	}
	s := Read(data, nil)
	if len(s.Ignore) != maxRules || len(s.Problems) != 1 || !strings.Contains(s.Problems[0].String(), "Kind200: there are more than 200 rules") {
		t.Errorf("%d rules, problems %v", len(s.Ignore), s.Problems)
	}
}

// The reader reads once for each version, and says once what is wrong.
func TestReader(t *testing.T) {
	data, version := map[string]string{"resource.exclusions": "{", "url": "x"}, "1"
	var log bytes.Buffer
	r := NewReader(func() (map[string]string, string) { return data, version }, slog.New(slog.NewTextHandler(&log, nil)))
	first := r.Settings()
	if r.Settings() != first {
		t.Error("it reads again what did not change")
	}
	data, version = map[string]string{"resource.exclusions": "{", "url": "y", "installationID": "z"}, "2"
	if r.Settings().Installation != "z" {
		t.Error("it does not read what has changed")
	}
	if n := strings.Count(log.String(), "resource.exclusions"); n != 1 {
		t.Errorf("a problem is logged %d times:\n%s", n, &log)
	}
	if n := strings.Count(log.String(), "url is not acted on"); n != 1 {
		t.Errorf("a note is logged %d times:\n%s", n, &log)
	}
}

// No text makes it fail: what cannot be read is a problem, and what was read
// before stays.
func FuzzRead(f *testing.F) {
	for _, text := range []string{
		"", "- apiGroups: [a]\n", "jsonPointers: [/a]", "return {}", "true", "a/b: {health.lua: x}", "a/b:\n  health.lua: |\n    return {}\n  ignoreDifferences: |\n    jsonPointers: []\n",
		"&a [*a]", "? [", "!!binary x", "%", "\x00",
	} {
		f.Add(text, text)
	}
	keys := []string{
		oldKey, keyExclusions, keyInclusions, keyCompareOptions, keyImpersonate, keyEnforce, keyTracking, keyInstallation, keyInCluster,
		customizations + "health.a_B", customizations + "useOpenLibs.a_B", customizations + "ignoreDifferences.a_B",
	}
	f.Fuzz(func(t *testing.T, before, after string) {
		all := func(text string) map[string]string {
			data := map[string]string{}
			for _, key := range keys {
				data[key] = text
			}
			return data
		}
		last := Read(all(before), nil)
		next := Read(all(after), last)
		for at, e := range last.entries {
			if _, bad := next.entries[at]; !bad && slices.Contains(keys, at) && !strings.HasPrefix(at, oldKey+"[") {
				t.Errorf("%s was %q, and is lost with %q", at, e.made, after)
			}
		}
		if _, err := diff.NewIgnore(nil, next.Ignore...); err != nil {
			t.Errorf("a rule that was accepted is refused: %v", err)
		}
	})
}
