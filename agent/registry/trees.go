package registry

import (
	"container/list"
	"sync"

	"github.com/tidelock-io/tidelock/agent/git"
)

// trees are those used lately, up to so many bytes of files; the latest is kept
// whatever its size.
type trees struct {
	limit int64

	mu     sync.Mutex
	bytes  int64                    // guarded by mu
	byKey  map[string]*list.Element // guarded by mu
	recent *list.List               // of *kept, most recently used first; guarded by mu
}

type kept struct {
	key  string
	tree *git.Tree
}

func newTrees(limit int64) *trees {
	return &trees{limit: limit, byKey: map[string]*list.Element{}, recent: list.New()}
}

// get returns nil for a tree that is not kept.
func (t *trees) get(key string) *git.Tree {
	t.mu.Lock()
	defer t.mu.Unlock()
	element, ok := t.byKey[key]
	if !ok {
		return nil
	}
	t.recent.MoveToFront(element)
	return element.Value.(*kept).tree
}

func (t *trees) put(key string, tree *git.Tree) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if old, ok := t.byKey[key]; ok {
		t.drop(old)
	}
	t.byKey[key] = t.recent.PushFront(&kept{key, tree})
	for t.bytes += tree.Size(); t.bytes > t.limit && t.recent.Len() > 1; {
		t.drop(t.recent.Back())
	}
}

// drop needs t.mu.
func (t *trees) drop(element *list.Element) {
	old := t.recent.Remove(element).(*kept)
	delete(t.byKey, old.key)
	t.bytes -= old.tree.Size()
}
