package render

import (
	"container/list"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"sync"

	"github.com/tidelock-io/tidelock/plugins/sdk"
	"github.com/tidelock-io/tidelock/render/manifest"
	"github.com/tidelock-io/tidelock/secrets"
)

// A key is what a result depends on besides the files. Its id finds a result;
// the others must be equal too, but only if the render made use of them.
type key struct {
	application string
	id          string

	env, versions, keys string
}

func keyOf(req *Request) key {
	source := req.Source
	// These choose a commit, or name the source; what is read is in the facts.
	// For who renders by them they are in the environment.
	source.TargetRevision, source.TagPrefix, source.Name = "", "", ""
	return key{
		application: req.Application,

		id:       digest(req.Application, req.Project, req.SourceIndex, source, req.Namespace),
		env:      digest(buildEnv(req, &req.Source)),
		versions: digest(req.KubeVersion, req.APIVersions),
		keys:     digest(marks(req.Keys)),
	}
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
		out = append(out, k.Kind+" "+k.Name+" "+secrets.New(k.Material).Mark())
	}
	return out
}

// An outcome is a render that ended: result and err are its own. Of a failure
// the result holds the inputs, and what was known by then.
type outcome struct {
	result *Result
	err    *Error
	// These say what of the key counts.
	usesEnv, usesVersions, usesKeys bool
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
	key  key
	out  *outcome
	size int64
}

func newCache(limit int64) *cache {
	return &cache{limit: limit, entries: map[string]*list.Element{}, recent: list.New()}
}

// get returns the outcome that was kept for k, nil if there is none.
func (c *cache) get(k key) *outcome {
	c.mu.Lock()
	defer c.mu.Unlock()
	element, ok := c.entries[k.id]
	if !ok {
		return nil
	}
	e := element.Value.(*entry)
	if e.out.usesEnv && e.key.env != k.env || e.out.usesVersions && e.key.versions != k.versions || e.out.usesKeys && e.key.keys != k.keys {
		return nil
	}
	c.recent.MoveToFront(element)
	return e.out
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
	e := &entry{k, out, out.size()}
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
		if element.Value.(*entry).key.application == application {
			c.drop(element)
		}
	}
}

// drop needs c.mu.
func (c *cache) drop(element *list.Element) {
	e := c.recent.Remove(element).(*entry)
	delete(c.entries, e.key.id)
	c.bytes -= e.size
}
