package main

import (
	"context"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/tidelock-io/tidelock/cmd/testenv"
)

var deployments = schema.GroupVersionResource{Group: "apps", Version: "v1", Resource: "deployments"}

const (
	frontendOverlay = "apps/frontend/overlays/staging/"
	oldTag, newTag  = "2.1.0", "2.2.0"
	image           = "ghcr.io/your-org/frontend:"
)

// rollOut pushes another image tag.
func rollOut(ctx context.Context, s *stage) error {
	if err := s.repo.Edit(frontendOverlay+"kustomization.yaml", oldTag, newTag); err != nil {
		return err
	}
	commit, pushed, err := s.push(ctx, "frontend "+newTag+" to staging")
	if err != nil {
		return err
	}
	s.out.line("pushed %s: frontend %s in staging", testenv.Short(commit), newTag)
	if err := s.out.step("the Deployment has the new image", func() (string, error) {
		err := s.untilFrontend(ctx, "image "+image+newTag, hasImage(image+newTag))
		return seconds(time.Since(pushed)) + " from push to applied", err
	}); err != nil {
		return err
	}
	return s.out.step("every Pod runs it", func() (string, error) {
		if err := s.untilFrontend(ctx, "all Pods updated", rolledOut); err != nil {
			return "", err
		}
		return "frontend-staging is Synced, Healthy at " + testenv.Short(commit), s.untilSynced(ctx, commit, "frontend-staging")
	})
}

// untilFrontend waits for a state of the frontend's Deployment, which want describes.
func (s *stage) untilFrontend(ctx context.Context, want string, met testenv.Condition) error {
	ctx, cancel := context.WithTimeoutCause(ctx, patience, fmt.Errorf("waited %s to see it with %s", patience, want))
	defer cancel()
	return s.cluster.Until(ctx, deployments, "frontend", "frontend", met)
}

func hasImage(want string) testenv.Condition {
	return func(object *unstructured.Unstructured) (bool, string) {
		if object == nil {
			return false, "absent"
		}
		containers, _, _ := unstructured.NestedSlice(object.Object, "spec", "template", "spec", "containers")
		if len(containers) == 0 {
			return false, "no containers"
		}
		container, _ := containers[0].(map[string]any)
		return container["image"] == want, fmt.Sprintf("image %v", container["image"])
	}
}

// rolledOut is met when what runs is what the spec says.
func rolledOut(object *unstructured.Unstructured) (bool, string) {
	if object == nil {
		return false, "absent"
	}
	number := func(fields ...string) int64 {
		n, _, _ := unstructured.NestedInt64(object.Object, fields...)
		return n
	}
	want, updated := number("spec", "replicas"), number("status", "updatedReplicas")
	all, ready := number("status", "replicas"), number("status", "availableReplicas")
	met := number("status", "observedGeneration") == object.GetGeneration() && updated == want && all == want && ready == want
	return met, fmt.Sprintf("%d of %d Pods updated, %d available, %d in all", updated, want, ready, all)
}
