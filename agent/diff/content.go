package diff

import (
	"crypto/sha256"
	"encoding/hex"
	"maps"
)

// Content returns a keyed hash of a live object as a whole, but for its status, for what
// the server notes of it, and for the places that are ignored: for objects of which
// nothing is ours. Two equal ones mean that none of the rest has changed.
func Content(ignored *Places, key []byte, object map[string]any) string {
	if ignored != nil {
		object, _ = ignored.cut(object).(map[string]any)
	}
	object = maps.Clone(object)
	delete(object, "status")
	if meta, ok := object["metadata"].(map[string]any); ok {
		meta = maps.Clone(meta)
		for _, name := range unshown {
			delete(meta, name)
		}
		object["metadata"] = meta
	}
	h := hasher{sum: sha256.New()}
	h.sum.Write(key)
	h.value(object)
	return hex.EncodeToString(h.finish()[:16])
}
