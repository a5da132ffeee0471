package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/tidelock-io/tidelock/agent/api"
)

// setVerbs are those of stories about ApplicationSets.
var setVerbs = []verb{
	{"approveset NAME: approve of an ApplicationSet's held deletions, as its condition says", 1, 1, (*scene).approveSet},
	{"refreshset NAME: ask for a look at an ApplicationSet, and wait until that was taken", 1, 1, (*scene).refreshSet},
	{"setcondition NAME TYPE=STATUS REASON REGEXP: wait until an ApplicationSet says so", 4, 4, (*scene).setCondition},
	{"answering FILE: serve a generator's plugin at ${PLUGIN}, which answers those who know sesame with what the file has then", 1, 1, (*scene).answering},
}

func (s *scene) answering(args []string) error {
	file := s.ts.MkAbs(args[0])
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		parameters, err := os.ReadFile(file)
		switch {
		case r.URL.Path != "/api/v1/getparams.execute" || r.Method != http.MethodPost:
			http.NotFound(w, r)
		case r.Header.Get("Authorization") != "Bearer sesame":
			http.Error(w, "who are you?", http.StatusForbidden)
		case err != nil:
			http.Error(w, err.Error(), http.StatusInternalServerError)
		default:
			fmt.Fprintf(w, `{"output": {"parameters": %s}}`, parameters)
		}
	}))
	s.ts.Defer(server.Close)
	s.ts.Setenv("PLUGIN", server.URL)
	return nil
}

func (s *scene) refreshSet(args []string) error {
	patch := fmt.Sprintf("{metadata: {annotations: {%s: \"true\"}}}", api.AnnotationApplicationSetRefresh)
	if err := s.patch([]string{"applicationset", args[0], patch}); err != nil {
		return err
	}
	return s.untilSet(args[0], func(set *unstructured.Unstructured) (bool, string) {
		_, asked := set.GetAnnotations()[api.AnnotationApplicationSetRefresh]
		return !asked, "the annotation is there"
	})
}

func (s *scene) setCondition(args []string) error {
	pattern, err := regexp.Compile(args[3])
	if err != nil {
		return err
	}
	return s.untilSet(args[0], func(set *unstructured.Unstructured) (bool, string) {
		conditions := conditionsOf(set)
		return slices.ContainsFunc(conditions, func(c map[string]any) bool {
			message, _ := c["message"].(string)
			return fmt.Sprintf("%v=%v", c["type"], c["status"]) == args[1] && c["reason"] == args[2] && pattern.MatchString(message)
		}), fmt.Sprint(conditions)
	})
}

func conditionsOf(set *unstructured.Unstructured) (conditions []map[string]any) {
	list, _, _ := unstructured.NestedSlice(set.Object, "status", "conditions")
	for _, item := range list {
		if c, ok := item.(map[string]any); ok {
			conditions = append(conditions, c)
		}
	}
	return conditions
}

// untilSet waits until a set, which is there, meets a condition.
func (s *scene) untilSet(name string, met func(*unstructured.Unstructured) (bool, string)) error {
	at, err := s.place("applicationset", name)
	if err != nil {
		return err
	}
	return s.cluster.Until(s.ctx, at.resource, at.namespace, at.name, func(object *unstructured.Unstructured) (bool, string) {
		if object == nil {
			return false, "absent"
		}
		return met(object)
	})
}

func (s *scene) approveSet(args []string) error {
	var hash string
	err := s.untilSet(args[0], func(set *unstructured.Unstructured) (bool, string) {
		for _, c := range conditionsOf(set) {
			message, _ := c["message"].(string)
			if match := approval.FindStringSubmatch(message); match != nil {
				hash = match[1]
			}
		}
		return hash != "", fmt.Sprint(conditionsOf(set))
	})
	if err != nil {
		return err
	}
	return s.patch([]string{"applicationset", args[0], fmt.Sprintf("{metadata: {annotations: {%s: %q}}}", api.AnnotationApprove, hash)})
}
