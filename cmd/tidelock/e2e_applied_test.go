package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/cmd/testenv"
)

// appliedVerbs are those of stories that look at what goes to the API server.
var appliedVerbs = []verb{
	{"envsubst FILE...: put variables in the place of ${NAME} in files", 1, -1, (*scene).substitute},
	{"tap: have the agent, which must not have started, reach the API server through a proxy that keeps what it applies", 0, 0, (*scene).startTap},
	{"applied NAME FILE: what was applied of an Application is byte for byte the list of FILE, but for the marks whose it is; negated: it is not", 2, 2, (*scene).applied},
}

func (s *scene) substitute(args []string) error {
	for _, name := range args {
		path := s.ts.MkAbs(name)
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if err := os.WriteFile(path, []byte(os.Expand(string(text), s.ts.Getenv)), 0o600); err != nil {
			return err
		}
	}
	return nil
}

func (s *scene) startTap([]string) error {
	if s.agent != nil {
		return errors.New("the agent has started")
	}
	proxy, tap, err := s.cluster.StartTap()
	if err != nil {
		return err
	}
	s.tap = tap
	s.ts.Defer(proxy.Close)
	s.kubeconfig, err = proxy.Kubeconfig(s.kubeconfig)
	return err
}

func (s *scene) applied(args []string) error {
	text, err := os.ReadFile(s.ts.MkAbs(args[1]))
	if err != nil {
		return err
	}
	var list struct{ Items []json.RawMessage }
	if err := json.Unmarshal(text, &list); err != nil {
		return err
	}
	var want []string
	for _, item := range list.Items {
		object, err := testenv.DecodeExactly(item)
		if err != nil {
			return err
		}
		want = append(want, exactly(object))
	}
	slices.Sort(want)
	got, err := s.appliedOf(args[0])
	if err != nil {
		return err
	}
	if len(want) == 0 || len(got) == 0 {
		return fmt.Errorf("%d objects are rendered, %d applied", len(want), len(got))
	}
	if differs := !slices.Equal(got, want); differs != s.neg {
		return fmt.Errorf("applied\n%s\nrendered\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	return nil
}

// appliedOf returns what was applied last of each object of an Application, without
// the marks, sorted.
func (s *scene) appliedOf(app string) ([]string, error) {
	latest := map[string]string{}
	for _, body := range s.tap.Applied() {
		object, err := testenv.DecodeExactly(body)
		if err != nil {
			return nil, err
		}
		id, err := api.ParseTrackingID(object.GetAnnotations()[api.AnnotationTrackingID])
		if err != nil || id.App != app {
			continue
		}
		unmark(object.Object, "annotations", api.AnnotationTrackingID)
		unmark(object.Object, "labels", api.LabelApp)
		latest[object.GetKind()+" "+object.GetNamespace()+"/"+object.GetName()] = exactly(object)
	}
	var all []string
	for _, text := range latest {
		all = append(all, text)
	}
	slices.Sort(all)
	return all, nil
}

func unmark(object map[string]any, field, name string) {
	marks, _, _ := unstructured.NestedMap(object, "metadata", field)
	delete(marks, name)
	if len(marks) == 0 {
		unstructured.RemoveNestedField(object, "metadata", field)
		return
	}
	_ = unstructured.SetNestedMap(object, marks, "metadata", field) // there is a metadata
}

// exactly prints an object, with its fields in order.
func exactly(object *unstructured.Unstructured) string {
	text, err := json.Marshal(object.Object)
	if err != nil {
		return err.Error()
	}
	return string(text)
}
