package diff

import (
	"encoding/base64"
	"maps"

	"github.com/tidelock-io/tidelock/secrets"
)

// unshown are the members of metadata that say nothing of what an object is.
var unshown = []string{"managedFields", "resourceVersion", "generation", "uid", "creationTimestamp", "selfLink"}

// lastApplied is where kubectl keeps a copy of an object: of a Secret with all
// it holds.
const lastApplied = "kubectl.kubernetes.io/last-applied-configuration"

// shownOf returns what of an object may be shown: not its status, and a mark for
// each secret.
func shownOf(object map[string]any) map[string]any {
	out := maps.Clone(object)
	delete(out, "status")
	if meta, ok := out["metadata"].(map[string]any); ok {
		out["metadata"] = shownMeta(meta)
	}
	if out["kind"] == "Secret" && out["apiVersion"] == "v1" {
		for _, field := range []string{"data", "stringData"} {
			if out[field] != nil {
				out[field] = marks(field, out[field])
			}
		}
	}
	return out
}

func shownMeta(meta map[string]any) map[string]any {
	meta = maps.Clone(meta)
	for _, name := range unshown {
		delete(meta, name)
	}
	annotations, _ := meta["annotations"].(map[string]any)
	if text, ok := annotations[lastApplied].(string); ok {
		annotations = maps.Clone(annotations)
		annotations[lastApplied] = secrets.New([]byte(text)).String()
		meta["annotations"] = annotations
	}
	return meta
}

// marks returns the items of a Secret as marks, which are equal if the items are.
func marks(field string, items any) any {
	data, ok := items.(map[string]any)
	if !ok {
		return "(hidden)"
	}
	out := make(map[string]any, len(data))
	for name, item := range data {
		text, ok := item.(string)
		if !ok {
			out[name] = "(hidden)"
			continue
		}
		plain := []byte(text)
		if field == "data" {
			if decoded, err := base64.StdEncoding.DecodeString(text); err == nil {
				plain = decoded
			}
		}
		out[name] = secrets.New(plain).String()
	}
	return out
}
