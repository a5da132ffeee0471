package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/tidelock-io/tidelock/agent/api"
)

// setVerbs are those of stories about ApplicationSets.
var setVerbs = []verb{
	{"approveset NAME: approve of an ApplicationSet's held deletions, as its condition says", 1, 1, (*scene).approveSet},
	{"refreshset NAME: ask for a look at an ApplicationSet, and wait until that was taken", 1, 1, (*scene).refreshSet},
	{"setcondition NAME TYPE=STATUS REASON REGEXP: wait until an ApplicationSet says so", 4, 4, (*scene).setCondition},
	{"sameoffline SET FILE [FLAG...]: wait until the Applications of an ApplicationSet are those that render --applications makes of the file, which states it", 2, -1, (*scene).sameOffline},
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

// A generated is what a set says of an Application.
type generated struct {
	Metadata struct {
		Namespace           string
		Labels, Annotations map[string]string
		Finalizers          []string
	}
	Spec any
}

func (s *scene) sameOffline(args []string) error {
	file := s.ts.MkAbs(args[1])
	if err := os.WriteFile(file, s.file(args[1]), 0o600); err != nil {
		return err
	}
	cmd := exec.CommandContext(s.ctx, s.bin.Tidelock, append([]string{"render", "--applications", "-o", "json", "-f", file}, args[2:]...)...)
	cmd.Dir, cmd.Env = s.dir, []string{"PATH=" + os.Getenv("PATH"), "HOME=" + s.dir}
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("%s: %w: %s", cmd, err, stderr.String())
	}
	made := unstructured.UnstructuredList{}
	if err := made.UnmarshalJSON(out); err != nil {
		return err
	}
	want, err := generatedOf(made.Items, func(*unstructured.Unstructured) bool { return true })
	if err != nil {
		return err
	}
	at, err := s.place("application", "any")
	if err != nil {
		return err
	}
	owned := func(app *unstructured.Unstructured) bool {
		owner := metav1.GetControllerOf(app)
		return owner != nil && owner.Kind == api.ApplicationSetKind && owner.Name == args[0]
	}
	diff := ""
	err = s.until("the Applications of "+args[0], func() (bool, error) {
		live, err := s.cluster.Dynamic.Resource(at.resource).Namespace(at.namespace).List(s.ctx, metav1.ListOptions{})
		if err != nil {
			return false, err
		}
		got, err := generatedOf(live.Items, owned)
		diff = cmp.Diff(want, got)
		return diff == "" && len(got) > 0, err
	})
	if err != nil {
		return fmt.Errorf("%w: -offline +live\n%s", err, diff)
	}
	return nil
}

// generatedOf are those of some Applications, by name.
func generatedOf(items []unstructured.Unstructured, is func(*unstructured.Unstructured) bool) (map[string]generated, error) {
	all := map[string]generated{}
	for i := range items {
		if !is(&items[i]) {
			continue
		}
		var one generated
		text, err := items[i].MarshalJSON()
		if err == nil {
			err = json.Unmarshal(text, &one)
		}
		if err != nil {
			return nil, err
		}
		all[items[i].GetName()] = one
	}
	return all, nil
}
