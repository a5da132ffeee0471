package rollout

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/render/manifest"
)

// digestUse keeps these digests apart from others under the same key. It names the
// way in which they are made: another one restarts every workload that opted in.
const digestUse = "tidelock.io/rollout 1"

// Mark is what stands on the pod template of a workload: of each thing that it uses,
// and that is the Application's, a keyed digest, as in "Secret/db=6f1c…". It is "" if
// there is none. Live is what controllers have made, before the mark that stands there:
// a Secret that is away, or that cannot be read, is no reason to restart.
func (owned *Owned) Mark(key []byte, w Workload, live map[manifest.Key]Data, before string) string {
	stands := parse(before)
	var parts []string
	for _, u := range w.Uses {
		name := u.Kind + "/" + u.Name
		if data, ok := owned.data(u.of(w), live); ok {
			parts = append(parts, name+"="+digest(key, w, u, data))
		} else if was, ok := stands[name]; ok && owned.made[u.of(w)] {
			parts = append(parts, name+"="+was)
		}
	}
	return strings.Join(parts, " ")
}

// digest is of this workload's own: that two of them use the same value cannot be
// seen. Only the keys that are used count.
func digest(key []byte, w Workload, u Use, data Data) string {
	mac := hmac.New(sha256.New, key)
	fmt.Fprintf(mac, "%s\n%s\n%s/%s\n", digestUse, w.Object.Key, u.Kind, u.Name)
	names := u.Keys
	if names == nil {
		names = slices.Sorted(maps.Keys(data))
	}
	for _, name := range names {
		value, ok := data[name]
		fmt.Fprintf(mac, "%q %v ", name, ok)
		if ok {
			mac.Write(value.MAC(key, digestUse))
		}
	}
	return hex.EncodeToString(mac.Sum(nil)[:8])
}

// Write puts a mark on the pod template of a workload's body.
func Write(body map[string]any, mark string) {
	at := body
	for _, field := range []string{"spec", "template", "metadata", "annotations"} {
		next, _ := at[field].(map[string]any)
		if next == nil {
			next = map[string]any{}
			at[field] = next
		}
		at = next
	}
	at[api.AnnotationRollout] = mark
}

// Read returns the mark of a body, "" if there is none.
func Read(body map[string]any) string {
	at := body
	for _, field := range []string{"spec", "template", "metadata", "annotations"} {
		at, _ = at[field].(map[string]any)
	}
	mark, _ := at[api.AnnotationRollout].(string)
	return mark
}
