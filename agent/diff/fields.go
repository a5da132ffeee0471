package diff

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/tidelock-io/tidelock/render/manifest"
)

// Limits on what is shown of one object.
const (
	maxFields = 100
	maxShown  = 256 // bytes of one value
)

// A Field is one place in which a live object is not as Git states it, or which
// somebody else has added to a list of ours.
type Field struct {
	// Path is in people's notation: spec.template.spec.containers[name=web].image
	Path string `json:"path,omitempty"`
	// Live and Desired are the values, as JSON, shortened; "" if there is none. A
	// secret one shows as its mark.
	Live    string `json:"live,omitempty"`
	Desired string `json:"desired,omitempty"`
	// Lines are set if both values are texts, and one has several lines: in which
	// lines they differ, as in a unified diff.
	Lines []string `json:"lines,omitempty"`
	// Extra: it is not Git's, and stays when Git's is applied.
	Extra bool `json:"extra,omitempty"`
	// Owner is who made the live value what it is, as far as that is known.
	Owner Owner `json:"owner,omitzero"`
	// More is how many further fields are not shown; the others are empty then.
	More int `json:"more,omitempty"`
}

// String prints as "spec.replicas: live 3, desired 2; by kubectl (Update, ...)".
func (f Field) String() string {
	text := f.Path + ": "
	switch {
	case f.More > 0:
		return fmt.Sprintf("and %d more fields", f.More)
	case f.Extra:
		text += "added " + f.Live
	case f.Live == "":
		text += "not there, desired " + f.Desired
	case f.Desired == "":
		text += "live " + f.Live + ", not desired"
	default:
		text += "live " + f.Live + ", desired " + f.Desired
	}
	if f.Owner != (Owner{}) {
		text += "; by " + f.Owner.String()
	}
	return text
}

// Fields returns in what fields a live object differs from the desired one, in
// the order of their paths. Desired is what the server would make of it: its
// answer to a dry run, so that defaults are no difference. Then come list items
// and their fields that others have added to ours (DRIFT.md trap 2). What a
// Secret holds shows as marks only.
func Fields(desired, live map[string]any) []Field {
	s := &spotter{}
	at := spot{claims: append(claimsOf(live), anonymous(claimsOf(desired))...)}
	s.object(at, shownOf(live), shownOf(desired))
	return s.fields()
}

// fields are the first that were gathered.
func (s *spotter) fields() []Field {
	fields := append(s.differences, s.extras...)
	if more := len(fields) - maxFields; more > 0 {
		fields = append(fields[:maxFields], Field{More: more + s.more})
	}
	return fields
}

// Fields is the function Fields without what is ignored.
func (i *Ignore) Fields(key manifest.Key, desired, live map[string]any) []Field {
	at := i.Places(key, live, nil)
	if want := i.Places(key, desired, at); want != nil {
		desired, _ = want.cut(desired).(map[string]any)
	}
	if at != nil {
		live, _ = at.cut(live).(map[string]any)
	}
	return Fields(desired, live)
}

// A spot is a place in both objects.
type spot struct {
	path   string
	claims []claim
	inItem bool // inside a list item that we own
}

// A spotter gathers fields.
type spotter struct {
	differences, extras []Field
	more                int  // that are not kept
	byName              bool // no server says what items are known by
}

func (s *spotter) add(f Field) {
	to := &s.differences
	if f.Extra {
		to = &s.extras
	}
	if len(*to) > maxFields {
		s.more++
		return
	}
	*to = append(*to, f)
}

// extra notes what others have added.
func (s *spotter) extra(at spot, live any) {
	s.add(Field{Path: at.path, Live: shownValue(live), Extra: true, Owner: lastOwner(at.claims)})
}

// differ notes that a place is not the same in both.
func (s *spotter) differ(at spot, live, desired any, isLive, isDesired bool) {
	f := Field{Path: at.path}
	if isLive {
		f.Live, f.Owner = shownValue(live), lastOwner(at.claims)
	}
	if isDesired {
		f.Desired = shownValue(desired)
	}
	if a, ok := live.(string); ok {
		if b, ok := desired.(string); ok {
			f.Lines = lines(a, b)
		}
	}
	s.add(f)
}

// value compares what both have.
func (s *spotter) value(at spot, live, desired any) {
	a, isMap := live.(map[string]any)
	b, bothMaps := desired.(map[string]any)
	x, isList := live.([]any)
	y, bothLists := desired.([]any)
	switch {
	case isMap && bothMaps:
		s.object(at, a, b)
	case isList && bothLists:
		s.list(at, x, y)
	case !equal(live, desired):
		s.differ(at, live, desired, true, true)
	}
}

func (s *spotter) object(at spot, live, desired map[string]any) {
	names := map[string]bool{}
	for name := range live {
		names[name] = true
	}
	for name := range desired {
		names[name] = true
	}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		next := spot{member(at.path, name), under(at.claims, "f:"+name), at.inItem}
		mine, isLive := live[name]
		other, isDesired := desired[name]
		switch {
		case !isLive || !isDesired:
			s.differ(next, mine, other, isLive, isDesired)
		case at.inItem && isOthers(next.claims) && equal(mine, other):
			s.extra(next, mine)
		default:
			s.value(next, mine, other)
		}
	}
}

// list compares item by item: those with the same merge key, else those at the
// same place, if both have as many objects.
func (s *spotter) list(at spot, live, desired []any) {
	keys, keyed := keysAt(at.claims)
	if s.byName && areNamed(live) && areNamed(desired) {
		keys, keyed = []string{"name"}, true
	}
	switch {
	case keyed:
		s.keyed(at, keys, live, desired)
	case len(live) == len(desired) && areObjects(live) && areObjects(desired):
		for i := range live {
			s.value(spot{fmt.Sprintf("%s[%d]", at.path, i), at.claims, at.inItem}, live[i], desired[i])
		}
	case !equal(live, desired):
		s.differ(at, live, desired, true, true)
	}
}

func (s *spotter) keyed(at spot, keys []string, live, desired []any) {
	claims := underItems(at.claims, keys)
	wanted := byIdentity(desired, keys)
	there := byIdentity(live, keys)
	for _, item := range live {
		id := identity(item, keys)
		next := spot{at.path + label(item, keys), claims[id], isOurs(claims[id])}
		other, stays := wanted[id]
		switch {
		case !stays:
			s.differ(next, item, nil, true, false)
		case isOurs(at.claims) && isOthers(next.claims) && equal(item, other):
			s.extra(next, item)
		default:
			s.value(next, item, other)
		}
	}
	for _, item := range desired {
		if _, ok := there[identity(item, keys)]; !ok {
			s.differ(spot{path: at.path + label(item, keys)}, nil, item, false, true)
		}
	}
	s.order(at, keys, live, desired)
}

// order notes that items are the same, in another order: applying restores it
// (DRIFT.md rule 1).
func (s *spotter) order(at spot, keys []string, live, desired []any) {
	if len(live) != len(desired) {
		return
	}
	var was, will []string
	same := true
	for i := range live {
		same = same && identity(live[i], keys) == identity(desired[i], keys)
		was, will = append(was, label(live[i], keys)), append(will, label(desired[i], keys))
	}
	if same || !slices.Equal(slices.Sorted(slices.Values(was)), slices.Sorted(slices.Values(will))) {
		return
	}
	s.add(Field{
		Path: at.path, Live: clipped("order " + strings.Join(was, "")), Desired: clipped("order " + strings.Join(will, "")),
		Owner: lastOwner(at.claims),
	})
}

func byIdentity(list []any, keys []string) map[string]any {
	all := make(map[string]any, len(list))
	for _, item := range list {
		all[identity(item, keys)] = item
	}
	return all
}

func areObjects(list []any) bool {
	return !slices.ContainsFunc(list, func(item any) bool {
		_, ok := item.(map[string]any)
		return !ok
	})
}

// equal compares two values; 1 and 1.0 are the same.
func equal(a, b any) bool {
	var x, y hasher
	x.value(a)
	y.value(b)
	return bytes.Equal(x.pending, y.pending)
}

// member returns the path of a member: spec.replicas, or data["a.b"].
func member(path, name string) string {
	simple := name != "" && !strings.ContainsFunc(name, func(r rune) bool {
		return r != '_' && r != '-' && (r > unicode.MaxASCII || !unicode.IsLetter(r) && !unicode.IsDigit(r))
	})
	switch {
	case !simple:
		return path + "[" + strconv.Quote(name) + "]"
	case path == "":
		return name
	}
	return path + "." + name
}

// label names an item by its keys: [name=web].
func label(item any, keys []string) string {
	object, _ := item.(map[string]any)
	var parts []string
	for _, key := range keys {
		value, ok := object[key]
		if !ok {
			continue
		}
		text := shownValue(value)
		if s, isText := value.(string); isText && member("", s) == s {
			text = s
		}
		parts = append(parts, key+"="+text)
	}
	return "[" + strings.Join(parts, ",") + "]"
}

// shownValue is a value as JSON, shortened.
func shownValue(value any) string {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return "(a value that is no JSON)"
	}
	return clipped(strings.TrimSuffix(b.String(), "\n"))
}

func clipped(text string) string {
	if len(text) > maxShown {
		end := maxShown
		for !utf8.RuneStart(text[end]) {
			end--
		}
		text = text[:end] + "…"
	}
	return printable(text)
}

// printable escapes what would play tricks with a terminal.
func printable(text string) string {
	var b strings.Builder
	for _, r := range text {
		if unicode.IsPrint(r) {
			b.WriteRune(r)
		} else {
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return b.String()
}
