package main

import (
	"math/rand/v2"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// referenceClasses break what objects say of each other: something that is there is
// referred to by a name that it has not, so the reference is certainly to nothing.
func referenceClasses() []*class {
	of := func(kinds []string, paths ...string) func(*specimen) []mutation {
		return usesOf(kinds, paths, rename)
	}
	secrets := []string{"Secret", "SealedSecret", "ExternalSecret"}
	return []*class{
		{name: "ConfigMap renamed where used", truth: wrong, floor: 0.9, of: of([]string{"ConfigMap"}, "configMapRef.name", "configMapKeyRef.name", "configMap.name")},
		{name: "Secret renamed where used", truth: wrong, floor: 0.9, of: of(secrets, "secretRef.name", "secretKeyRef.name", "secret.secretName", "secret.name", "imagePullSecrets[].name", "tls[].secretName")},
		{name: "key renamed where used", truth: wrong, floor: 0.9, of: keysUsed},
		{name: "ServiceAccount renamed where used", truth: wrong, floor: 0.9, of: of([]string{"ServiceAccount"}, "serviceAccountName", "subjects[].name")},
		{name: "claim renamed where used", truth: wrong, floor: 0.9, of: of([]string{"PersistentVolumeClaim"}, "claimName")},
		{name: "Service renamed where used", truth: wrong, floor: 0.9, of: of([]string{"Service"}, "backend.service.name", "spec.serviceName", "clientConfig.service.name", "spec.service.name", "backendRefs[].name")},
		{name: "scale target renamed", truth: wrong, floor: 0.9, of: of([]string{"Deployment", "StatefulSet"}, "scaleTargetRef.name")},
		{name: "role renamed where used", truth: wrong, floor: 0.9, of: of([]string{"Role", "ClusterRole"}, "roleRef.name")},
		{name: "class renamed where used", truth: wrong, floor: 0.8, of: of([]string{"PriorityClass", "RuntimeClass", "IngressClass"}, "priorityClassName", "runtimeClassName", "ingressClassName")},
		{name: "policy renamed where bound", truth: wrong, floor: 0.9, of: of([]string{"ValidatingAdmissionPolicy"}, "policyName")},
		{name: "object renamed that is used", truth: wrong, floor: 0.9, of: namesOfUsed},
		{name: "object moved that is used", truth: wrong, floor: 0.9, of: namespacesOfUsed},
		{name: "namespace of a reference changed", truth: wrong, floor: 0.5, of: usesOf([]string{"ServiceAccount", "Service"}, []string{"subjects[].namespace", "service.namespace"}, otherNamespace)},
		{name: "selector changed", truth: wrong, floor: 0.9, of: selectors},
		{name: "label of pods changed", truth: wrong, floor: 0.9, of: templateLabels},
		{name: "port renamed", truth: wrong, floor: 0.9, of: ports},
		{name: "volume renamed", truth: wrong, floor: 0.95, of: volumes},
	}
}

// made are the names of what a specimen makes, by kind: as objects, or by generators.
func (s *specimen) made() map[string]map[string]bool {
	all := map[string]map[string]bool{}
	add := func(kind, name string) {
		if all[kind] == nil {
			all[kind] = map[string]bool{}
		}
		all[kind][name] = true
	}
	for _, d := range s.docs {
		if d.field("kind") != "" && !d.isKustomization() {
			add(d.field("kind"), d.field("metadata", "name"))
		}
		for generator, kind := range map[string]string{"configMapGenerator": "ConfigMap", "secretGenerator": "Secret"} {
			if list := valueOf(d.root, generator); list != nil {
				for _, item := range list.Content {
					if name := valueOf(item, "name"); name != nil {
						add(kind, name.Value)
					}
				}
			}
		}
	}
	return all
}

// optional says whether a reference need not be to anything that is there.
func (p spot) optional() bool {
	if p.beside("optional") == "true" {
		return true
	}
	for _, d := range p.spots() { // items[] of a volume that is optional
		if d.key == "optional" && d.value.Value == "true" && strings.HasPrefix(p.path, strings.TrimSuffix(d.path, "optional")) {
			return true
		}
	}
	return false
}

func endsIn(p spot, paths []string) bool { return slices.ContainsFunc(paths, p.has) }

// usesOf are fields that name something that is made here.
func usesOf(kinds, paths []string, make maker) func(*specimen) []mutation {
	return func(s *specimen) []mutation {
		made := s.made()
		var all []mutation
		for _, d := range s.docs {
			if !d.isManifest() || d.isKustomization() {
				continue
			}
			for _, p := range d.spots() {
				name := p.value.Value
				if p.key == "namespace" {
					name = p.beside("name")
				}
				if endsIn(p, paths) && !p.optional() && !strings.HasPrefix(name, "system:") && slices.ContainsFunc(kinds, func(kind string) bool { return made[kind][name] }) {
					all = append(all, s.mutation(p, "renamed", make))
				}
			}
		}
		return all
	}
}

// rename gives another name: by a slip of the pen, or another one altogether.
func rename(s *specimen, p spot, r *rand.Rand) map[string]string {
	name := p.value.Value
	return s.set(p, []string{strings.ToLower(slip(name, r)) + "", name + "-v2", "old-" + name, "entirely-different"}[r.IntN(4)])
}

// keysUsed are keys that are taken from what is made here.
func keysUsed(s *specimen) []mutation {
	made := s.made()
	var all []mutation
	for _, d := range s.docs {
		if !d.isManifest() {
			continue
		}
		for _, p := range d.spots() {
			of := ""
			switch {
			case p.has("configMapKeyRef.key") && made["ConfigMap"][p.beside("name")], p.has("secretKeyRef.key") && made["Secret"][p.beside("name")]:
				of = p.beside("name")
			case p.has("configMap.items[].key") && made["ConfigMap"][p.volume()], p.has("secret.items[].key") && made["Secret"][p.volume()]:
				of = p.volume()
			}
			if of != "" && !p.optional() {
				all = append(all, s.mutation(p, "renamed", rename))
			}
		}
	}
	return all
}

// volume is the name of what a volume shows, whose items a key is among.
func (p spot) volume() string {
	volume, _, _ := strings.Cut(p.place, ".items[")
	for _, o := range p.spots() {
		if o.place == volume+".name" || o.place == volume+".secretName" {
			return o.value.Value
		}
	}
	return ""
}

// otherNamespace names another namespace that something of the specimen goes to.
func otherNamespace(s *specimen, p spot, r *rand.Rand) map[string]string {
	var all []string
	for _, d := range s.docs {
		name := d.field("spec", "destination", "namespace")
		if d.field("kind") == "Namespace" {
			name = d.field("metadata", "name")
		}
		if name != "" && name != p.value.Value && !slices.Contains(all, name) {
			all = append(all, name)
		}
	}
	if len(all) == 0 {
		return nil
	}
	return s.set(p, all[r.IntN(len(all))])
}

// usedBy are the fields by which objects of a kind are referred to.
var usedBy = map[string][]string{
	"ConfigMap":             {"configMapRef.name", "configMapKeyRef.name", "configMap.name"},
	"Secret":                {"secretRef.name", "secretKeyRef.name", "secret.secretName"},
	"SealedSecret":          {"secretRef.name", "secretKeyRef.name", "secret.secretName"},
	"ServiceAccount":        {"serviceAccountName", "subjects[].name"},
	"PersistentVolumeClaim": {"claimName"},
	"Service":               {"backend.service.name", "spec.serviceName", "clientConfig.service.name"},
	"Deployment":            {"scaleTargetRef.name"}, "StatefulSet": {"scaleTargetRef.name"},
	"Role": {"roleRef.name"}, "ClusterRole": {"roleRef.name"}, "PriorityClass": {"priorityClassName"},
	"ValidatingAdmissionPolicy": {"policyName"},
}

// used says whether another document refers to one by its name.
func (s *specimen) used(d *document) bool {
	name := d.field("metadata", "name")
	if strings.HasPrefix(name, "system:") {
		return false
	}
	for _, other := range s.docs {
		if other == d || !other.isManifest() {
			continue
		}
		for _, p := range other.spots() {
			if p.value.Value == name && endsIn(p, usedBy[d.field("kind")]) && !p.optional() {
				return true
			}
		}
	}
	return false
}

// unique says whether a document alone states its object.
func (s *specimen) unique(d *document) bool {
	return !slices.ContainsFunc(s.docs, func(o *document) bool {
		return o != d && o.field("kind") == d.field("kind") && o.field("metadata", "name") == d.field("metadata", "name")
	})
}

func ofUsed(s *specimen, path, how string, make maker) []mutation {
	var all []mutation
	for _, d := range s.docs {
		if !d.isManifest() || !s.used(d) || !s.unique(d) {
			continue
		}
		for _, p := range d.spots() {
			if p.path == path {
				all = append(all, s.mutation(p, how, make))
			}
		}
	}
	return all
}

func namesOfUsed(s *specimen) []mutation { return ofUsed(s, "metadata.name", "renamed", rename) }

func namespacesOfUsed(s *specimen) []mutation {
	return ofUsed(s, "metadata.namespace", "moved", oneOf("elsewhere"))
}

// selecting are the fields by which kinds select pods.
var selecting = map[string]string{
	"Service": "spec.selector.", "PodDisruptionBudget": "spec.selector.matchLabels.", "NetworkPolicy": "spec.podSelector.matchLabels.",
	"Deployment": "spec.selector.matchLabels.", "StatefulSet": "spec.selector.matchLabels.", "DaemonSet": "spec.selector.matchLabels.",
	"ReplicationController": "spec.selector.",
}

// selectors are labels that select pods of here.
func selectors(s *specimen) []mutation {
	labels := map[string]bool{}
	for _, d := range s.docs {
		for _, p := range d.spots() {
			if strings.Contains(p.path, "template.metadata.labels.") || strings.Contains(p.path, "labels[].pairs.") {
				labels[p.key+"="+p.value.Value] = true
			}
		}
	}
	var all []mutation
	for _, d := range s.docs {
		prefix := selecting[d.field("kind")]
		for _, p := range d.spots() {
			if prefix != "" && d.isManifest() && strings.HasPrefix(p.path, prefix) && p.value.Kind == yaml.ScalarNode && labels[p.key+"="+p.value.Value] {
				all = append(all, s.mutation(p, "changed", func(s *specimen, p spot, r *rand.Rand) map[string]string {
					if r.IntN(3) == 0 {
						return misspellKey(s, p, r)
					}
					return rename(s, p, r)
				}))
			}
		}
	}
	return all
}

// templateLabels are labels of pods that their own workload selects by.
func templateLabels(s *specimen) []mutation {
	var all []mutation
	for _, d := range s.docs {
		if !d.isManifest() || selecting[d.field("kind")] == "" {
			continue
		}
		for _, p := range d.spots() {
			if key, ok := strings.CutPrefix(p.path, "spec.template.metadata.labels."); ok && (d.field("spec", "selector", "matchLabels", key) != "" || d.field("spec", "selector", key) != "") {
				all = append(all, s.mutation(p, "changed", func(s *specimen, p spot, r *rand.Rand) map[string]string {
					switch r.IntN(3) {
					case 0:
						return misspellKey(s, p, r)
					case 1:
						return s.dropped(p)
					}
					return rename(s, p, r)
				}))
			}
		}
	}
	return all
}

// ports are names of ports: where they are used, and where they are made and used
// somewhere else in the same file.
func ports(s *specimen) []mutation {
	var all []mutation
	for _, d := range s.docs {
		if !d.isManifest() {
			continue
		}
		for _, p := range d.spots() {
			if !p.isText() || p.value.Value == "use-annotation" {
				continue
			}
			if p.has("targetPort") || p.has("httpGet.port") || p.has("tcpSocket.port") || p.has("service.port.name") ||
				p.has("ports[].name") && d.field("kind") != "NetworkPolicy" && portUsed(p) {
				all = append(all, s.mutation(p, "renamed", func(s *specimen, p spot, r *rand.Rand) map[string]string {
					name := strings.ToLower(slip(p.value.Value, r))
					if r.IntN(2) == 0 || len(name) > 15 {
						name = "other"
					}
					return s.set(p, name)
				}))
			}
		}
	}
	return all
}

// portUsed says whether the name of a container's port is that of a probe beside it.
func portUsed(p spot) bool {
	container := strings.TrimSuffix(p.path, ".ports[].name")
	return slices.ContainsFunc(p.spots(), func(o spot) bool {
		return strings.HasPrefix(o.path, container+".") && (o.has("httpGet.port") || o.has("tcpSocket.port")) && o.value.Value == p.value.Value
	})
}

// volumes are the names of a pod's volumes, where they are mounted.
func volumes(s *specimen) []mutation {
	var all []mutation
	for _, d := range s.docs {
		for _, p := range d.spots() {
			if d.isManifest() && (p.has("volumeMounts[].name") || p.has("volumeDevices[].name")) {
				all = append(all, s.mutation(p, "renamed", rename))
			}
		}
	}
	return all
}
