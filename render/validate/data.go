package validate

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// maxData is what a ConfigMap or Secret may hold.
const maxData = 1 << 20

func configMap(r *report, o *corev1.ConfigMap) {
	size := 0
	for key, value := range o.Data {
		r.dataKey("data", key)
		size += len(value)
	}
	for key, value := range o.BinaryData {
		r.dataKey("binaryData", key)
		size += len(value)
		if _, twice := o.Data[key]; twice {
			r.add(RuleDuplicate, keyed("binaryData", key), "data has the same key", "keep one of them")
		}
	}
	r.dataSize(size)
}

func (r *report) dataKey(in, key string) {
	for _, text := range validation.IsConfigMapKey(key) {
		r.add(RuleName, keyed(in, key), "the key: "+plainly(text), "")
	}
}

func (r *report) dataSize(size int) {
	if size > maxData {
		r.add(RuleValue, "data", fmt.Sprintf("%d bytes: it can hold %d", size, maxData), "")
	}
}

// secretKeys are what Secrets of a type must hold.
var secretKeys = map[string][]string{
	"kubernetes.io/dockerconfigjson": {".dockerconfigjson"},
	"kubernetes.io/dockercfg":        {".dockercfg"},
	"kubernetes.io/ssh-auth":         {"ssh-privatekey"},
	"kubernetes.io/tls":              {"tls.crt", "tls.key"},
}

// secret looks at the names of what a Secret holds, and at no value.
func secret(r *report) {
	var body struct{ Type string }
	if json.Unmarshal(r.object.JSON(), &body) != nil {
		return
	}
	size := 0
	data := r.object.Data()
	for key, value := range data {
		r.dataKey("data", key)
		size += value.Len()
	}
	r.dataSize(size)
	for _, key := range secretKeys[body.Type] {
		if _, ok := data[key]; !ok {
			r.add(RuleRequired, keyed("data", key), "it must be there in a Secret of type "+body.Type, "")
		}
	}
	for _, key := range []string{".dockerconfigjson", ".dockercfg"} {
		if value, ok := data[key]; ok && slices.Contains(secretKeys[body.Type], key) && !value.IsObject() {
			r.add(RuleFormat, keyed("data", key), "it must be a JSON object in a Secret of type "+body.Type, "kubectl create secret docker-registry makes one")
		}
	}
	_, user := data["username"]
	_, password := data["password"]
	if body.Type == "kubernetes.io/basic-auth" && !user && !password {
		r.add(RuleRequired, "data[password]", "this or username must be there in a Secret of type "+body.Type, "")
	}
}

func claim(r *report, o *corev1.PersistentVolumeClaim) { r.claimSpec(spec, &o.Spec) }

// volume has just one source, and says how large it is.
func volume(r *report, o *corev1.PersistentVolume) {
	if len(o.Spec.AccessModes) == 0 {
		r.at(RuleRequired, spec.Child("accessModes"), "there must be one, at least")
	}
	if q, ok := o.Spec.Capacity[corev1.ResourceStorage]; !ok || q.Sign() <= 0 || len(o.Spec.Capacity) != 1 {
		r.add(RuleRequired, "spec.capacity[storage]", "it must be there, more than 0, and alone", "")
	}
	r.just("source", spec, stated(&o.Spec.PersistentVolumeSource))
	if class := o.Spec.StorageClassName; class != "" {
		r.names(RuleName, spec.Child("storageClassName"), class, validation.IsDNS1123Subdomain(class))
	}
	if o.Spec.CSI != nil {
		r.names(RuleName, spec.Child("csi", "driver"), o.Spec.CSI.Driver, validation.IsDNS1123Subdomain(strings.ToLower(o.Spec.CSI.Driver)))
	}
	if o.Spec.NodeAffinity != nil && o.Spec.NodeAffinity.Required == nil {
		r.at(RuleRequired, spec.Child("nodeAffinity", "required"), "it must be there")
	}
}

func (r *report) claimSpec(at *field.Path, c *corev1.PersistentVolumeClaimSpec) {
	if len(c.AccessModes) == 0 {
		r.at(RuleRequired, at.Child("accessModes"), "there must be one, at least")
	}
	switch q, ok := c.Resources.Requests[corev1.ResourceStorage]; {
	case !ok:
		r.add(RuleRequired, keyed(at.Child("resources", "requests").String(), "storage"), "it must be there", "")
	case q.Sign() <= 0:
		r.add(RuleQuantity, keyed(at.Child("resources", "requests").String(), "storage"), "it must be more than 0", "")
	}
	if class := c.StorageClassName; class != nil && *class != "" {
		r.names(RuleName, at.Child("storageClassName"), *class, validation.IsDNS1123Subdomain(*class))
	}
	r.selector(at.Child("selector"), c.Selector)
}

func resourceQuota(r *report, o *corev1.ResourceQuota) {
	for _, name := range slices.Sorted(maps.Keys(o.Spec.Hard)) {
		q := o.Spec.Hard[name]
		at := keyed("spec.hard", string(name))
		if q.Sign() < 0 {
			r.add(RuleQuantity, at, q.String()+" is negative", "")
		}
		if !isQuota(string(name)) {
			r.add(RuleValue, at, "there is no such quota", meant(string(name), quotas))
		}
	}
}

var quotas = []string{
	"cpu", "memory", "ephemeral-storage", "requests.cpu", "requests.memory", "requests.storage", "requests.ephemeral-storage",
	"limits.cpu", "limits.memory", "limits.ephemeral-storage", "pods", "resourcequotas", "services", "services.nodeports", "services.loadbalancers",
	"replicationcontrollers", "secrets", "configmaps", "persistentvolumeclaims",
}

// isQuota knows Kubernetes' own, and takes those of others, counts of objects among
// them, by their form.
func isQuota(name string) bool {
	if strings.Contains(name, "/") {
		return len(validation.IsQualifiedName(name)) == 0
	}
	return slices.Contains(quotas, name) || strings.HasPrefix(strings.TrimPrefix(name, "requests."), "hugepages-")
}

func storageClass(r *report, o *storagev1.StorageClass) {
	r.required(RuleName, field.NewPath("provisioner"), strings.ToLower(o.Provisioner), validation.IsQualifiedName)
}

// limitRange: a minimum is not above a default, and a default not above a maximum.
func limitRange(r *report, o *corev1.LimitRange) {
	seen := map[corev1.LimitType]bool{}
	for i, l := range o.Spec.Limits {
		at := spec.Child("limits").Index(i)
		if seen[l.Type] {
			r.at(RuleDuplicate, at.Child("type"), "%s is that of another item, too", l.Type)
		}
		seen[l.Type] = true
		r.required(RuleName, at.Child("type"), string(l.Type), validation.IsQualifiedName)
		for list, values := range map[string]corev1.ResourceList{"min": l.Min, "max": l.Max, "default": l.Default, "defaultRequest": l.DefaultRequest} {
			for name := range values {
				if !isResource(string(name)) && name != corev1.ResourceStorage {
					r.add(RuleValue, keyed(at.Child(list).String(), string(name)), "there is no such resource", meant(string(name), nativeResources))
				}
			}
		}
		r.ascending(at, "min", l.Min, "max", l.Max)
		r.ascending(at, "min", l.Min, "default", l.Default)
		r.ascending(at, "min", l.Min, "defaultRequest", l.DefaultRequest)
		r.ascending(at, "defaultRequest", l.DefaultRequest, "default", l.Default)
		r.ascending(at, "default", l.Default, "max", l.Max)
		r.ascending(at, "defaultRequest", l.DefaultRequest, "max", l.Max)
	}
}

func (r *report) ascending(at *field.Path, lower string, low corev1.ResourceList, upper string, high corev1.ResourceList) {
	for _, name := range slices.Sorted(maps.Keys(low)) {
		small, big := low[name], high[name]
		if _, ok := high[name]; ok && small.Cmp(big) > 0 {
			r.add(RuleQuantity, keyed(at.Child(lower).String(), string(name)), fmt.Sprintf("%s is more than %s, %s", small.String(), upper, big.String()), "")
		}
	}
}
