package leak

import (
	"slices"
	"sync"
)

// Known are the secrets of all live Applications, to be taken out of texts. The
// zero Known knows none. It may be used from several goroutines.
type Known struct {
	mu    sync.RWMutex // guards both
	table *table
	of    map[string][]Secret
}

// Set makes the secrets of an Application those that are known of it.
func (k *Known) Set(app string, secrets []Secret) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.table == nil {
		k.table, k.of = newTable(maxFilter), map[string][]Secret{}
	}
	for _, s := range k.of[app] {
		for _, n := range s.needles {
			k.table.remove(n, app)
		}
	}
	delete(k.of, app)
	if len(secrets) == 0 {
		return
	}
	k.of[app] = slices.Clone(secrets)
	for _, s := range secrets {
		for _, n := range s.needles {
			k.table.add(entry{needle: n, owner: app})
		}
	}
}

// Forget drops those of an Application that is gone.
func (k *Known) Forget(app string) { k.Set(app, nil) }

// Redact returns a text without the values of any Application: one for who may
// see everybody's.
func (k *Known) Redact(text string) string { return k.redact(text, func(entry) bool { return true }) }

// RedactOf returns a text without the values of one Application. What its people
// read must not tell whether a text is the secret of another.
func (k *Known) RedactOf(app, text string) string {
	return k.redact(text, func(e entry) bool { return e.owner == app })
}

func (k *Known) redact(text string, wanted func(entry) bool) string {
	k.mu.RLock()
	defer k.mu.RUnlock()
	if k.table == nil {
		return text
	}
	return k.table.redact(text, wanted)
}
