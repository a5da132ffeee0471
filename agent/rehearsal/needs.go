package rehearsal

import (
	"encoding/json"
	"maps"
	"slices"

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
)

// ranks are the kinds that are put on the server, in the order in which they need
// each other. What parameters of policies are comes before the policies.
var ranks = map[schema.GroupKind]int{
	namespaceKind:  1,
	definitionKind: 2,
	accountKind:    3,
	{Group: "scheduling.k8s.io", Kind: "PriorityClass"}: 3,
	{Group: "node.k8s.io", Kind: "RuntimeClass"}:        3,
	policyKind:  5,
	bindingKind: 6,
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
	all.accounts(d.Objects)
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

// accounts are the ServiceAccounts that every namespace has: Pods need them.
func (n needs) accounts(set manifest.Set) {
	for _, o := range set {
		key := manifest.Key{Kind: "ServiceAccount", Namespace: o.Key.Namespace, Name: "default"}
		if o.Key.Group != "" || o.Key.Kind != "Pod" || n[key] != nil {
			continue
		}
		text, err := json.Marshal(map[string]any{"apiVersion": "v1", "kind": "ServiceAccount", "metadata": map[string]any{"name": "default", "namespace": o.Key.Namespace}})
		if err == nil {
			n[key] = &need{accountKind.WithVersion("v1"), o.Key.Namespace, "default", ranks[accountKind], text}
		}
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
		return slices.Compare([]string{string(rune('0' + a.rank)), a.namespace, a.name}, []string{string(rune('0' + b.rank)), b.namespace, b.name})
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
