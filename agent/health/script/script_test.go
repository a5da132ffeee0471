package script

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/tidelock-io/tidelock/agent/health"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/yaml"
)

const widget = `
apiVersion: example.com/v1
kind: Widget
metadata: {name: w, generation: 3, managedFields: [{manager: tidelock}]}
spec: {replicas: 2, ratio: 0.5, paused: false, list: [a, b]}
status: {phase: Running, conditions: [{type: Ready, status: "False", message: not yet}]}`

const secret = `
apiVersion: v1
kind: Secret
metadata: {name: s, labels: {a: b}, annotations: {kubectl.kubernetes.io/last-applied-configuration: 'c2VjcmV0', other: shown}}
type: Opaque
data: {password: c2VjcmV0}
stringData: {password: secret}`

// run runs a script, and words the verdict as "Degraded message".
func run(t *testing.T, text, object string, open bool) string {
	t.Helper()
	s, err := Compile("health.example.com_Widget", text, open)
	if err != nil {
		t.Fatal(err)
	}
	return words(s.Judge(parsed(t, object)))
}

func words(h health.Health) string { return strings.TrimSpace(string(h.Code) + " " + h.Message) }

func parsed(t *testing.T, text string) map[string]any {
	t.Helper()
	var object map[string]any
	if err := yaml.Unmarshal([]byte(text), &object); err != nil {
		t.Fatal(err)
	}
	return object
}

func TestJudge(t *testing.T) {
	for _, tt := range []struct{ name, script, want string }{
		{"a table", `return {status = "Degraded", message = "broken"}`, "Degraded broken"},
		{"as Argo CD's own are written", `
hs = {}
if obj.status ~= nil then
  for i, condition in ipairs(obj.status.conditions) do
    if condition.type == "Ready" and condition.status == "False" then
      hs.status = "Progressing"
      hs.message = condition.message
      return hs
    end
  end
end
hs.status = "Healthy"
return hs`, "Progressing not yet"},
		{"no message", `return {status = "Suspended"}`, "Suspended"},
		{"all kinds of values", `return {status = "Healthy", message = obj.spec.replicas + obj.spec.ratio .. tostring(obj.spec.paused) .. #obj.spec.list .. obj.spec.list[2] .. tostring(obj.spec.none)}`, "Healthy 2.5false2bnil"},
		{"table", `return {status = "Healthy", message = table.concat(obj.spec.list, "+") .. table.getn(obj.spec.list)}`, "Healthy a+b2"},
		{"os", `local os = require("os") return {status = "Healthy", message = os.date("!%Y-%m-%d", 0)}`, "Healthy 1970-01-01"},
		{"print does nothing", `print("x") return {status = "Healthy"}`, "Healthy"},
		{"an error that is caught", `local ok, err = pcall(error, {}) return {status = ok and "Healthy" or "Degraded"}`, "Degraded"},
		{"nothing", `local x = 1`, ""},
		{"nil", `return nil`, ""},
		{"an empty table", `return {}`, ""},

		{"a status that is none", `return {status = "Splendid"}`, `Unknown health.example.com_Widget: it returned the status "Splendid", which is none of`},
		{"no status", `return {message = "m"}`, `Unknown health.example.com_Widget: it returned the status "", which`},
		{"no table", `return "Healthy"`, "Unknown health.example.com_Widget: it returned a string, and not a table"},
		{"an error", "local x = 1\nreturn obj.nothing.at.all", "Unknown health.example.com_Widget: 2: attempt to index a non-table object(nil) with key 'at'"},
		{"an error of its own", `error("no good")`, "Unknown health.example.com_Widget: 1: no good"},
		{"managedFields are of no use", `return {status = obj.metadata.managedFields == nil and "Healthy" or "Degraded"}`, "Healthy"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := run(t, tt.script, widget, false); !strings.HasPrefix(got, tt.want) || tt.want == "" && got != "" {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

// A script sees neither what a Secret holds nor what kubectl remembers of it.
func TestSecret(t *testing.T) {
	script := `
local function all(v)
  if type(v) ~= "table" then return tostring(v) end
  local words = {}
  for k, x in pairs(v) do table.insert(words, tostring(k) .. "=" .. all(x)) end
  table.sort(words)
  return "{" .. table.concat(words, " ") .. "}"
end
return {status = "Healthy", message = all(obj)}`
	want := "Healthy {apiVersion=v1 kind=Secret metadata={annotations={other=shown} labels={a=b} name=s} type=Opaque}"
	object := parsed(t, secret)
	s, err := Compile("s", script, false)
	if err != nil {
		t.Fatal(err)
	}
	if got := words(s.Judge(object)); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if object["data"] == nil || object["metadata"].(map[string]any)["annotations"].(map[string]any)["kubectl.kubernetes.io/last-applied-configuration"] == nil {
		t.Error("the object itself was changed")
	}
}

// Nothing of the library reaches out of the machine, with open libraries neither.
func TestSandbox(t *testing.T) {
	for _, name := range []string{
		"os.execute", "os.exit", "os.getenv", "os.remove", "os.rename", "os.tmpname", "os.setenv", "io", "debug", "coroutine", "channel", "package",
		"dofile", "loadfile", "load", "loadstring", "module", "collectgarbage", "newproxy", "getfenv", "setfenv", "_printregs",
		"string.dump", "math.random", "math.randomseed",
	} {
		for _, open := range []bool{false, true} {
			script := fmt.Sprintf(`local ok, v = pcall(function() return %s end) return {status = (not ok or v == nil) and "Healthy" or "Degraded"}`, name)
			if got := run(t, script, widget, open); got != "Healthy" {
				t.Errorf("open %v: %s is there: %s", open, name, got)
			}
		}
	}
	for _, module := range []string{"io", "debug", "/etc/passwd"} {
		if got := run(t, fmt.Sprintf(`require(%q)`, module), widget, true); !strings.Contains(got, "is not there for health checks") {
			t.Errorf("require %s: %s", module, got)
		}
	}
}

func TestOpenLibraries(t *testing.T) {
	script := `local v, n = string.gsub(obj.status.phase, "n+", "N") return {status = "Healthy", message = v .. n .. ("ab"):rep(2) .. string.format("%d", math.max(1, 2)) .. obj.kind:match("^(%a)")}`
	if got := run(t, script, widget, true); got != "Healthy RuNiNg2abab2W" {
		t.Errorf("with open libraries: %s", got)
	}
	if got := run(t, script, widget, false); !strings.HasPrefix(got, "Unknown ") {
		t.Errorf("without open libraries: %s", got)
	}
}

// What never ends, or grows without end, is ended; the next run is as good as ever.
func TestLimits(t *testing.T) {
	for _, tt := range []struct{ name, script, want string }{
		{"a loop", `while true do end`, "it takes too many steps"},
		{"a loop that catches", `while true do pcall(function() while true do end end) end`, "it takes too many steps"},
		{"text that doubles", `local s = "x" while true do s = s .. s end`, "it makes too much text"},
		{"text in a table", `local s, t = ("x"):rep(100000), {} for i = 1, 1e9 do t[i] = s .. i end`, "it makes too much text"},
		{"recursion", `local function f() return 1 + f() end f()`, "stack overflow"},
		{"registers", `local t = {} for i = 1, 60000 do t[i] = i end local function f(...) return select("#", ...) end return {status = tostring(f(1, f(unpack(t)), unpack(t)))}`, "registry overflow"},
		{"a deep expression", "return " + strings.Repeat("not ", 15000) + "1", "it returned a boolean"},
		{"a long repetition", `("x"):rep(1e9)`, "string.rep: the text gets longer"},
		{"a slow pattern", `("a"):rep(3000):find(".-.-.-.-b")`, "string.find: the text is too long for this pattern"},
		{"a long text", `("a"):rep(70000):match("^a")`, "string.match: the text is too long"},
		{"a large index", `local t = {} t[6e7] = 1 return {status = "Healthy", message = #t}`, "Healthy 0"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := run(t, tt.script, widget, true); !strings.Contains(got, tt.want) {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
	s, err := Compile("s", `return {status = "Healthy"}`, false)
	if err != nil {
		t.Fatal(err)
	}
	if got := words(s.Judge(parsed(t, widget))); got != "Healthy" {
		t.Errorf("afterwards: %s", got)
	}
}

// A machine keeps nothing for the next run.
func TestRunsAreApart(t *testing.T) {
	s, err := Compile("s", `seen = (seen or 0) + 1 table.seen = (table.seen or 0) + 1 return {status = "Healthy", message = seen .. table.seen}`, false)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if got := words(s.Judge(parsed(t, widget))); got != "Healthy 11" {
			t.Errorf("got %s", got)
		}
	}
}

func TestCompileNamesTheLine(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{"local x = 1\nif x then", "cannot read the Lua script: "},
		{"return {", "cannot read the Lua script: "},
		{"goto nowhere", "no visible label 'nowhere'"},
		{"x = = 1", "line:1"},
		{"x = 1\ny = = 1", "line:2"},
		{strings.Repeat("(", maxScript/2), "EOF"},
		{"return " + strings.Repeat("not ", 15000) + "= 1", "near '='"},
		{strings.Repeat(" ", maxScript+1), "it has more than 65536 bytes"},
	} {
		_, err := Compile("s", tt.text, false)
		if !errors.Is(err, ErrScript) || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%.40q: %v, want %s", tt.text, err, tt.want)
		}
	}
}

func TestSet(t *testing.T) {
	named := func(group, kind string) Entry {
		s, err := Compile(group+"/"+kind, `return {status = "Healthy"}`, false)
		if err != nil {
			t.Fatal(err)
		}
		return Entry{group, kind, s}
	}
	set := NewSet([]Entry{named("*", "*"), named("*.crossplane.io", "*"), named("", "ConfigMap"), named("s3.aws.crossplane.io", "Bucket"), named("*.aws.crossplane.io", "*")})
	for _, tt := range []struct{ group, kind, want string }{
		{"", "ConfigMap", "/ConfigMap"},
		{"", "Secret", "*/*"},
		{"s3.aws.crossplane.io", "Bucket", "s3.aws.crossplane.io/Bucket"},
		{"s3.aws.crossplane.io", "Policy", "*.aws.crossplane.io/*"},
		{"gcp.crossplane.io", "Bucket", "*.crossplane.io/*"},
	} {
		if got := set.For(schema.GroupKind{Group: tt.group, Kind: tt.kind}).name; got != tt.want {
			t.Errorf("%s/%s: got %s, want %s", tt.group, tt.kind, got, tt.want)
		}
	}
	var none *Set
	if _, ok := none.Judge(map[string]any{"kind": "ConfigMap"}); ok {
		t.Error("no set at all judges")
	}
}

// Whatever a script says, it is compiled or refused, and ends.
func FuzzScript(f *testing.F) {
	for _, text := range []string{
		`return {status = "Healthy"}`, `while true do end`, `return obj`, `for k, v in pairs(obj) do error(v) end`,
		`local t = setmetatable({}, {__index = function(t, k) return t[k] end}) return t.x`, `goto x ::x:: return {}`, "return {status = obj.kind:rep(9)}",
	} {
		f.Add(text)
	}
	object := map[string]any{"apiVersion": "v1", "kind": "Widget", "spec": map[string]any{"list": []any{int64(1), "two", 0.5, true, nil}}}
	f.Fuzz(func(t *testing.T, text string) {
		s, err := Compile("s", text, true)
		if err != nil {
			if !errors.Is(err, ErrScript) {
				t.Errorf("%v is no ErrScript", err)
			}
			return
		}
		if h := s.Judge(object); h.Message != "" && h.Code == "" {
			t.Errorf("%q: a reason without a verdict: %s", text, h.Message)
		}
	})
}
