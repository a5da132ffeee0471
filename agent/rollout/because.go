package rollout

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/render/manifest"
)

// Because says why a workload with the mark that is live restarts when it gets the one
// that is wanted: "restarts because Secret db changed". It is "" if the marks are no
// reason.
func Because(live, wanted string) string {
	switch {
	case live == wanted:
		return ""
	case live == "":
		return "restarts because it follows " + list(names(wanted)) + " from now on"
	case wanted == "":
		return "restarts because it no longer follows " + list(names(live))
	}
	return "restarts because " + strings.Join(changes(live, wanted), ", ")
}

// changes says what became of each thing that is in either mark.
func changes(live, wanted string) (all []string) {
	before, after := parse(live), parse(wanted)
	for _, name := range names(live + " " + wanted) {
		was, used := before[name]
		is, uses := after[name]
		switch {
		case !uses:
			all = append(all, shown(name)+" is no longer used")
		case !used:
			all = append(all, shown(name)+" is used now")
		case was != is:
			all = append(all, shown(name)+" changed")
		}
	}
	return all
}

// parse reads a mark. What somebody else has written there has no digests.
func parse(mark string) map[string]string {
	digests := map[string]string{}
	for _, part := range strings.Fields(mark) {
		name, digest, _ := strings.Cut(part, "=")
		digests[name] = digest
	}
	return digests
}

// names are the things in a mark, in order, each once.
func names(mark string) []string {
	var all []string
	for _, part := range strings.Fields(mark) {
		name, _, _ := strings.Cut(part, "=")
		all = append(all, name)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// shown is for people: what is live, anybody may have written.
func shown(name string) string {
	name = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, strings.Replace(name, "/", " ", 1))
	return fmt.Sprintf("%.300s", name)
}

func list(names []string) string {
	for i, name := range names {
		names[i] = shown(name)
	}
	return strings.Join(names, ", ")
}

// Without is an object without its mark: what is left of it is equal in any
// installation.
func Without(o *manifest.Object) *manifest.Object {
	bare, err := o.Edit(func(body map[string]any) {
		template, _ := body["spec"].(map[string]any)["template"].(map[string]any)
		meta, _ := template["metadata"].(map[string]any)
		annotations, _ := meta["annotations"].(map[string]any)
		delete(annotations, api.AnnotationRollout)
		for _, empty := range []struct {
			of   map[string]any
			name string
		}{{meta, "annotations"}, {template, "metadata"}} {
			if m, _ := empty.of[empty.name].(map[string]any); len(m) == 0 {
				delete(empty.of, empty.name)
			}
		}
	})
	if err != nil {
		return o // it could be read before, and can be now
	}
	return bare
}

// Of returns the mark of an object that is to be applied.
func Of(o *manifest.Object) string {
	if o == nil || !restarts(o.Key) || !bytes.Contains(o.JSON(), []byte(`"`+api.AnnotationRollout+`"`)) {
		return ""
	}
	return Read(o.Body())
}
