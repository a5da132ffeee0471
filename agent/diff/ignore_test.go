package diff

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/tidelock-io/tidelock/render/manifest"
	utiljson "k8s.io/apimachinery/pkg/util/json"
	"sigs.k8s.io/yaml"
)

var web = manifest.Key{Group: "apps", Kind: "Deployment", Namespace: "shop", Name: "web"}

func readRules(t testing.TB, text string) (rules []Rule) {
	t.Helper()
	if err := yaml.UnmarshalStrict([]byte(text), &rules); err != nil {
		t.Fatal(err)
	}
	return rules
}

func ignoring(t testing.TB, rules string) *Ignore {
	t.Helper()
	ignore, err := NewIgnore(readRules(t, rules))
	if err != nil {
		t.Fatal(err)
	}
	return ignore
}

func digestBut(t *testing.T, ignore *Ignore, text string) string {
	t.Helper()
	object := decode(t, text)
	got, err := DigestBut(ignore.Places(web, object, nil), []byte("key"), object["apiVersion"].(string), object)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// Each row patches the Deployment and says whether that shows in the digest
// although the rule is there.
func TestIgnoredDifferences(t *testing.T) {
	const (
		web2  = `{name: web, image: "web:2", resources: {limits: {cpu: 100m}}, ports: [{containerPort: 80, protocol: TCP}, {containerPort: 443, protocol: TCP}]}`
		log1  = `{name: log, image: "log:1"}`
		image = `{spec: {template: {spec: {containers: [` + web2 + `, ` + log1 + `]}}}}`
	)
	for _, tt := range []struct {
		name, rule, patch string
		shows             bool
	}{
		{"1.5 jsonPointers: a field", `jsonPointers: [/spec/replicas]`, `{spec: {replicas: 3}}`, false},
		{"pointer to what is gone", `jsonPointers: [/spec/replicas]`, `{spec: {replicas: null}}`, true},
		{"pointer, and another field", `jsonPointers: [/spec/replicas]`, `{spec: {selector: {matchLabels: {tier: x}}}}`, true},
		{"pointer into a leaf that we own", `jsonPointers: [/spec/selector/matchLabels/app]`, `{spec: {selector: {matchLabels: {app: x}}}}`, false},
		{"1.5 jsonPointers: into a list", `jsonPointers: [/spec/template/spec/containers/0/image]`, image, false},
		{"pointer to another item", `jsonPointers: [/spec/template/spec/containers/1/image]`, image, true},
		{"pointer to a parent", `jsonPointers: [/spec/template]`, image, false},
		{"pointer to an item", `jsonPointers: [/spec/template/spec/containers/0]`, image, false},
		{"pointer to nothing", `jsonPointers: [/spec/nothing/there]`, image, true},
		{"1.5 jqPathExpressions: a field", `jqPathExpressions: [.spec.replicas]`, `{spec: {replicas: 3}}`, false},
		{"1.5 jqPathExpressions: that select an item", `jqPathExpressions: ['.spec.template.spec.containers[] | select(.name == "web") | .image']`, image, false},
		{"jq that selects another item", `jqPathExpressions: ['.spec.template.spec.containers[] | select(.name == "log") | .image']`, image, true},
		{"jq that fails on the object", `jqPathExpressions: ['.spec.replicas[]']`, `{spec: {replicas: 3}}`, true},
		{"jq that gives no path", `jqPathExpressions: ['.spec.replicas + 1']`, `{spec: {replicas: 3}}`, true},
		{"jq with a comment", `jqPathExpressions: ['.spec.replicas # of the HPA']`, `{spec: {replicas: 3}}`, false},
		{"jq that ends the path by itself", `jqPathExpressions: ['.spec.replicas, .spec.paused']`, `{spec: {replicas: 3}}`, false},
		{"two rules", "jsonPointers: [/spec/replicas]}\n- {group: apps, kind: Deployment, jsonPointers: [/spec/template/spec/containers/0/image]", `{spec: {replicas: 3, template: {spec: {containers: [` + web2 + `, ` + log1 + `]}}}}`, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			ignore := ignoring(t, "- {group: apps, kind: Deployment, "+tt.rule+"}")
			before, after := digestBut(t, ignore, deployment), digestBut(t, ignore, patched(t, deployment, tt.patch))
			if got := before != after; got != tt.shows {
				t.Errorf("patch %s shows: %v, want %v", tt.patch, got, tt.shows)
			}
		})
	}
}

// Whatever member of the object is ignored, another value of it does not show,
// and another value of its neighbour does.
func TestEveryMemberCanBeIgnored(t *testing.T) {
	object := decode(t, deployment)
	var pointers []string
	var walk func(at string, value any)
	walk = func(at string, value any) {
		switch v := value.(type) {
		case map[string]any:
			for name, child := range v {
				if at == "" && name != "spec" {
					continue
				}
				pointers = append(pointers, at+"/"+name)
				walk(at+"/"+name, child)
			}
		case []any:
			for i, child := range v {
				walk(fmt.Sprintf("%s/%d", at, i), child)
			}
		}
	}
	walk("", object)
	if len(pointers) < 20 {
		t.Fatalf("only %d members", len(pointers))
	}
	for _, text := range pointers {
		ignore := ignoring(t, fmt.Sprintf("- {group: apps, kind: Deployment, jsonPointers: [%q]}", text))
		changed := decode(t, deployment)
		set(t, changed, text)
		raw, err := json.Marshal(changed)
		if err != nil {
			t.Fatal(err)
		}
		if digestBut(t, ignore, deployment) != digestBut(t, ignore, string(raw)) {
			t.Errorf("%s is ignored, and shows", text)
		}
	}
}

func set(t *testing.T, object map[string]any, text string) {
	t.Helper()
	p, err := parsePointer(text)
	if err != nil {
		t.Fatal(err)
	}
	at, ok := p.follow(object)
	if !ok {
		t.Fatalf("%s leads nowhere", text)
	}
	var value any = object
	for _, step := range at[:len(at)-1] {
		if name, ok := step.(string); ok {
			value = value.(map[string]any)[name]
		} else {
			value = value.([]any)[step.(int)]
		}
	}
	value.(map[string]any)[at[len(at)-1].(string)] = "another"
}

// A parent of which everything is ignored hashes as nothing: it makes no
// difference whether another manager has taken the field from us.
func TestIgnoredOwnershipDoesNotShow(t *testing.T) {
	object := func(ours, theirs string) string {
		return `{apiVersion: apps/v1, metadata: {managedFields: [
			{manager: tidelock, operation: Apply, apiVersion: apps/v1, fieldsV1: {f:metadata: {f:labels: {f:app: {}}}, ` + ours + `}},
			{manager: hpa, operation: Update, apiVersion: apps/v1, fieldsV1: {` + theirs + `}}], labels: {app: x}}, spec: {replicas: 3}}`
	}
	both, taken := object(`f:spec: {f:replicas: {}}`, ``), object(``, `f:spec: {f:replicas: {}}`)
	pointer := ignoring(t, `[{group: apps, kind: Deployment, jsonPointers: [/spec/replicas]}]`)
	if digestBut(t, pointer, both) != digestBut(t, pointer, taken) {
		t.Error("by pointer: it shows that another owns the field")
	}
	manager := ignoring(t, `[{group: apps, kind: Deployment, managedFieldsManagers: [hpa]}]`)
	last := manager.Places(web, decode(t, taken), nil)
	answer := decode(t, both) // of a dry run, which takes the field back
	got, err := DigestBut(manager.Places(web, answer, last), []byte("key"), "apps/v1", answer)
	if err != nil {
		t.Fatal(err)
	}
	if got != digestBut(t, manager, taken) {
		t.Error("by manager: it shows that another owns the field")
	}
}

// An item that another manager put in front moves ours, in the live object and
// not in the dry run, or the other way round.
func TestIgnoredManagerHoldsForOtherStates(t *testing.T) {
	object := func(containers string) map[string]any {
		return decode(t, `{apiVersion: apps/v1, metadata: {managedFields: [
			{manager: tidelock, operation: Apply, apiVersion: apps/v1, fieldsV1: {f:spec: {f:containers: {'k:{"name":"web"}': {.: {}, f:name: {}, f:image: {}, f:args: {}}}}}},
			{manager: mesh, operation: Update, apiVersion: apps/v1, fieldsV1: {f:spec: {f:containers: {
				'k:{"name":"proxy"}': {.: {}, f:name: {}, f:image: {}}, 'k:{"name":"web"}': {.: {}, f:name: {}, f:image: {}}}}}}]},
			spec: {containers: [`+containers+`]}}`)
	}
	ignore := ignoring(t, `[{group: apps, kind: Deployment, managedFieldsManagers: [mesh]}]`)
	const proxy, ours = `{name: proxy, image: p}`, `{name: web, image: theirs, args: [a]}`
	live, answer := object(proxy+","+ours), object(ours+","+proxy)
	places := ignore.Places(web, live, nil)
	digest := func(places *Places, o map[string]any) string {
		got, err := DigestBut(places, []byte("key"), "apps/v1", o)
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	want := digest(places, live)
	if digest(ignore.Places(web, answer, places), answer) != want {
		t.Error("the place of an ignored item shows")
	}
	other := object(proxy + `,{name: web, image: other, args: [a]}`)
	if digest(ignore.Places(web, other, places), other) != want {
		t.Error("an ignored field of an item of ours shows")
	}
	drifted := object(proxy + `,{name: web, image: theirs, args: [b]}`)
	if digest(ignore.Places(web, drifted, places), drifted) == want {
		t.Error("with a field of an item all of it is ignored")
	}
}

// 1.5 globs: group and kind may be globs, name and namespace may be left out.
func TestRulesSelectObjects(t *testing.T) {
	for _, tt := range []struct {
		rule string
		want bool
	}{
		{`{group: apps, kind: Deployment}`, true},
		{`{group: "*", kind: "*"}`, true},
		{`{group: "a*", kind: "Deploy*"}`, true},
		{`{kind: Deployment}`, false}, // no group is the core group
		{`{group: apps}`, false},
		{`{group: apps, kind: deployment}`, false},
		{`{group: apps, kind: Deployment, name: web}`, true},
		{`{group: apps, kind: Deployment, name: db}`, false},
		{`{group: apps, kind: Deployment, namespace: shop}`, true},
		{`{group: apps, kind: Deployment, namespace: blog}`, false},
	} {
		t.Run(tt.rule, func(t *testing.T) {
			if got := ignoring(t, "["+tt.rule+"]").Concerns(web); got != tt.want {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

// An error names the rule and the expression.
func TestRulesThatCannotBeRead(t *testing.T) {
	for _, tt := range []struct{ name, rules, want string }{
		{"pointer without a slash", `[{kind: A}, {kind: B, jsonPointers: [spec/replicas]}]`, `cannot read the ignore rule 2: JSON pointer "spec/replicas" must begin with a slash`},
		{"pointer to all", `[{kind: B, jsonPointers: [""]}]`, `JSON pointer "" must begin with a slash`},
		{"jq", `[{kind: B, jqPathExpressions: ['.data[']}]`, `rule 1: jq expression ".data["`},
		{"jq that closes our parenthesis", `[{kind: B, jqPathExpressions: ['.a) | (.b']}]`, `jq expression ".a) | (.b"`},
		{"jq with an unknown function", `[{kind: B, jqPathExpressions: ['nosuch(.a)']}]`, `jq expression "nosuch(.a)": function not defined`},
		{"glob", `[{kind: "[", jsonPointers: [/a]}]`, `pattern "["`},
		{"a long pointer", `[{kind: B, jsonPointers: ["/` + strings.Repeat("x", maxExpression) + `"]}]`, `at most`},
		{"a long jq", `[{kind: B, jqPathExpressions: [".` + strings.Repeat("x", maxExpression) + `"]}]`, `at most`},
		{"many rules", "[" + strings.Repeat(`{kind: B},`, maxRules+1) + "]", `there are 401`},
		{"many expressions", "[{kind: A}, {kind: B, jsonPointers: [" + strings.Repeat(`/a,`, maxExpressions+1) + "]}]", `rule 2: there are more than 1000 expressions`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			ignore, err := NewIgnore(readRules(t, tt.rules))
			if !errors.Is(err, ErrRule) || !strings.Contains(fmt.Sprint(err), tt.want) || ignore != nil {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

// The examples of RFC 6901, section 5, and what leads nowhere.
func TestPointers(t *testing.T) {
	object := decode(t, `{"foo": ["bar", "baz"], "": 0, "a/b": 1, "c%d": 2, "e^f": 3, "g|h": 4, "i\\j": 5, "k\"l": 6, " ": 7, "m~n": 8, "~1": 9}`)
	for _, tt := range []struct{ pointer, want string }{
		{"/foo", "[foo]"}, {"/foo/0", "[foo 0]"}, {"/", "[]"}, {"/a~1b", "[a/b]"}, {"/c%d", "[c%d]"}, {"/e^f", "[e^f]"},
		{"/g|h", "[g|h]"}, {`/i\j`, `[i\j]`}, {`/k"l`, `[k"l]`}, {"/ ", "[ ]"}, {"/m~0n", "[m~n]"}, {"/~01", "[~1]"},
		{"/foo/2", "-"}, {"/foo/-", "-"}, {"/foo/-1", "-"}, {"/foo/01", "-"}, {"/foo/+1", "-"}, {"/foo/x", "-"},
		{"/a/b", "-"}, {"/foo/0/x", "-"}, {"/nothing", "-"},
	} {
		t.Run(tt.pointer, func(t *testing.T) {
			p, err := parsePointer(tt.pointer)
			if err != nil {
				t.Fatal(err)
			}
			got := "-"
			if at, ok := p.follow(object); ok {
				got = fmt.Sprint(at)
			}
			if got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

func TestUnusedRules(t *testing.T) {
	const live, absent = true, false
	object := decode(t, deployment)
	for _, tt := range []struct {
		name, rules string
		there       bool
		want        string
	}{
		{"all of use", `[{group: apps, kind: Deployment, jsonPointers: [/spec/replicas], jqPathExpressions: [.spec.paused], managedFieldsManagers: [hand]}]`, live, ""},
		{"no such object", `[{group: apps, kind: Deployment, name: db, jsonPointers: [/spec/replicas]}]`, live, "rule 1 (apps/Deployment db) is about no object of the application"},
		{"no such field", `[{kind: "*", group: "*", jsonPointers: [/spec/replicas, /spec/replica]}]`, live, `rule 1 (*/*): "/spec/replica" finds nothing in what is live`},
		{"1.5 pitfall: a slash in a key needs ~1, and one that is not escaped is named", `[{group: apps, kind: Deployment, jsonPointers: [/metadata/labels/example.com/app]}]`, live, `rule 1 (apps/Deployment): "/metadata/labels/example.com/app" finds nothing in what is live`},
		{"1.5 managedFieldsManagers: one that has not done anything yet is no mistake", `[{group: apps, kind: Deployment, managedFieldsManagers: [mesh]}]`, live, ""},
		{"the second of two", `[{group: apps, kind: Deployment}, {group: apps, kind: Deployment, jqPathExpressions: [.spec.replica]}]`, live, `rule 2 (apps/Deployment): ".spec.replica" finds nothing in what is live`},
		{"the object is not there yet", `[{group: apps, kind: Deployment, jsonPointers: [/spec/replica]}]`, absent, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			ignore := ignoring(t, tt.rules)
			change := Change{Key: web}
			if tt.there {
				change.Live = &Live{Key: web, Ignored: ignore.Places(web, object, nil)}
			}
			if got := strings.Join(ignore.Unused([]Change{change}), "\n"); got != tt.want {
				t.Errorf("got\n%s\nwant\n%s", got, tt.want)
			}
		})
	}
}

// A rule that was of use stays so: what others write comes and goes.
func TestUnusedRulesDoNotFlap(t *testing.T) {
	ignore := ignoring(t, `[{group: apps, kind: Deployment, jsonPointers: [/spec/paused]}]`)
	ignore.Places(web, decode(t, deployment), nil)
	ignore.Places(web, decode(t, `{apiVersion: apps/v1, spec: {}}`), nil)
	if got := ignore.Unused([]Change{{Key: web, Live: &Live{Key: web}}}); len(got) > 0 {
		t.Errorf("got %q", got)
	}
}

func TestRulesOfTheSystem(t *testing.T) {
	system := readRules(t, `[{group: "*", kind: "*", jsonPointers: [/spec/replicas]}]`)
	ignore, err := NewIgnore(nil, system...)
	if err != nil {
		t.Fatal(err)
	}
	if digestBut(t, ignore, deployment) != digestBut(t, ignore, patched(t, deployment, `{spec: {replicas: 3}}`)) {
		t.Error("it is not ignored")
	}
	if got := ignore.Unused(nil); len(got) > 0 {
		t.Errorf("an Application is blamed for it: %q", got)
	}
	other, err := NewIgnore(system)
	if err != nil {
		t.Fatal(err)
	}
	if ignore.Equal(other) || !ignore.Equal(ignore) || ignore.Equal(nil) {
		t.Error("a rule of the system equals one of an Application")
	}
}

// 1.5 jq limit: one second. An expression that does not end is left out after some tries, and named.
func TestSlowExpression(t *testing.T) {
	t.Parallel()
	ignore := ignoring(t, `[{group: apps, kind: Deployment, jqPathExpressions: ['.spec | until(false; .)'], jsonPointers: [/spec/replicas]}]`)
	object := decode(t, deployment)
	for range jqTries + 100 { // each further one would take a second
		if ignore.Places(web, object, nil) == nil {
			t.Fatal("with it, others are left out")
		}
	}
	got := ignore.Unused([]Change{{Key: web, Live: &Live{Key: web}}})
	want := `rule 1 (apps/Deployment): ".spec | until(false; .)" takes more than 1s on an object, and is left out`
	if !slices.Equal(got, []string{want}) {
		t.Errorf("got %q", got)
	}
}

// FuzzPointer: a pointer that is made of a path leads there.
func FuzzPointer(f *testing.F) {
	for _, seed := range []string{"a/b", "~", "~1", "", "0", "\x00"} {
		f.Add(seed, seed)
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		escaped := strings.NewReplacer("~", "~0", "/", "~1")
		p, err := parsePointer("/" + escaped.Replace(a) + "/0/" + escaped.Replace(b))
		if err != nil {
			if len(a)+len(b) < maxExpression/4 {
				t.Fatal(err)
			}
			return
		}
		object := map[string]any{a: []any{map[string]any{b: true}}}
		if at, ok := p.follow(object); !ok || !slices.Equal(at, []any{a, 0, b}) {
			t.Fatalf("%q leads to %q", []string(p), at)
		}
		if p, err := parsePointer(a); err == nil {
			p.follow(object)
		}
	})
}

// FuzzRules: no rule makes NewIgnore, Places or the digest panic; a rule that is
// read ignores nothing of an object of another kind.
func FuzzRules(f *testing.F) {
	raw, err := yaml.YAMLToJSON([]byte(deployment))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(`[{"group":"apps","kind":"Deployment","jsonPointers":["/spec/replicas"]}]`, raw)
	f.Add(`[{"group":"*","kind":"*","jqPathExpressions":[".spec.template.spec.containers[]|select(.name==\"web\")"]}]`, raw)
	f.Add(`[{"group":"*","kind":"*","managedFieldsManagers":["hand","tidelock"]}]`, raw)
	f.Add(`[{"group":"*","kind":"*","jqPathExpressions":["..","getpath([0])","first(.[]?)","$__loc__","input","debug"]}]`, raw)
	f.Fuzz(func(t *testing.T, text string, body []byte) {
		var rules []Rule
		var object map[string]any
		if json.Unmarshal([]byte(text), &rules) != nil || utiljson.Unmarshal(body, &object) != nil {
			return
		}
		ignore, err := NewIgnore(rules)
		if err != nil {
			return
		}
		places := ignore.Places(web, object, nil)
		if places != nil && !ignore.Concerns(web) {
			t.Fatal("places in an object of which no rule is")
		}
		if _, err := DigestBut(places, nil, "apps/v1", object); err != nil {
			return
		}
		ignore.Fields(web, object, object)
	})
}
