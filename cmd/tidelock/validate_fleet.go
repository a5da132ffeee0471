package main

import (
	"encoding/json"
	"path"
	"slices"
	"time"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/fleet"
	"github.com/tidelock-io/tidelock/render/manifest"
	"github.com/tidelock-io/tidelock/render/validate"
)

// together looks at all Applications beside one another.
func (v *validation) together(loose manifest.Set, locators map[string]*validate.Locator) {
	members, renders := v.members(loose)
	f := fleet.Fleet{Members: members, Loose: loose, Now: newYear(time.Now())}
	f.Known = v.secretsOf(members)
	problems, notes := f.Check()
	v.notes = append(v.notes, notes...)
	for _, p := range problems {
		prefix, others := ".", []string(nil)
		if r := renders[p.Of]; r != nil {
			prefix, others = r.prefix, yamlRead(r.result)
		}
		finding := v.locator(locators, prefix).Finding(p.Problem, others)
		finding.File, finding.Applications = path.Join(prefix, finding.File), p.Applications
		v.findings = append(v.findings, finding)
	}
}

// newYear is when the search for openings of windows begins: what is found is then the
// same at any hour of a year.
func newYear(now time.Time) time.Time {
	return time.Date(now.UTC().Year(), time.January, 1, 0, 0, 0, 0, time.UTC)
}

// members are the Applications, rendered or not, and the directories that none of them
// names.
func (v *validation) members(loose manifest.Set) (all []*fleet.Member, renders map[*fleet.Member]*rendering) {
	renders = map[*fleet.Member]*rendering{}
	byApp := map[*api.Application]*rendering{}
	for _, r := range v.rendered {
		byApp[r.app] = r
		if r.name == "" && r.err == nil {
			m := &fleet.Member{Dir: path.Dir(r.origin.File), Rendered: true, Set: r.result.Set, Repeated: r.result.Repeated, Prefix: r.prefix}
			all, renders[m] = append(all, m), r
		}
	}
	states := v.statements(loose)
	for _, f := range v.stated {
		object := states(f)
		if object == nil {
			continue
		}
		m := &fleet.Member{App: f.app, Object: object}
		if r := byApp[f.app]; r != nil {
			m.Prefix = r.prefix
			renders[m] = r
			if r.err == nil {
				m.Rendered, m.Set, m.Repeated = true, r.result.Set, r.result.Repeated
			}
		}
		all = append(all, m)
	}
	return all, renders
}

// statements returns what finds the object that states an Application: of one in a file
// that something renders, the one that this makes of it. It is nil if that makes
// another, so that the file is a template only.
func (v *validation) statements(loose manifest.Set) func(found) *manifest.Object {
	type id struct{ namespace, name, spec string }
	rendered := map[id]*manifest.Object{}
	for _, r := range v.rendered {
		if r.err != nil {
			continue
		}
		for _, o := range r.result.Set {
			if o.Key.Group == api.Group && o.Key.Kind == api.ApplicationKind {
				rendered[id{o.Key.Namespace, o.Key.Name, specOf(o)}] = o
			}
		}
	}
	plain := map[string]bool{}
	for _, o := range loose {
		plain[o.Origin.File] = true
	}
	return func(f found) *manifest.Object {
		if f.by != nil {
			return f.object // no file states it
		}
		if o := rendered[id{f.app.Namespace, f.app.Name, specOf(f.object)}]; o != nil && o.Origin == f.object.Origin {
			return o
		}
		file := f.object.Origin.File
		if !plain[file] && v.covers(file) && f.object.Key.Kind == api.ApplicationKind && !v.rendersItself(f) {
			return nil
		}
		return f.object
	}
}

// rendersItself says that an object is one of those that something renders.
func (v *validation) rendersItself(f found) bool {
	return slices.ContainsFunc(v.rendered, func(r *rendering) bool { return r.err == nil && slices.Contains(r.result.Set, f.object) })
}

// specOf is the spec of an object, as text.
func specOf(o *manifest.Object) string {
	text, err := json.Marshal(o.Body()["spec"])
	if err != nil {
		return ""
	}
	return string(text)
}
