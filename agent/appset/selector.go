package appset

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/tidelock-io/tidelock/agent/api"
)

// keep returns the sets of parameters that a selector matches, nested ones by their
// paths. Values may be what no label could be, such as the address of a server, which
// is why this is not the selector of labels.
func keep(selector *metav1.LabelSelector, all []Params) ([]Params, error) {
	if selector == nil {
		return all, nil
	}
	if err := checkSelector(selector); err != nil {
		return nil, err
	}
	var kept []Params
	for _, params := range all {
		if matches(selector, flatten(params)) {
			kept = append(kept, params)
		}
	}
	return kept, nil
}

func checkSelector(selector *metav1.LabelSelector) error {
	keys := slices.Sorted(maps.Keys(selector.MatchLabels))
	for i, e := range selector.MatchExpressions {
		keys = append(keys, e.Key)
		field := fmt.Sprintf("matchExpressions[%d]", i)
		needs := e.Operator == metav1.LabelSelectorOpIn || e.Operator == metav1.LabelSelectorOpNotIn
		switch {
		case !needs && e.Operator != metav1.LabelSelectorOpExists && e.Operator != metav1.LabelSelectorOpDoesNotExist:
			return failf(ErrGenerator, "%s: %q is no operator: give In, NotIn, Exists or DoesNotExist", field, e.Operator)
		case needs && len(e.Values) == 0:
			return failf(ErrGenerator, "%s: %s needs values", field, e.Operator)
		case !needs && len(e.Values) > 0:
			return failf(ErrGenerator, "%s: %s takes no values", field, e.Operator)
		}
	}
	for _, key := range keys {
		if errs := validation.IsQualifiedName(key); len(errs) > 0 {
			return failf(ErrGenerator, "%q is no key: %s", key, errs[0])
		}
	}
	return nil
}

func matches(selector *metav1.LabelSelector, params map[string]string) bool {
	for key, want := range selector.MatchLabels {
		if value, ok := params[key]; !ok || value != want {
			return false
		}
	}
	return !slices.ContainsFunc(selector.MatchExpressions, func(e metav1.LabelSelectorRequirement) bool {
		value, ok := params[e.Key]
		switch e.Operator {
		case metav1.LabelSelectorOpIn:
			return !ok || !slices.Contains(e.Values, value)
		case metav1.LabelSelectorOpNotIn:
			return ok && slices.Contains(e.Values, value)
		case metav1.LabelSelectorOpExists:
			return !ok
		default:
			return ok
		}
	})
}

// hintOf says of a selector that drops everything which key no set of parameters has.
func hintOf(selector *metav1.LabelSelector, all []Params) string {
	flat := map[string]string{}
	for _, params := range all {
		maps.Copy(flat, flatten(params))
	}
	names := slices.Sorted(maps.Keys(flat))
	keys := slices.Sorted(maps.Keys(selector.MatchLabels))
	for _, e := range selector.MatchExpressions {
		keys = append(keys, e.Key)
	}
	for _, key := range keys {
		if _, ok := flat[key]; ok {
			continue
		}
		if near := api.Nearest(key, names); near != "" {
			return fmt.Sprintf("there is no parameter %s; did you mean %s?", key, near)
		}
		return fmt.Sprintf("there is no parameter %s; there are %s", key, listed(names))
	}
	return ""
}

// listed names some of many.
func listed(names []string) string {
	const most = 8
	if len(names) > most {
		return strings.Join(names[:most], ", ") + ", …"
	}
	return strings.Join(names, ", ")
}
