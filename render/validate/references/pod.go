package references

import (
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/tidelock-io/tidelock/render/manifest"
	"github.com/tidelock-io/tidelock/render/validate"
)

// templates are where kinds that make pods have their template.
var templates = map[schema.GroupKind][]string{
	kindPod:        {},
	kindDeployment: {"spec", "template"}, kindStatefulSet: {"spec", "template"},
	kindDaemonSet: {"spec", "template"}, kindReplicaSet: {"spec", "template"},
	kindController: {"spec", "template"}, kindRollout: {"spec", "template"},
	{Kind: "PodTemplate"}:                                  {"template"},
	{Group: "batch", Kind: "Job"}:                          {"spec", "template"},
	{Group: "batch", Kind: "CronJob"}:                      {"spec", "jobTemplate", "spec", "template"},
	{Group: "keda.sh", Kind: "ScaledJob"}:                  {"spec", "jobTargetRef", "template"},
	{Group: "serving.knative.dev", Kind: "Service"}:        {"spec", "template"},
	{Group: "serving.knative.dev", Kind: "Configuration"}:  {"spec", "template"},
	{Group: "apps.openshift.io", Kind: "DeploymentConfig"}: {"spec", "template"},
	{Group: "apps.kruise.io", Kind: "CloneSet"}:            {"spec", "template"},
	{Group: "apps.kruise.io", Kind: "StatefulSet"}:         {"spec", "template"},
	{Group: "apps.kruise.io", Kind: "DaemonSet"}:           {"spec", "template"},
}

// templateOf returns the template of the pods that an object makes.
func templateOf(o *manifest.Object, body field) (field, bool) {
	path, ok := templates[o.Key.GroupKind()]
	if !ok {
		return field{}, false
	}
	template := body.in(path...)
	return template, template.in("spec").there()
}

// template walks through a pod. Its StatefulSet's claims take the place of volumes
// of their names.
func (w *walker) template(template, body field) {
	spec := template.in("spec")
	w.account(spec)
	for _, ref := range spec.each("imagePullSecrets") {
		w.names(kindSecret, ref.in("name"))
	}
	w.names(kindPriorityClass, spec.in("priorityClassName"))
	w.names(kindRuntimeClass, spec.in("runtimeClassName"))
	claimed := map[string]bool{}
	for _, claim := range body.each("spec", "volumeClaimTemplates") {
		claimed[claim.in("metadata", "name").text()] = true
	}
	sources := map[string]source{}
	for _, volume := range spec.each("volumes") {
		if name := volume.in("name").text(); !claimed[name] {
			sources[name] = w.podVolume(volume)
		}
	}
	for _, list := range []string{"initContainers", "containers", "ephemeralContainers"} {
		for _, container := range spec.each(list) {
			w.container(container, sources)
		}
	}
}

// account is the ServiceAccount of a pod. Every namespace has the default one.
func (w *walker) account(spec field) {
	name := spec.in("serviceAccountName")
	if name.text() == "" {
		name = spec.in("serviceAccount")
	}
	w.names(kindServiceAccount, name)
}

// A source is the one ConfigMap or Secret that a volume shows.
type source struct {
	kind     schema.GroupKind
	name     field
	optional bool
	paths    []string // that its items have; nil if it shows every key
}

// podVolume walks through a volume, and returns what it shows.
func (w *walker) podVolume(volume field) source {
	if secret := volume.in("secret"); secret.there() {
		return w.shown(kindSecret, secret.in("secretName"), secret)
	}
	if config := volume.in("configMap"); config.there() {
		return w.shown(kindConfigMap, config.in("name"), config)
	}
	for _, projected := range volume.each("projected", "sources") {
		secret, config := projected.in("secret"), projected.in("configMap")
		w.shown(kindSecret, secret.in("name"), secret)
		w.shown(kindConfigMap, config.in("name"), config)
	}
	w.names(kindClaim, volume.in("persistentVolumeClaim", "claimName"))
	w.names(kindStorageClass, volume.in("ephemeral", "volumeClaimTemplate", "spec", "storageClassName"))
	w.drivers(volume)
	return source{}
}

// drivers are the volumes whose driver is given a Secret.
func (w *walker) drivers(volume field) {
	csi := volume.in("csi")
	w.names(kindSecret, csi.in("nodePublishSecretRef", "name"))
	if csi.in("driver").text() == "secrets-store.csi.k8s.io" {
		w.names(kindProviderClass, csi.in("volumeAttributes", "secretProviderClass"))
	}
	for _, name := range []string{"cephfs", "cinder", "flexVolume", "iscsi", "rbd", "scaleIO", "storageos"} {
		w.names(kindSecret, volume.in(name, "secretRef", "name"))
	}
	w.names(kindSecret, volume.in("azureFile", "secretName"))
}

// shown walks through a volume of a ConfigMap or Secret.
func (w *walker) shown(kind schema.GroupKind, name, volume field) source {
	s := source{kind: kind, name: name, optional: volume.in("optional").isTrue()}
	items := volume.each("items")
	if len(items) == 0 {
		w.names(kind, name).optional = s.optional
		return s
	}
	s.paths = []string{}
	for _, item := range items {
		u := w.names(kind, name)
		u.optional, u.key, u.keyAt = s.optional, item.in("key").text(), item.in("key").path
		s.paths = append(s.paths, item.in("path").text())
	}
	return s
}

// container walks through the environment of a container, and through its mounts
// of single files.
func (w *walker) container(container field, sources map[string]source) {
	for _, env := range container.each("env") {
		w.keyed(kindSecret, env.in("valueFrom", "secretKeyRef"))
		w.keyed(kindConfigMap, env.in("valueFrom", "configMapKeyRef"))
	}
	for _, from := range container.each("envFrom") {
		w.keyed(kindSecret, from.in("secretRef"))
		w.keyed(kindConfigMap, from.in("configMapRef"))
	}
	for _, mount := range container.each("volumeMounts") {
		w.subPath(mount.in("subPath"), sources[mount.in("name").text()])
	}
}

// keyed is a reference to one key, or to all if it names none.
func (w *walker) keyed(kind schema.GroupKind, ref field) {
	u := w.names(kind, ref.in("name"))
	u.optional, u.key, u.keyAt = ref.in("optional").isTrue(), ref.in("key").text(), ref.in("key").path
}

// subPath is a mount of one file of a ConfigMap or Secret: where the key is not
// there, the kubelet mounts an empty directory in its place.
func (w *walker) subPath(path field, from source) {
	if !path.there() || from.optional || !from.name.there() {
		return
	}
	text := strings.Trim(strings.TrimPrefix(path.text(), "./"), "/")
	if text == "" || text == "." || strings.HasPrefix(text, "..") {
		return // the whole volume, or the kubelet's own links
	}
	if from.paths == nil {
		key, _, _ := strings.Cut(text, "/")
		u := w.names(from.kind, field{path.path, from.name.value})
		u.key, u.keyAt = key, path.path
		return
	}
	if !slices.ContainsFunc(from.paths, func(item string) bool { return item == text || strings.HasPrefix(item, text+"/") }) {
		w.uses = append(w.uses, use{
			of: w.of, at: path.path, kind: from.kind, name: from.name.text(), rule: validate.RuleMissingKey,
			wrong: "none of the volume's items has this path: there are " + strings.Join(from.paths, ", "),
		})
	}
}
