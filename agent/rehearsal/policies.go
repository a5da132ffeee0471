package rehearsal

import (
	"context"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// A server takes policies over by watches, a second after they were applied, and in
// the order of their coming. So one more is applied after all others, which denies a
// ConfigMap that nobody has: once that is denied, all hold.
const (
	witness       = "tidelock-rehearsal"
	witnessPolicy = `{"apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingAdmissionPolicy", "metadata": {"name": %[1]q},
		"spec": {"matchConstraints": {"resourceRules": [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["configmaps"], "resourceNames": [%[1]q]}]},
		"validations": [{"expression": "false"}]}}`
	witnessBinding = `{"apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingAdmissionPolicyBinding", "metadata": {"name": %[1]q},
		"spec": {"policyName": %[1]q, "validationActions": ["Deny"]}}`
	witnessed = `{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": %q, "namespace": "default"}}`
)

var (
	configMaps = served{schema.GroupVersionResource{Version: "v1", Resource: "configmaps"}, true}
	policies   = served{schema.GroupVersionResource{Group: admissionGroup, Version: "v1", Resource: "validatingadmissionpolicies"}, false}
	bindings   = served{schema.GroupVersionResource{Group: admissionGroup, Version: "v1", Resource: "validatingadmissionpolicybindings"}, false}
)

// awaitPolicies waits until the policies that were applied hold, or those that were
// removed do not any more.
func (r *Rehearsal) awaitPolicies(ctx context.Context, hold bool) error {
	name := fmt.Sprintf("%s-%d", witness, r.rounds)
	for _, one := range []struct {
		kind served
		text string
	}{{policies, witnessPolicy}, {bindings, witnessBinding}} {
		var err error
		if hold {
			err = r.client.apply(ctx, request{kind: one.kind, name: name, body: fmt.Appendf(nil, one.text, name), validation: metav1.FieldValidationStrict})
		} else {
			err = r.client.remove(ctx, one.kind, "", name)
		}
		if err != nil {
			return err
		}
	}
	if !hold {
		r.rounds++
	}
	err := r.client.until(ctx, func(ctx context.Context) bool {
		err := r.client.create(ctx, request{kind: configMaps, namespace: "default", body: fmt.Appendf(nil, witnessed, name), dry: true, validation: metav1.FieldValidationStrict})
		return (err != nil) == hold
	})
	if err != nil {
		return fmt.Errorf("wait for the API server to take over policies: %w", err)
	}
	return nil
}
