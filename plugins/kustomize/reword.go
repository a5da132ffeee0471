package kustomize

import (
	"errors"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

var (
	// recursed is where kustomize says in which directory it was.
	recursed = regexp.MustCompile(`(?s)^.*(?:recursed accumulation of|couldn't make target for) path '/?([^']*)': `)
	// accumulated names the resource that it was about to read, and what was wrong
	// with it. That it is no file, or no base either, goes without saying.
	accumulated = regexp.MustCompile(`(?s)^accumulating resources: (?:accumulation err=')?(?:accumulating|merging) resources from '([^']*)': (?:'[^']*' must resolve to a file': )?(.*?)(?:': must build at directory: .*)?$`)
	// dumped is where it prints the head of an object.
	dumped = regexp.MustCompile(`(?s) in object \{\{.*`)
	// ofID is how it prints what a patch or a resource is: Kind.version.group/name.
	ofID = regexp.MustCompile(`(?:patch "?|registered id: |for Id |selected by )(\w+)\.[^/ ]*/([^\s:;"]+?)\.(?:\[noNs\]|[\w-]+)(?:[\s:;",]|$)`)
	// ofGenerated is how it prints what a generator was to merge with.
	ofGenerated = regexp.MustCompile(`Name:"([^"]+)".* does not exist; cannot merge or replace`)
	// wordy is what it says of what people wrote, as a programmer would print it.
	wordy = []struct {
		said  *regexp.Regexp
		means string
	}{
		{regexp.MustCompile(`merging from generator &\{[^}]*\}: id resid\.ResId\{.*Kind:"(\w+)".*Name:"([^"]+)".*\} `), `generator of the $1 "$2": it `},
		{regexp.MustCompile(`(?s)trouble configuring builtin (\w+) with config: .*: unable to parse SM or JSON patch from .*`), "it is neither a strategic merge patch nor a JSON patch"},
		{regexp.MustCompile(`(?s)trouble configuring builtin (\w+) with config: ` + "`" + `[^` + "`" + `]*` + "`" + `: `), "$1: "},
	}
	// pointer is the field that a JSON patch names.
	pointer = regexp.MustCompile(`(?:path: "?|path ")(/[^\s":]+)`)
)

// reworded says what kustomize says, with the file and line that it is about and
// what led there, and without what it prints of files.
func (f *files) reworded(err error) error {
	text := plain(err.Error())
	k := f.read[0]
	if m := recursed.FindStringSubmatch(text); m != nil {
		text = text[len(m[0]):]
		for _, other := range f.read {
			if path.Dir(other.file) == path.Clean(m[1]) {
				k = other
			}
		}
	}
	line, hint, at := 0, "", ""
	if m := accumulated.FindStringSubmatch(text); m != nil {
		line, text = k.lineOf(m[1]), dumped.ReplaceAllString(m[2], "")
		if i := slices.IndexFunc(k.names, func(r *reference) bool { return r.value == m[1] }); i >= 0 {
			at = " > " + k.names[i].target
		}
	}
	for _, find := range []func(*kustomization, string) (int, string){f.program, f.duplicate, f.patched, f.generated, f.replaced, f.pointed} {
		if found, advice := find(k, text); found > 0 || advice != "" {
			line, hint = max(line, found), advice
			break
		}
	}
	for _, w := range wordy {
		text = w.said.ReplaceAllString(text, w.means)
	}
	said := redact(errors.New(text), f.secrets()...).Error()
	if hint != "" {
		said += "; " + hint
	}
	return fmt.Errorf("%s%s: %s", k.place(line), at, said)
}

// plain undoes the quotes that kustomize puts around an error of a component.
func plain(text string) string {
	const before = "accumulateDirectory: "
	for {
		i := strings.Index(text, before+`"`)
		if i < 0 {
			return text
		}
		quoted, err := strconv.QuotedPrefix(text[i+len(before):])
		if err != nil {
			return text
		}
		inner, err := strconv.Unquote(quoted)
		if err != nil {
			return text
		}
		text = inner
	}
}

// program finds what would run a program.
func (f *files) program(k *kustomization, text string) (int, string) {
	if !strings.Contains(text, "external plugins disabled") && !strings.Contains(text, "must specify --enable-helm") {
		return 0, ""
	}
	hint := "functions that are programs or containers are not supported: render it by a plugin, or commit what it makes"
	if strings.Contains(text, "must specify --enable-helm") {
		hint = "list the chart under helmCharts"
	}
	for _, r := range k.names {
		switch r.field {
		case "generators", "transformers", "validators":
			return r.line, hint
		}
	}
	for _, field := range []string{"generators", "transformers", "validators"} {
		for _, item := range items(k.field(field)) {
			return item.Line, hint
		}
	}
	return 0, hint
}

// duplicate names all places that state a resource which is stated twice.
func (f *files) duplicate(_ *kustomization, text string) (int, string) {
	m := ofID.FindStringSubmatch(text)
	if m == nil || !strings.Contains(text, "already registered id") {
		return 0, ""
	}
	var places []string
	for s := range f.origins.sources {
		if s.kind == m[1] && s.name == m[2] {
			places = append(places, fmt.Sprintf("%s:%d", s.file, s.line))
		}
	}
	slices.Sort(places)
	if len(places) == 1 {
		return 0, fmt.Sprintf("it is stated at %s, which more than one base or resource leads to", places[0])
	}
	return 0, "it is stated at " + strings.Join(places, " and ")
}

// patched finds the patch that has no target, and names what there is.
func (f *files) patched(k *kustomization, text string) (int, string) {
	m := ofID.FindStringSubmatch(text)
	if m == nil || !strings.Contains(text, "patch") {
		return 0, ""
	}
	line := f.patchOf(k, func(text string) bool {
		return strings.Contains(text, m[1]) && strings.Contains(text, m[2])
	})
	var names []string
	for s := range f.origins.sources {
		if s.kind == m[1] && !slices.Contains(names, s.name) {
			names = append(names, s.name)
		}
	}
	if len(names) == 0 {
		return line, fmt.Sprintf("there is no %s", m[1])
	}
	slices.Sort(names)
	if len(names) > 5 {
		names = append(names[:5], "…")
	}
	return line, fmt.Sprintf("of the kind %s there is %s", m[1], strings.Join(names, ", "))
}

// patchOf finds the patch that has a text, inline or in its file.
func (f *files) patchOf(k *kustomization, has func(text string) bool) int {
	for _, field := range []string{"patches", "patchesStrategicMerge", "patchesJson6902"} {
		for _, item := range items(k.field(field)) {
			text := item.Value
			for _, part := range []string{"patch", "path"} {
				if n := child(item, part); n != nil {
					text = n.Value
				}
			}
			if !isInline(text) {
				text = string(f.texts[path.Join(path.Dir(k.file), text)])
			}
			if has(text) {
				return item.Line
			}
		}
	}
	return 0
}

// pointed finds the JSON patch of a field that is not there.
func (f *files) pointed(k *kustomization, text string) (int, string) {
	m := pointer.FindStringSubmatch(text)
	if m == nil {
		return 0, ""
	}
	return f.patchOf(k, func(text string) bool { return strings.Contains(text, m[1]) }), ""
}

// generated finds the generator that has nothing to merge with.
func (f *files) generated(k *kustomization, text string) (int, string) {
	m := ofGenerated.FindStringSubmatch(text)
	if m == nil {
		return 0, ""
	}
	for _, field := range []string{"configMapGenerator", "secretGenerator"} {
		for _, item := range items(k.field(field)) {
			if name := child(item, "name"); name != nil && name.Value == m[1] {
				return item.Line, fmt.Sprintf("no base generates %q: create it, or name the one that is there", m[1])
			}
		}
	}
	return 0, ""
}

// replaced finds the replacement whose source or target is not there.
func (f *files) replaced(k *kustomization, text string) (int, string) {
	list := items(k.field("replacements"))
	if len(list) == 0 || !strings.Contains(text, "selected by") && !strings.Contains(text, "replacement") && !strings.Contains(text, "fieldPath") {
		return 0, ""
	}
	name := ""
	if m := ofID.FindStringSubmatch(text); m != nil {
		name = m[2]
	}
	for _, item := range list {
		if names := func(n *yaml.Node, isKey bool) bool { return !isKey && n.Value == name }; lineOf(item, names, 0) > 0 {
			return item.Line, ""
		}
	}
	return list[0].Line, ""
}
