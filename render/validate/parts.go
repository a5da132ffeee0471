package validate

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// parts are checks of what many kinds have somewhere, by the name of its schema.
var parts = map[string]func(r *report, path string, v map[string]any){
	"io.k8s.apimachinery.pkg.apis.meta.v1.LabelSelector":                labelSelectorPart,
	"io.k8s.api.core.v1.NodeSelectorRequirement":                        nodeRequirement,
	"io.k8s.api.core.v1.TopologySelectorLabelRequirement":               topologyRequirement,
	"io.k8s.api.admissionregistration.v1.RuleWithOperations":            admissionRule,
	"io.k8s.api.admissionregistration.v1.NamedRuleWithOperations":       admissionRule,
	"io.k8s.api.admissionregistration.v1.WebhookClientConfig":           webhookClient,
	"io.k8s.api.admissionregistration.v1.ValidatingWebhook":             webhook,
	"io.k8s.api.admissionregistration.v1.MutatingWebhook":               webhook,
	"io.k8s.api.core.v1.PersistentVolumeClaimTemplate":                  claimTemplate,
	"io.k8s.api.autoscaling.v2.HPAScalingPolicy":                        scalingPolicy,
	"io.k8s.api.autoscaling.v2.MetricIdentifier":                        named,
	"io.k8s.api.core.v1.PodDNSConfigOption":                             named,
	"io.k8s.api.core.v1.ConfigMapProjection":                            named,
	"io.k8s.api.core.v1.SecretProjection":                               named,
	"io.k8s.api.core.v1.DownwardAPIVolumeFile":                          downward,
	"io.k8s.api.core.v1.EphemeralVolumeSource":                          ephemeral,
	"io.k8s.api.batch.v1.PodFailurePolicyRule":                          failureRule,
	"io.k8s.api.admissionregistration.v1.ValidatingAdmissionPolicySpec": admissionPolicy,
	"io.k8s.api.admissionregistration.v1.ParamRef":                      paramRef,
	"io.k8s.api.networking.v1.IngressClass":                             ingressClass,
	"io.k8s.kube-aggregator.pkg.apis.apiregistration.v1.APIService":     apiService,
	"io.k8s.api.core.v1.ScopedResourceSelectorRequirement":              scoped,
}

func labelSelectorPart(r *report, path string, v map[string]any) {
	text, err := json.Marshal(v)
	s := &metav1.LabelSelector{}
	if err == nil && json.Unmarshal(text, s) == nil && !strings.HasSuffix(path, ".metric.selector") { // it is for another API
		r.selector(field.NewPath(path), s)
	}
}

// qualified demands the key of a label.
func (r *report) qualified(path string, v any) {
	text, _ := v.(string)
	for _, e := range validation.IsQualifiedName(text) {
		r.add(RuleLabel, path, fmt.Sprintf("%.80q: %s", text, plainly(e)), "")
	}
}

func nodeRequirement(r *report, path string, v map[string]any) {
	r.qualified(child(path, "key"), v["key"])
	values, _ := v["values"].([]any)
	operator, _ := v["operator"].(string)
	at := child(path, "values")
	switch operator {
	case "In", "NotIn":
		if len(values) == 0 {
			r.add(RuleRequired, at, "there must be one, at least, for the operator "+operator, "")
		}
	case "Exists", "DoesNotExist":
		if len(values) > 0 {
			r.add(RuleConflict, at, "there can be none for the operator "+operator, "")
		}
	case "Gt", "Lt":
		text, _ := first(values).(string)
		if _, err := strconv.ParseInt(text, 10, 64); len(values) != 1 || text != "" && err != nil {
			r.add(RuleValue, at, "it must be one whole number, in quotes, for the operator "+operator, "")
		}
	}
	for i, value := range values {
		text, _ := value.(string)
		for _, e := range validation.IsValidLabelValue(text) {
			r.add(RuleLabel, at+"["+strconv.Itoa(i)+"]", fmt.Sprintf("%.80q: %s", text, plainly(e)), "")
		}
	}
}

func first(list []any) any {
	if len(list) == 0 {
		return nil
	}
	return list[0]
}

func topologyRequirement(r *report, path string, v map[string]any) {
	r.qualified(child(path, "key"), v["key"])
	values, _ := v["values"].([]any)
	for i, value := range values {
		if slices.Contains(values[:i], value) {
			r.add(RuleDuplicate, child(path, "values")+"["+strconv.Itoa(i)+"]", "it is there twice", "keep one of them")
		}
	}
}

// admissionRule must say of each part what it is for.
func admissionRule(r *report, path string, v map[string]any) {
	for _, name := range []string{"operations", "apiGroups", "apiVersions", "resources"} {
		list, _ := v[name].([]any)
		if len(list) == 0 {
			r.add(RuleRequired, child(path, name), "there must be one, at least", "")
		}
		if name != "apiGroups" && slices.Contains(list, any("")) {
			r.add(RuleRequired, child(path, name), "an item is empty", "")
		}
	}
}

func webhookClient(r *report, path string, v map[string]any) {
	var has []string
	for _, name := range []string{"service", "url"} {
		if v[name] != nil {
			has = append(has, name)
		}
	}
	r.just("service or url", field.NewPath(path), has)
	service, _ := v["service"].(map[string]any)
	if port, ok := service["port"].(int64); ok {
		r.portNumber(field.NewPath(path, "service", "port"), int32(min(max(port, -1), 1<<20)))
	}
}

func webhook(r *report, path string, v map[string]any) {
	name, _ := v["name"].(string)
	if errs := validation.IsFullyQualifiedName(nil, name); len(errs) > 0 {
		r.add(RuleName, child(path, "name"), fmt.Sprintf("%.80q: it must be a name with three parts, such as check.example.com", name), "")
	}
	if seconds, ok := v["timeoutSeconds"].(int64); ok && (seconds < 1 || seconds > 30) {
		r.add(RuleValue, child(path, "timeoutSeconds"), fmt.Sprintf("%d is none of 1 to 30", seconds), "")
	}
}

func claimTemplate(r *report, path string, v map[string]any) {
	modes, storage := any(nil), any(nil)
	if spec, ok := v["spec"].(map[string]any); ok {
		modes = spec["accessModes"]
		if resources, ok := spec["resources"].(map[string]any); ok {
			requests, _ := resources["requests"].(map[string]any)
			storage = requests["storage"]
		}
	}
	if list, _ := modes.([]any); len(list) == 0 {
		r.add(RuleRequired, path+".spec.accessModes", "there must be one, at least", "")
	}
	if storage == nil {
		r.add(RuleRequired, path+".spec.resources.requests[storage]", "it must be there", "")
	}
}

func scalingPolicy(r *report, path string, v map[string]any) {
	for name, most := range map[string]int64{"value": 1 << 31, "periodSeconds": 1800} {
		if n, ok := v[name].(int64); ok && (n < 1 || n > most) || v[name] == nil {
			r.add(RuleValue, child(path, name), fmt.Sprintf("%d: it must be more than 0, and %d at most", n, most), "")
		}
	}
}

func named(r *report, path string, v map[string]any) {
	if v["name"] == "" || v["name"] == nil {
		r.add(RuleRequired, child(path, "name"), "it must not be empty", "")
	}
}

func scoped(r *report, path string, v map[string]any) {
	values, _ := v["values"].([]any)
	if operator := v["operator"]; (operator == "In" || operator == "NotIn") && len(values) == 0 {
		r.add(RuleRequired, child(path, "values"), "there must be one, at least, for this operator", "")
	}
}

func downward(r *report, path string, v map[string]any) {
	var has []string
	for _, name := range []string{"fieldRef", "resourceFieldRef"} {
		if v[name] != nil {
			has = append(has, name)
		}
	}
	r.just("fieldRef or resourceFieldRef", field.NewPath(path), has)
	if ref, ok := v["resourceFieldRef"].(map[string]any); ok && (ref["containerName"] == nil || ref["containerName"] == "") {
		r.add(RuleRequired, path+".resourceFieldRef.containerName", "it must be there in a volume", "")
	}
}

func ephemeral(r *report, path string, v map[string]any) {
	if v["volumeClaimTemplate"] == nil {
		r.add(RuleRequired, child(path, "volumeClaimTemplate"), "it must be there", "")
	}
}

func failureRule(r *report, path string, v map[string]any) {
	var has []string
	for _, name := range []string{"onExitCodes", "onPodConditions"} {
		if list, isList := v[name].([]any); v[name] != nil && (!isList || len(list) > 0) {
			has = append(has, name)
		}
	}
	r.just("onExitCodes or onPodConditions", field.NewPath(path), has)
	codes, _ := v["onExitCodes"].(map[string]any)
	values, _ := codes["values"].([]any)
	for i := 1; i < len(values); i++ {
		before, ok := values[i-1].(int64)
		if after, is := values[i].(int64); ok && is && after <= before {
			r.add(RuleValue, child(path, "onExitCodes")+".values", "the codes must be in their order, each once", "")
		}
	}
}

func admissionPolicy(r *report, path string, v map[string]any) {
	constraints, _ := v["matchConstraints"].(map[string]any)
	if rules, _ := constraints["resourceRules"].([]any); len(rules) == 0 {
		r.add(RuleRequired, path+".matchConstraints.resourceRules", "there must be one, at least", "")
	}
	validations, _ := v["validations"].([]any)
	audits, _ := v["auditAnnotations"].([]any)
	if len(validations)+len(audits) == 0 {
		r.add(RuleRequired, child(path, "validations"), "there must be one, at least, or auditAnnotations", "")
	}
}

func paramRef(r *report, path string, v map[string]any) {
	if v["parameterNotFoundAction"] == nil {
		r.add(RuleRequired, child(path, "parameterNotFoundAction"), "it must be there", "")
	}
}

func ingressClass(r *report, _ string, v map[string]any) {
	spec, _ := v["spec"].(map[string]any)
	if spec["controller"] == nil {
		r.add(RuleRequired, "spec.controller", "it must be there", "")
	}
}

// apiService is named by what it serves.
func apiService(r *report, _ string, v map[string]any) {
	spec, _ := v["spec"].(map[string]any)
	version, _ := spec["version"].(string)
	group, _ := spec["group"].(string)
	if want := version + "." + group; r.object.Key.Name != want {
		r.add(RuleName, "metadata.name", fmt.Sprintf("%q is not version and group", r.object.Key.Name), "it must be "+want)
	}
	service, ok := spec["service"].(map[string]any)
	for _, name := range []string{"namespace", "name"} {
		if ok && (service[name] == nil || service[name] == "") {
			r.add(RuleRequired, "spec.service."+name, "it must be there", "")
		}
	}
}
