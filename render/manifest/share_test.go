package manifest

import (
	"fmt"
	"maps"
	"reflect"
	"strings"
	"testing"
)

// Objects with the same labels hold one map of them, also those that are made of others;
// those with other labels keep their own.
func TestShare(t *testing.T) {
	t.Parallel()
	var text strings.Builder
	labels := []string{"{app: a}", "{app: b}", "{app: a}", "{app: c}", "{app: b}", "{app: a, tier: x}"}
	for i, l := range labels {
		fmt.Fprintf(&text, "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c%d, labels: %s, annotations: {nth: '%d'}}\n---\n", i, l, i)
	}
	set, err := Parse([]byte(text.String()), Origin{})
	if err != nil {
		t.Fatal(err)
	}
	placed, err := set.Place("shop", func(*Object) (bool, bool) { return true, true })
	if err != nil {
		t.Fatal(err)
	}
	at := func(m map[string]string) uintptr { return reflect.ValueOf(m).Pointer() }
	for i, o := range set {
		for j, other := range set[:i] {
			if shared := at(o.Labels) == at(other.Labels); shared != (labels[i] == labels[j]) {
				t.Errorf("%s and %s share %t", labels[i], labels[j], shared)
			}
		}
		if o.Annotations["nth"] != fmt.Sprint(i) {
			t.Errorf("%s has the annotations %v", o, o.Annotations)
		}
		if at(o.Labels) != at(placed[i].Labels) || at(o.Annotations) != at(placed[i].Annotations) {
			t.Errorf("%s is not like what it was made of", placed[i])
		}
	}
	other, err := set[0].Edit(func(body map[string]any) {
		body["metadata"].(map[string]any)["labels"] = map[string]any{"app": "z"}
	})
	if err != nil || other.Labels["app"] != "z" || !maps.Equal(set[0].Labels, map[string]string{"app": "a"}) {
		t.Errorf("got %v and %v, %v", other.Labels, set[0].Labels, err)
	}
}
