package render

import (
	"container/list"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"sync"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/plugins/sdk"
	"github.com/tidelock-io/tidelock/render/manifest"
	"github.com/tidelock-io/tidelock/secrets"
)

// A key is what a result depends on besides the files. Its id finds a result;
// the rest must be as it was, too, but only if the render made use of it.
type key struct {
	id     string
	engine *Engine
	req    *Request
}

// An identity is what tells the results of different questions apart.
type identity struct {
	Application, Project, Namespace string
	SourceIndex                     int
	Source                          *api.Source
	Chained                         bool
}

func (e *Engine) keyOf(req *Request) key {
	source := req.Source
	// These choose a commit, or name the source; what is read is in the facts.
	// For who renders by them they are in the environment.
	source.TargetRevision, source.TagPrefix, source.Name = "", "", ""
	id := digest(&identity{req.Application, req.Project, req.Namespace, req.SourceIndex, &source, req.Chained})
	return key{id, e, req}
}

// uses is what an outcome made use of besides the files, as digests; "" if not.
type uses struct{ env, custom, versions, keys, lookups, values string }

func (k key) uses(out *outcome) uses {
	var u uses
	if len(k.req.Values) > 0 {
		u.values = digest(given(k.req.Values))
	}
	if out.usesEnv {
		u.env = digest(pick(buildEnv(k.req, &k.req.Source), out.envNames))
	}
	if out.usesCustom != noCustom {
		u.custom = k.engine.customDigest(out.usesCustom)
	}
	if out.usesVersions {
		u.versions = digest(k.req.KubeVersion, k.req.APIVersions)
	}
	if out.usesKeys {
		u.keys = digest(marks(k.req.Keys))
	}
	if out.usesLookups {
		u.lookups = digest(k.req.Lookups, k.req.Lookup != nil)
	}
	return u
}

// digest hashes the JSON of parts: a type that cannot be encoded is a mistake of
// this package.
func digest(parts ...any) string {
	sum := sha256.New()
	if err := json.NewEncoder(sum).Encode(parts); err != nil {
		panic(err) //nolint:forbidigo // no input leads here
	}
	return hex.EncodeToString(sum.Sum(nil))
}

// marks names keys without giving anything of them away.
func marks(keys []sdk.Key) []string {
	var out []string
	for _, k := range keys {
		out = append(out, k.Kind+" "+k.Name+" "+secrets.New(k.Material).Mark()+" "+digest(k.Settings))
	}
	return out
}

// An outcome is a render that ended: result and err are its own. Of a failure
// the result holds the inputs, and what was known by then.
type outcome struct {
	result *Result
	err    *Error
	bases  []basis // the trees that were read
	// These say what of the key counts.
	usesEnv, usesVersions, usesKeys, usesLookups bool
	usesCustom                                   customs
	envNames                                     []string // variables, if not all of them count
}

// useEnv notes that variables of the build environment count: all for nil.
func (o *outcome) useEnv(names []string) {
	if !o.usesEnv {
		o.usesEnv, o.envNames = true, names
		return
	}
	if o.envNames != nil && names != nil {
		names = slices.Concat(o.envNames, names)
	} else {
		names = nil
	}
	o.envNames = names
}

// lasting says whether the outcome may be kept.
func (o *outcome) lasting() bool { return o.err == nil || lasting(o.err) }

// answer gives the outcome to who asked. Errors are copied, for they name the
// application.
func (o *outcome) answer(req *Request, cached bool) (*Result, error) {
	if o.err != nil {
		err := *o.err
		err.Application, err.Source = req.Application, req.SourceIndex
		return nil, &err
	}
	result := *o.result
	result.Cached = cached
	return &result, nil
}

// reuse replaces objects by those of before that equal them, origin included.
func (o *outcome) reuse(before *outcome) {
	known := make(map[manifest.Key]*manifest.Object, len(before.result.Set))
	for _, obj := range before.result.Set {
		known[obj.Key] = obj
	}
	for i, obj := range o.result.Set {
		if old := known[obj.Key]; old != nil && old.Hash() == obj.Hash() && old.Origin == obj.Origin {
			o.result.Set[i] = old
		}
	}
}

// size is roughly what the outcome takes in memory.
func (o *outcome) size() int64 {
	const object, fact = 1024, 256
	n := int64(len(o.result.Inputs)+len(o.result.Lookups))*fact + object
	for _, m := range o.result.Mounts {
		n += int64(len(m.Inputs))*fact + object
	}
	for _, s := range o.result.Opened {
		n += int64(s.Size())
	}
	for _, obj := range o.result.Set {
		n += int64(obj.Size()) + object
	}
	return n
}

// A cache keeps the latest outcome of each key, and forgets what was not asked
// for the longest when it grows over its limit.
type cache struct {
	limit int64

	mu      sync.Mutex
	bytes   int64
	entries map[string]*list.Element
	recent  *list.List // of *entry, most recently used first
}

type entry struct {
	id, application string

	uses  uses
	out   *outcome
	bases []basis // replaced as a whole
	size  int64
}

func newCache(limit int64) *cache {
	return &cache{limit: limit, entries: map[string]*list.Element{}, recent: list.New()}
}

// get returns the outcome that was kept for k and where it was last seen to hold,
// nil if there is none.
func (c *cache) get(k key) (*outcome, []basis) {
	c.mu.Lock()
	defer c.mu.Unlock()
	element, ok := c.entries[k.id]
	if !ok {
		return nil, nil
	}
	e := element.Value.(*entry)
	if e.uses != k.uses(e.out) {
		return nil, nil
	}
	c.recent.MoveToFront(element)
	return e.out, slices.Clone(e.bases)
}

// confirm notes where the outcome for k was seen to hold.
func (c *cache) confirm(k key, bases []basis) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if element, ok := c.entries[k.id]; ok {
		element.Value.(*entry).bases = bases
	}
}

// put keeps an outcome. Objects that are as they were before become the very
// same, so that who compares them sees it at once.
func (c *cache) put(k key, out *outcome) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if old, ok := c.entries[k.id]; ok {
		out.reuse(old.Value.(*entry).out)
		c.drop(old)
	}
	e := &entry{k.id, k.req.Application, k.uses(out), out, out.bases, out.size()}
	c.entries[k.id] = c.recent.PushFront(e)
	c.bytes += e.size
	for c.bytes > c.limit {
		c.drop(c.recent.Back())
	}
}

func (c *cache) forget(application string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, element := range c.entries {
		if element.Value.(*entry).application == application {
			c.drop(element)
		}
	}
}

// drop needs c.mu.
func (c *cache) drop(element *list.Element) {
	e := c.recent.Remove(element).(*entry)
	delete(c.entries, e.id)
	c.bytes -= e.size
}
