package diff

import (
	"maps"
	"slices"

	"github.com/tidelock-io/tidelock/render/manifest"
)

// Texts that stand for what is not shown.
const (
	hidden = "(hidden)"
	other  = "(hidden, another one)"
)

// Stated returns in what fields two statements of an object differ: Live is as it was
// stated before, Desired as it is now. Nobody but Git has a word in it. List items that
// all have names are compared by them. Of what a Secret holds it is told whether it is
// the same, and nothing else: not even a mark, so that the answer is the same in
// another process.
func Stated(before, after *manifest.Object) []Field {
	return StatedAs(before, before.Body(), after)
}

// StatedAs is Stated for a body in the place of that of before, which keeps its data.
func StatedAs(before *manifest.Object, body map[string]any, after *manifest.Object) []Field {
	s := &spotter{byName: true}
	was, is := shownOf(body), shownOf(after.Body())
	hideSealed(before, was, is)
	s.object(spot{}, was, is)
	for _, f := range dataFields(before, after) {
		s.add(f)
	}
	return s.fields()
}

// dataFields compares what two Secrets hold.
func dataFields(before, after *manifest.Object) (fields []Field) {
	was, is := before.Data(), after.Data()
	names := maps.Clone(was)
	if names == nil {
		names = maps.Clone(is)
	}
	maps.Copy(names, is)
	for _, name := range slices.Sorted(maps.Keys(names)) {
		f := Field{Path: member("data", name)}
		v, had := was[name]
		w, has := is[name]
		switch {
		case had && has && v.Equal(w):
			continue
		case had && has:
			f.Live, f.Desired = hidden, other
		case had:
			f.Live = hidden
		default:
			f.Desired = hidden
		}
		fields = append(fields, f)
	}
	return fields
}

// hideSealed keeps the ciphers of a SealedSecret from being shown: they are others
// whenever a value is sealed anew.
func hideSealed(o *manifest.Object, was, is map[string]any) {
	if o.Key.Group != "bitnami.com" || o.Key.Kind != "SealedSecret" {
		return
	}
	a, b := sealedItems(was), sealedItems(is)
	for name := range a {
		same := equal(a[name], b[name])
		a[name] = hidden
		if _, both := b[name]; both && same {
			b[name] = hidden
		} else if both {
			b[name] = other
		}
	}
	for name := range b {
		if _, both := a[name]; !both {
			b[name] = hidden
		}
	}
}

// sealedItems are the ciphers in a body, which are of this body only.
func sealedItems(body map[string]any) map[string]any {
	spec, _ := body["spec"].(map[string]any)
	items, _ := spec["encryptedData"].(map[string]any)
	return items
}

// areNamed says that each item of a list has a name, and no two the same.
func areNamed(list []any) bool {
	seen := map[string]bool{}
	for _, item := range list {
		object, _ := item.(map[string]any)
		name, _ := object["name"].(string)
		if name == "" || seen[name] {
			return false
		}
		seen[name] = true
	}
	return true
}
