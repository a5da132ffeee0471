package rehearsal

import (
	"encoding/base64"
	"encoding/json"
	"net/netip"
	"strings"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/render/manifest"
	"github.com/tidelock-io/tidelock/secrets"
)

// bodyOf is what is sent of an object: without what only its own cluster can judge,
// and with stand-ins for what is secret.
func bodyOf(o *manifest.Object, namespace string) ([]byte, error) {
	body := o.Body()
	place(body, namespace)
	if data := o.Data(); data != nil {
		body["data"] = standIns(data)
	}
	if o.Key.Group == "" && o.Key.Kind == "Service" {
		withoutAddresses(body)
	}
	return json.Marshal(body)
}

func place(body map[string]any, namespace string) {
	meta, ok := body["metadata"].(map[string]any)
	switch {
	case !ok:
	case namespace == "":
		delete(meta, "namespace")
	default:
		meta["namespace"] = namespace
	}
}

// standIns are values of the same lengths: limits on the size count, and that what
// logs in to registries is JSON.
func standIns(data map[string]secrets.Value) map[string]any {
	all := map[string]any{}
	for key, value := range data {
		text := strings.Repeat("x", value.Len())
		if value.IsObject() {
			text = "{" + strings.Repeat(" ", value.Len()-2) + "}"
		}
		all[key] = base64.StdEncoding.EncodeToString([]byte(text))
	}
	return all
}

// withoutAddresses takes away what must be of the cluster's own range of addresses.
func withoutAddresses(body map[string]any) {
	spec, ok := body["spec"].(map[string]any)
	if !ok {
		return
	}
	if isAddress(spec["clusterIP"]) {
		delete(spec, "clusterIP")
	}
	list, _ := spec["clusterIPs"].([]any)
	for _, item := range list {
		if !isAddress(item) {
			return
		}
	}
	delete(spec, "clusterIPs")
}

func isAddress(v any) bool {
	text, _ := v.(string)
	_, err := netip.ParseAddr(text)
	return err == nil
}

// lenient says that an object is to be applied without fields that nobody knows
// (SEMANTICS.md 1.6).
func lenient(o *manifest.Object) bool {
	return api.ParseSyncOptions(o.Annotations[api.AnnotationSyncOptions]).Has(api.SyncOptionValidateFalse)
}
