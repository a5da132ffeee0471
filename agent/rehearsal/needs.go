package rehearsal

import (
	"cmp"
	"encoding/json"
	"maps"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/tidelock-io/tidelock/render/manifest"
)

// Groups and kinds of what objects may need before they can be asked about.
const (
	admissionGroup  = "admissionregistration.k8s.io"
	extensionsGroup = "apiextensions.k8s.io"
)

var (
	definitionKind = schema.GroupKind{Group: extensionsGroup, Kind: "CustomResourceDefinition"}
	policyKind     = schema.GroupKind{Group: admissionGroup, Kind: "ValidatingAdmissionPolicy"}
	bindingKind    = schema.GroupKind{Group: admissionGroup, Kind: "ValidatingAdmissionPolicyBinding"}
	namespaceKind  = schema.GroupKind{Kind: "Namespace"}
	accountKind    = schema.GroupKind{Kind: "ServiceAccount"}
	priorityKind   = schema.GroupKind{Group: "scheduling.k8s.io", Kind: "PriorityClass"}
	runtimeKind    = schema.GroupKind{Group: "node.k8s.io", Kind: "RuntimeClass"}
)

// ranks are the kinds that are put on the server, in the order in which they need
// each other. What parameters of policies are comes before the policies.
var ranks = map[schema.GroupKind]int{
	namespaceKind:  1,
	definitionKind: 2,
	accountKind:    3,
	priorityKind:   3,
	runtimeKind:    3,
	policyKind:     5,
	bindingKind:    6,
}

const parameterRank = 4

// A need is an object that is put on the server.
type need struct {
	gvk       schema.GroupVersionKind
	namespace string
	name      string
	rank      int
	body      []byte
}

// needs are those of a stage, by what they are.
type needs map[manifest.Key]*need

func (n needs) add(o *manifest.Object, rank int, edit func(body map[string]any)) {
	body := o.Body()
	if edit != nil {
		edit(body)
	}
	text, err := json.Marshal(body)
	if err == nil && o.Key.Name != "" { // one with a chosen name nobody can need
		n[o.Key] = &need{o.GVK(), o.Key.Namespace, o.Key.Name, rank, text}
	}
}

// needsOf are those of one destination.
func needsOf(d Destination, defined func(schema.GroupKind) *manifest.Object) needs {
	all := needs{}
	for _, o := range d.Objects {
		rank := ranks[o.Key.GroupKind()]
		if rank > 0 && o.Key.GroupKind() != definitionKind {
			all.add(o, rank, nil)
		}
	}
	all.parameters(d.Objects)
	all.definitions(d.Objects, defined)
	all.namespaces(d)
	all.companions(d.Objects)
	return all
}

// definitions are those of the kinds that there are objects of, and of parameters.
// They convert nothing: no webhook is there to do it.
func (n needs) definitions(set manifest.Set, defined func(schema.GroupKind) *manifest.Object) {
	own := map[schema.GroupKind]*manifest.Object{}
	used := map[schema.GroupKind]bool{}
	for _, o := range set {
		used[o.Key.GroupKind()] = true
		if gk := o.Defines(); gk.Kind != "" {
			own[gk] = o
		}
		used[parameterKind(o).GroupKind()] = true
	}
	for gk := range used {
		crd := own[gk]
		if crd == nil && defined != nil {
			crd = defined(gk)
		}
		if crd != nil {
			n.add(crd, ranks[definitionKind], func(body map[string]any) {
				if spec, ok := body["spec"].(map[string]any); ok {
					delete(spec, "conversion")
				}
				delete(body, "status")
			})
		}
	}
}

// namespaces are all that objects are in. What nobody states is made.
func (n needs) namespaces(d Destination) {
	for _, o := range d.Objects {
		namespace := o.Key.Namespace
		key := manifest.Key{Kind: "Namespace", Name: namespace}
		if namespace == "" || n[key] != nil {
			continue
		}
		meta := map[string]any{"name": namespace}
		if labels := d.Labels[namespace]; len(labels) > 0 {
			meta["labels"] = labels
		}
		text, err := json.Marshal(map[string]any{"apiVersion": "v1", "kind": "Namespace", "metadata": meta})
		if err == nil {
			n[key] = &need{namespaceKind.WithVersion("v1"), "", namespace, ranks[namespaceKind], text}
		}
	}
}

// companions are what a server wants to have before it takes a Pod: its account, its
// priority and how it is run. They may be made elsewhere, so they are there.
func (n needs) companions(set manifest.Set) {
	for _, o := range set {
		var pod struct {
			Spec struct{ ServiceAccountName, PriorityClassName, RuntimeClassName string }
		}
		if o.Key.Group != "" || o.Key.Kind != "Pod" || json.Unmarshal(o.JSON(), &pod) != nil {
			continue
		}
		n.companion(accountKind.WithVersion("v1"), cmp.Or(o.Key.Namespace, metav1.NamespaceDefault), cmp.Or(pod.Spec.ServiceAccountName, "default"), nil)
		if name := pod.Spec.PriorityClassName; !strings.HasPrefix(name, "system-") {
			n.companion(priorityKind.WithVersion("v1"), "", name, map[string]any{"value": 1})
		}
		n.companion(runtimeKind.WithVersion("v1"), "", pod.Spec.RuntimeClassName, map[string]any{"handler": "any"})
	}
}

func (n needs) companion(gvk schema.GroupVersionKind, namespace, name string, body map[string]any) {
	key := manifest.Key{Group: gvk.Group, Kind: gvk.Kind, Namespace: namespace, Name: name}
	if name == "" || n[key] != nil {
		return
	}
	meta := map[string]any{"name": name}
	if namespace != "" {
		meta["namespace"] = namespace
	}
	whole := map[string]any{"apiVersion": gvk.GroupVersion().String(), "kind": gvk.Kind, "metadata": meta}
	maps.Copy(whole, body)
	if text, err := json.Marshal(whole); err == nil {
		n[key] = &need{gvk, namespace, name, ranks[gvk.GroupKind()], text}
	}
}

// parameters are the objects by which policies can be set. A Secret is none: it is
// sent in no other way than as a dry run.
func (n needs) parameters(set manifest.Set) {
	kinds := map[schema.GroupVersionKind]bool{}
	for _, o := range set {
		kinds[parameterKind(o)] = true
	}
	for _, o := range set {
		if kinds[o.GVK()] && o.Data() == nil && n[o.Key] == nil {
			n.add(o, parameterRank, nil)
		}
	}
}

// parameterKind is what a policy is set by; the zero kind if it is by nothing.
func parameterKind(o *manifest.Object) schema.GroupVersionKind {
	if o.Key.GroupKind() != policyKind {
		return schema.GroupVersionKind{}
	}
	var body struct {
		Spec struct {
			ParamKind struct{ APIVersion, Kind string }
		}
	}
	if json.Unmarshal(o.JSON(), &body) != nil {
		return schema.GroupVersionKind{}
	}
	return schema.FromAPIVersionAndKind(body.Spec.ParamKind.APIVersion, body.Spec.ParamKind.Kind)
}

// fits says whether two destinations can be asked about at once: what both need is
// the same, and policies hold for both or for none.
func (n needs) fits(m needs) bool {
	for key, one := range n {
		other := m[key]
		if other == nil && one.rank >= parameterRank || other != nil && string(other.body) != string(one.body) {
			return false
		}
	}
	for key, one := range m {
		if n[key] == nil && one.rank >= parameterRank {
			return false
		}
	}
	return true
}

// ordered are the needs in the order of their ranks.
func (n needs) ordered() []*need {
	return slices.SortedFunc(maps.Values(n), func(a, b *need) int {
		return cmp.Or(cmp.Compare(a.rank, b.rank), strings.Compare(a.namespace, b.namespace), strings.Compare(a.name, b.name))
	})
}

// A scene is what is asked about at once.
type scene struct {
	needs        needs
	destinations []int
}

// scenes puts destinations together as far as their needs fit.
func scenes(all []Destination, defined func(schema.GroupKind) *manifest.Object) []*scene {
	var list []*scene
	for i, d := range all {
		own := needsOf(d, defined)
		k := slices.IndexFunc(list, func(s *scene) bool { return s.needs.fits(own) })
		if k < 0 {
			k = len(list)
			list = append(list, &scene{needs: needs{}})
		}
		maps.Copy(list[k].needs, own)
		list[k].destinations = append(list[k].destinations, i)
	}
	return list
}
