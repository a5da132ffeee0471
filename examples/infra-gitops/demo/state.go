package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/cmd/testenv"
)

// checkState checks that all Applications are Synced and Healthy, and lists what
// the agent manages, which -state writes to a file.
func checkState(ctx context.Context, s *stage) error {
	if err := s.out.step("all Applications", func() (string, error) {
		return "Synced, Healthy", s.untilApplications(ctx, "Synced and Healthy", testenv.Synced, append([]string{platform}, services...)...)
	}); err != nil {
		return err
	}
	return s.out.step("the objects that the agent manages", func() (string, error) {
		lines, err := managed(ctx, s)
		if err != nil {
			return "", err
		}
		if s.options.state != "" {
			err = os.WriteFile(s.options.state, []byte(strings.Join(lines, "\n")+"\n"), 0o600)
		}
		return fmt.Sprintf("%d", len(lines)), err
	})
}

// managed returns a line for each object with the agent's label: what the agent
// owns of it. What differs from run to run by nature is left out: values of
// Secrets, the hash in a generated name, addresses.
func managed(ctx context.Context, s *stage) ([]string, error) {
	lists, err := s.cluster.Typed.Discovery().ServerPreferredResources()
	if err != nil {
		return nil, err
	}
	var lines []string
	for _, group := range discovery.FilteredBy(discovery.SupportsAllVerbs{Verbs: []string{"list", "watch"}}, lists) {
		version, err := schema.ParseGroupVersion(group.GroupVersion)
		if err != nil {
			return nil, err
		}
		for _, resource := range group.APIResources {
			more, err := s.managedOf(ctx, version.WithResource(resource.Name))
			if err != nil {
				return nil, err
			}
			lines = append(lines, more...)
		}
	}
	slices.Sort(lines)
	return lines, nil
}

func (s *stage) managedOf(ctx context.Context, resource schema.GroupVersionResource) ([]string, error) {
	list, err := s.cluster.Dynamic.Resource(resource).List(ctx, metav1.ListOptions{LabelSelector: api.LabelApp})
	if err != nil {
		return nil, fmt.Errorf("list %s: %w", resource.Resource, err)
	}
	var lines []string
	for i := range list.Items {
		line, err := stateLine(&list.Items[i])
		if errors.Is(err, errCopied) {
			continue
		}
		if err != nil {
			return nil, err
		}
		lines = append(lines, line)
	}
	return lines, nil
}

// errCopied says that a controller copied the label from an object of ours to one
// of its own, as that of EndpointSlices does.
var errCopied = errors.New("not the agent's")

var generatedHash = regexp.MustCompile(`-[a-z0-9]{10}\b`)

func stateLine(object *unstructured.Unstructured) (string, error) {
	if object.GetAnnotations()[api.AnnotationTrackingID] == "" || len(object.GetOwnerReferences()) > 0 {
		return "", errCopied
	}
	body := map[string]any{
		"labels": object.GetLabels(), "annotations": ours(object.GetAnnotations()),
		"spec": object.Object["spec"], "rules": object.Object["rules"], "subjects": object.Object["subjects"],
	}
	data, _, _ := unstructured.NestedMap(object.Object, "data")
	body["data"] = slices.Sorted(maps.Keys(data))
	if object.GetKind() == "ConfigMap" {
		body["data"] = data
	}
	for _, random := range [][]string{{"spec", "clusterIP"}, {"spec", "clusterIPs"}, {"spec", "selector", "matchLabels"}, {"spec", "template", "metadata", "labels"}} {
		if object.GetKind() == "Service" || object.GetKind() == "Job" {
			unstructured.RemoveNestedField(body, random...)
		}
	}
	text, err := json.Marshal(body)
	if err != nil {
		return "", err
	}
	line := fmt.Sprintf("%s %s/%s %s", object.GetKind(), object.GetNamespace(), object.GetName(), text)
	return generatedHash.ReplaceAllString(line, "-HASH"), nil
}

// ours leaves out the annotations that Kubernetes counts in.
func ours(annotations map[string]string) map[string]string {
	kept := maps.Clone(annotations)
	maps.DeleteFunc(kept, func(key, _ string) bool { return strings.HasPrefix(key, "deployment.kubernetes.io/") })
	return kept
}
