package render

import (
	"bytes"
	"encoding/json"
	"net/url"
	"slices"
	"strings"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/git"
	"github.com/tidelock-io/tidelock/render/manifest"
)

// A Shelf keeps bytes from one process to the next. What it gives may be nothing,
// or rubbish; render/shelf is one.
type Shelf interface {
	Get(key string) (data []byte, ok bool)
	Put(key string, data []byte)
}

// keepable says whether an outcome may leave the process: if nothing of it was
// decrypted or read from a cluster, no custom plugin had a hand in it, which may
// have its secrets from anywhere, no Secret holds data, and its facts mean the same
// elsewhere. What failed is tried again.
func (o *outcome) keepable() bool {
	r := o.result
	switch {
	case o.err != nil, o.usesKeys, len(r.Opened) > 0, len(r.Lookups) > 0, len(r.Values) > 0, r.SourceType == api.SourceTypePlugin:
		return false
	case !r.Inputs.Lasting(), slices.ContainsFunc(r.Mounts, func(m Mount) bool { return !m.Inputs.Lasting() || mayHoldPassword(m.Source.URL) }):
		return false
	}
	return !slices.ContainsFunc(r.Set, func(obj *manifest.Object) bool { return len(obj.Data()) > 0 })
}

// mayHoldPassword says so of an address, and of one that it cannot read.
func mayHoldPassword(address string) bool {
	if !strings.Contains(address, "://") {
		return strings.Contains(address, "?")
	}
	u, err := url.Parse(address)
	if err != nil {
		return true
	}
	_, has := u.User.Password()
	return has || u.RawQuery != ""
}

// A keptOutcome is an outcome as it lies on a shelf.
type keptOutcome struct {
	Objects      []keptObject
	Plugin       string
	SourceType   api.SourceType
	Inputs       git.Facts
	Mounts       []Mount
	Repeated     []manifest.Duplicate
	Warnings     []string
	Bases        []string // hashes of the trees
	UsesEnv      bool
	UsesVersions bool
	UsesLookups  bool
	UsesCustom   customs
	EnvNames     []string // nil is not empty
	Uses         keptUses
}

type keptObject struct {
	Origin manifest.Origin
	Body   json.RawMessage
}

// keptUses are uses without those that mean nothing elsewhere.
type keptUses struct{ Env, Custom, Versions, Lookups string }

func (u uses) kept() keptUses { return keptUses{u.env, u.custom, u.versions, u.lookups} }

// shelfKey names what lies on the shelf for a key: another build may render otherwise.
func (e *Engine) shelfKey(k key) string { return digest(e.build, k.id) }

// shelve keeps an outcome for the next process, if it may leave this one.
func (e *Engine) shelve(k key, out *outcome) {
	if e.shelf == nil || !out.keepable() {
		return
	}
	r := out.result
	kept := keptOutcome{
		Plugin: r.Plugin, SourceType: r.SourceType, Inputs: r.Inputs, Mounts: r.Mounts, Repeated: r.Repeated, Warnings: r.Warnings,
		UsesEnv: out.usesEnv, UsesVersions: out.usesVersions, UsesLookups: out.usesLookups, UsesCustom: out.usesCustom,
		EnvNames: out.envNames, Uses: k.uses(out).kept(),
	}
	for _, obj := range r.Set {
		kept.Objects = append(kept.Objects, keptObject{obj.Origin, obj.JSON()})
	}
	for _, b := range out.bases {
		kept.Bases = append(kept.Bases, b.hash)
	}
	if data, err := json.Marshal(&kept); err == nil {
		e.shelf.Put(e.shelfKey(k), data)
	}
}

// unshelve puts what an earlier process rendered for a key into the cache, if it is
// there and whole. Whether it holds is told as of what this process rendered.
func (e *Engine) unshelve(k key) {
	if e.shelf == nil {
		return
	}
	data, ok := e.shelf.Get(e.shelfKey(k))
	if !ok {
		return
	}
	var kept keptOutcome
	if json.Unmarshal(data, &kept) != nil {
		return
	}
	if out := kept.outcome(); out != nil && out.keepable() && k.uses(out).kept() == kept.Uses {
		e.cache.put(k, out)
	}
}

// outcome is nil if it is none that was kept.
func (k *keptOutcome) outcome() *outcome {
	out := &outcome{
		result: &Result{
			Plugin: k.Plugin, SourceType: k.SourceType, Inputs: k.Inputs, Mounts: k.Mounts, Repeated: k.Repeated, Warnings: k.Warnings,
		},
		usesEnv: k.UsesEnv, usesVersions: k.UsesVersions, usesLookups: k.UsesLookups, usesCustom: k.UsesCustom, envNames: k.EnvNames,
	}
	for _, hash := range k.Bases {
		out.bases = append(out.bases, basis{hash: hash})
	}
	for _, o := range k.Objects {
		set, err := manifest.Parse(o.Body, o.Origin)
		if err != nil || len(set) != 1 || !bytes.Equal(set[0].JSON(), o.Body) {
			return nil
		}
		set[0].Origin = o.Origin
		out.result.Set = append(out.result.Set, set[0])
	}
	if len(out.bases) != 1+len(out.result.Mounts) {
		return nil
	}
	return out
}
