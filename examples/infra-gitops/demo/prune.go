package main

import (
	"context"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/tidelock-io/tidelock/cmd/testenv"
)

var configMaps = schema.GroupVersionResource{Version: "v1", Resource: "configmaps"}

// prune removes a file, and its mention, from Git.
func prune(ctx context.Context, s *stage) error {
	ctx, cancel := context.WithTimeoutCause(ctx, patience, fmt.Errorf("waited %s to see it pruned", patience))
	defer cancel()
	if err := s.cluster.Until(ctx, configMaps, "frontend", "banner", testenv.Present); err != nil {
		return err
	}
	if err := s.repo.Remove(frontendOverlay + "banner.yaml"); err != nil {
		return err
	}
	if err := s.repo.Edit(frontendOverlay+"kustomization.yaml", "  - banner.yaml\n", ""); err != nil {
		return err
	}
	commit, pushed, err := s.push(ctx, "frontend: no banner in staging")
	if err != nil {
		return err
	}
	s.out.line("pushed %s: banner.yaml is gone", testenv.Short(commit))
	return s.out.step("the ConfigMap banner is gone from the cluster", func() (string, error) {
		if err := s.cluster.Until(ctx, configMaps, "frontend", "banner", testenv.Absent); err != nil {
			return "", err
		}
		outcome := seconds(time.Since(pushed)) + " from push to pruned"
		return outcome, s.untilSynced(ctx, commit, "frontend-staging")
	})
}
