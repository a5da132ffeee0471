package policy

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/tidelock-io/tidelock/render/manifest"
	"github.com/tidelock-io/tidelock/render/validate"
)

const policyGroup = "admissionregistration.k8s.io"

// read are the versions of policies that are read: they mean the same.
var read = []string{"v1", "v1beta1"}

// A Cluster is what policies see of one: those that it has, and what they may look
// at beside an object.
type Cluster struct {
	compiler   *Compiler
	set        manifest.Set
	namespaces map[string]*corev1.Namespace
	policies   map[string]*policy
	bindings   []*binding
	problems   []validate.Problem
	notes      []string
}

// A binding puts a policy into force.
type binding struct {
	object *manifest.Object
	spec   admissionv1.ValidatingAdmissionPolicyBindingSpec
}

// Cluster takes the policies of the objects that a cluster gets. They are all that
// is known of it.
func (c *Compiler) Cluster(set manifest.Set) *Cluster {
	cluster := &Cluster{compiler: c, set: set, namespaces: map[string]*corev1.Namespace{}, policies: map[string]*policy{}}
	for _, o := range set {
		switch {
		case o.Key.Group == "" && o.Key.Kind == "Namespace":
			if namespace := namespaceFrom(o); namespace != nil {
				cluster.namespaces[o.Key.Name] = namespace
			}
		case o.Key.Group == policyGroup:
			cluster.add(o)
		}
	}
	cluster.bound()
	return cluster
}

func (c *Cluster) add(o *manifest.Object) {
	switch {
	case o.Key.Kind == "MutatingAdmissionPolicy":
		c.notes = append(c.notes, fmt.Sprintf("%s: MutatingAdmissionPolicy %s is not applied: objects are judged as they are rendered", o.Origin, o.Key.Name))
	case !slices.Contains(read, o.Version):
		return // what is no longer served is told by its version
	case o.Key.Kind == "ValidatingAdmissionPolicy":
		p := c.compiler.policy(o)
		c.policies[o.Key.Name] = p
		c.problems, c.notes = append(c.problems, p.problems...), append(c.notes, p.notes...)
	case o.Key.Kind == "ValidatingAdmissionPolicyBinding":
		var body struct {
			Spec admissionv1.ValidatingAdmissionPolicyBindingSpec `json:"spec"`
		}
		if json.Unmarshal(o.JSON(), &body) == nil {
			c.bindings = append(c.bindings, &binding{o, body.Spec})
		}
	}
}

// bound tells of policies that no binding puts into force. A binding whose policy is
// not here is a reference like others.
func (c *Cluster) bound() {
	for _, name := range slices.Sorted(maps.Keys(c.policies)) {
		used := slices.ContainsFunc(c.bindings, func(b *binding) bool { return b.spec.PolicyName == name })
		if !used {
			c.problems = append(c.problems, validate.Problem{Rule: validate.RulePolicyUnbound, Object: c.policies[name].object, Message: "no ValidatingAdmissionPolicyBinding here names it: it has no effect", Hint: "add a binding with its name as spec.policyName"})
		}
	}
}

// Any says whether there is anything to judge by.
func (c *Cluster) Any() bool { return len(c.policies)+len(c.bindings) > 0 }

// Problems are what is wrong with the policies themselves.
func (c *Cluster) Problems() []validate.Problem { return c.problems }

// Notes name what of the policies cannot be told without a cluster.
func (c *Cluster) Notes() []string { return c.notes }
