package main

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/tidelock-io/tidelock/agent/api"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// lookSets looks at ApplicationSets: what is wrong with them by themselves, what the
// agent says of them, and whether what their generators log in with is there.
func (c *checker) lookSets(ctx context.Context, a *area) {
	if c.noSets != nil {
		a.unread("ApplicationSets", c.noSets)
		return
	}
	invalid, failing, held := remarks{}, remarks{}, remarks{}
	references := map[reference][]string{}
	for i := range c.appSets {
		set := &c.appSets[i]
		for _, err := range api.ValidateApplicationSet(set) {
			invalid.add(c.named(set), err.Error())
		}
		for _, condition := range set.Status.Conditions {
			sayCondition(c.named(set), condition, failing, held)
		}
		for _, r := range referencesOf(set) {
			references[r] = append(references[r], c.named(set))
		}
	}
	invalid.say("ApplicationSet", func(format string, args ...any) {
		a.wrong("correct it: nothing of the ApplicationSet is made or changed", format, args...)
	})
	failing.say("ApplicationSet", func(format string, args ...any) {
		a.wrong("nothing is deleted meanwhile: tidelock sets SET tells more", format, args...)
	})
	held.say("ApplicationSet", func(format string, args ...any) { a.warn("tidelock sets SET tells more", format, args...) })
	c.lookReferences(ctx, a, references)
	if len(invalid) == 0 && len(failing) == 0 {
		a.ok("%d ApplicationSets", len(c.appSets))
	}
}

// sayCondition is what the agent says of an ApplicationSet, as far as somebody is to do
// something about it.
func sayCondition(set string, condition api.ApplicationSetCondition, failing, held remarks) {
	if condition.Status != metav1.ConditionTrue {
		return
	}
	switch condition.Type {
	case api.ApplicationSetErrorOccurred:
		failing.add(set, condition.Message)
	case api.ApplicationSetInvalidRolloutConfig, api.ApplicationSetDeletionHeld, api.ApplicationSetGenerationWarning:
		held.add(set, fmt.Sprintf("%s: %s", condition.Type, condition.Message))
	}
}

// A reference is to what a generator asks a server with.
type reference struct {
	kind, namespace, name, key string // without a key all of it is meant
}

func (r reference) String() string {
	if r.key == "" {
		return r.kind + " " + r.namespace + "/" + r.name
	}
	return fmt.Sprintf("%s %s/%s, entry %s", r.kind, r.namespace, r.name, r.key)
}

// referencesOf are those of a set's generators, however deep they are in others.
func referencesOf(set *api.ApplicationSet) (all []reference) {
	var tree any
	text, err := json.Marshal(set.Spec.Generators)
	if err == nil {
		err = json.Unmarshal(text, &tree)
	}
	if err != nil {
		return nil // it is not valid, and that is said
	}
	var walk func(node any)
	walk = func(node any) {
		switch node := node.(type) {
		case []any:
			for _, item := range node {
				walk(item)
			}
		case map[string]any:
			for key, value := range node {
				if r, ok := referenceAt(key, value, set.Namespace); ok {
					all = append(all, r)
				}
				if key != "template" && key != "values" {
					walk(value)
				}
			}
		}
	}
	walk(tree)
	return all
}

// referenceAt reads a field of a generator.
func referenceAt(field string, value any, namespace string) (reference, bool) {
	of, _ := value.(map[string]any)
	text := func(name string) string { s, _ := of[name].(string); return s }
	r := reference{namespace: namespace, key: text("key")}
	switch field {
	case "tokenRef", "passwordRef", "accessTokenRef", "appPasswordRef":
		r.kind, r.name = "Secret", text("secretName")
	case "caRef":
		r.kind, r.name = "ConfigMap", text("configMapName")
	case "configMapRef": // of a plugin; that of clusterDecisionResource is a text
		r.kind, r.name, r.key = "ConfigMap", text("name"), ""
	case "appSecretName":
		r.kind, r.key = "Secret", ""
		r.name, _ = value.(string)
	}
	return r, r.name != ""
}

// lookReferences looks whether what generators name is there.
func (c *checker) lookReferences(ctx context.Context, a *area, references map[reference][]string) {
	there := 0
	for _, r := range slices.SortedFunc(maps.Keys(references), func(x, y reference) int { return strings.Compare(x.String(), y.String()) }) {
		found, err := c.has(ctx, r)
		switch {
		case err != nil:
			a.unread(r.String(), err)
		case !found:
			a.wrong("make it: nothing of the ApplicationSet is made, changed or deleted until its server can be asked",
				"ApplicationSet %s: there is no %s, which a generator names", listedNames(references[r]), r)
		default:
			there++
		}
	}
	if there > 0 {
		a.ok("%s there that generators log in with", numberOf(there, "entry is", "entries are"))
	}
}

// has says whether what a generator names is there.
func (c *checker) has(ctx context.Context, r reference) (bool, error) {
	entries := map[string]bool{}
	var err error
	if r.kind == "Secret" {
		secret, e := c.kube.CoreV1().Secrets(r.namespace).Get(ctx, r.name, metav1.GetOptions{})
		if err = e; err == nil {
			for key := range secret.Data {
				entries[key] = true
			}
		}
	} else {
		config, e := c.kube.CoreV1().ConfigMaps(r.namespace).Get(ctx, r.name, metav1.GetOptions{})
		if err = e; err == nil {
			for key := range config.Data {
				entries[key] = true
			}
		}
	}
	if apierrors.IsNotFound(err) {
		return false, nil
	}
	return err == nil && (r.key == "" || entries[r.key]), err
}
