package rehearsal

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tidelock-io/tidelock/render/manifest"
)

// What an API server says of schemas it says in words alone: there are no causes in
// its answer (k8s.io/apimachinery, typed patches and strict decoding).
var (
	typedLine    = regexp.MustCompile(`(?m)(?:^\s*|: )(\.[A-Za-z0-9_$][^\s]*): (.*)$`)
	unknownField = regexp.MustCompile(`(unknown|duplicate) field "([^"]+)"`)
	goField      = regexp.MustCompile(`cannot unmarshal (\S+) into Go struct field [A-Za-z0-9]+\.(\S+) of type (\S+)`)
	keyed        = regexp.MustCompile(`\[[A-Za-z][^\]]*="[^\]]*\]|\[[A-Za-z]+=[^\]]*\]`)
)

// maxMessage bounds what is told of one refusal.
const maxMessage = 400

// refusals are what a server's answer has against an object, field by field.
func refusals(status metav1.Status, o *manifest.Object) []Refusal {
	var all []Refusal
	add := func(path, message string) {
		message = strings.Join(strings.Fields(message), " ")
		if len(message) > maxMessage {
			message = message[:maxMessage] + "…"
		}
		one := Refusal{path, message}
		if !slices.Contains(all, one) {
			all = append(all, one)
		}
	}
	if status.Details != nil && status.Reason == metav1.StatusReasonInvalid {
		for _, cause := range status.Details.Causes {
			add(strings.TrimPrefix(cause.Field, "<nil>"), cause.Message)
		}
		if len(all) > 0 {
			return all
		}
	}
	for _, m := range typedLine.FindAllStringSubmatch(status.Message, -1) {
		add(indexed(strings.TrimPrefix(m[1], "."), o.Body()), m[2])
	}
	for _, m := range unknownField.FindAllStringSubmatch(status.Message, -1) {
		add(m[2], m[1]+" field")
	}
	if m := goField.FindStringSubmatch(status.Message); m != nil && len(all) == 0 {
		add(m[2], fmt.Sprintf("it is a %s, and must be %s", m[1], m[3]))
	}
	if len(all) == 0 {
		add("", status.Message)
	}
	return all
}

// indexed makes spec.ports[0] of spec.ports[port=80,protocol="TCP"], which is how
// typed patches name an item of a list.
func indexed(path string, body any) string {
	for {
		at := keyed.FindStringIndex(path)
		if at == nil {
			return path
		}
		list, _ := find(body, path[:at[0]]).([]any)
		i := slices.IndexFunc(list, func(item any) bool { return matches(item, path[at[0]+1:at[1]-1]) })
		path = fmt.Sprintf("%s[%d]%s", path[:at[0]], max(0, i), path[at[1]:])
	}
}

var pathStep = regexp.MustCompile(`[^.\[\]]+`)

// find follows a path of names and indices.
func find(v any, path string) any {
	for _, step := range pathStep.FindAllString(path, -1) {
		switch at := v.(type) {
		case map[string]any:
			v = at[step]
		case []any:
			var i int
			if _, err := fmt.Sscan(step, &i); err != nil || i < 0 || i >= len(at) {
				return nil
			}
			v = at[i]
		default:
			return nil
		}
	}
	return v
}

// matches says whether an item has the keys name="web",port=80. A default that is
// not stated counts as one.
func matches(item any, keys string) bool {
	fields, ok := item.(map[string]any)
	if !ok {
		return false
	}
	for part := range strings.SplitSeq(keys, ",") {
		name, value, _ := strings.Cut(part, "=")
		if has, ok := fields[name]; ok && fmt.Sprint(has) != strings.Trim(value, `"`) {
			return false
		}
	}
	return true
}
