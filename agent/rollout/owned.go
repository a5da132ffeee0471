package rollout

import (
	"encoding/json"

	"github.com/tidelock-io/tidelock/render/manifest"
	"github.com/tidelock-io/tidelock/secrets"
	corev1 "k8s.io/api/core/v1"
)

// Data is what a Secret or a ConfigMap holds.
type Data = map[string]secrets.Value

// Owned are the Secrets and ConfigMaps that an Application has: those that it states,
// and those that controllers make of its objects. What is another's is not looked at.
type Owned struct {
	stated map[manifest.Key]*manifest.Object
	made   map[manifest.Key]bool
}

// NewOwned finds them in what an Application states.
func NewOwned(set manifest.Set) *Owned {
	owned := &Owned{stated: map[manifest.Key]*manifest.Object{}, made: map[manifest.Key]bool{}}
	for _, o := range set {
		switch o.Key.GroupKind().String() {
		case secret, configMap:
			owned.stated[o.Key] = o
		case "SealedSecret.bitnami.com":
			owned.made[secretKey(o.Key.Namespace, o.Key.Name)] = true
		case "ExternalSecret.external-secrets.io":
			if name := targetOf(o); name != "" {
				owned.made[secretKey(o.Key.Namespace, name)] = true
			}
		}
	}
	return owned
}

// targetOf is the Secret that an ExternalSecret gives; "" if it gives none.
func targetOf(o *manifest.Object) string {
	spec, _ := o.Body()["spec"].(map[string]any)
	target, _ := spec["target"].(map[string]any)
	if target["creationPolicy"] == "None" {
		return ""
	}
	if name, _ := target["name"].(string); name != "" {
		return name
	}
	return o.Key.Name
}

func secretKey(namespace, name string) manifest.Key {
	return manifest.Key{Kind: secret, Namespace: namespace, Name: name}
}

// Made lists the Secrets that workloads use and that controllers make: what they hold
// is known to the cluster only.
func (owned *Owned) Made(workloads []Workload) []manifest.Key {
	var keys []manifest.Key
	seen := map[manifest.Key]bool{}
	for _, w := range workloads {
		for _, u := range w.Uses {
			key := u.of(w)
			if owned.made[key] && owned.stated[key] == nil && !seen[key] {
				seen[key], keys = true, append(keys, key)
			}
		}
	}
	return keys
}

// Stated lists what a workload uses of what its Application states.
func (owned *Owned) Stated(w Workload) []manifest.Key {
	var keys []manifest.Key
	for _, u := range w.Uses {
		if key := u.of(w); owned.stated[key] != nil {
			keys = append(keys, key)
		}
	}
	return keys
}

// of is the object that a workload uses.
func (u Use) of(w Workload) manifest.Key {
	return manifest.Key{Kind: u.Kind, Namespace: w.Object.Key.Namespace, Name: u.Name}
}

// data is what an object holds; false if it is not the Application's, or not known.
func (owned *Owned) data(key manifest.Key, live map[manifest.Key]Data) (Data, bool) {
	if o := owned.stated[key]; o != nil {
		if key.Kind == secret {
			return o.Data(), true
		}
		return configured(o), true
	}
	data, ok := live[key]
	return data, ok && owned.made[key]
}

// configured is what a ConfigMap holds; nothing if it is malformed, which the API
// server will say.
func configured(o *manifest.Object) Data {
	var body corev1.ConfigMap
	data := Data{}
	if err := json.Unmarshal(o.JSON(), &body); err != nil {
		return data
	}
	for name, text := range body.Data {
		data[name] = secrets.New([]byte(text))
	}
	for name, plain := range body.BinaryData {
		data[name] = secrets.New(plain)
	}
	return data
}
