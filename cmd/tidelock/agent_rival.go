package main

import (
	"fmt"
	"time"

	"github.com/tidelock-io/tidelock/agent/rival"
	"k8s.io/client-go/kubernetes/typed/apps/v1"
	"k8s.io/client-go/rest"
)

// newLookout looks for Argo CD's controller in the agent's own cluster.
func newLookout(cfg *rest.Config) (*rival.Lookout, error) {
	client, err := v1.NewForConfig(cfg)
	if err != nil {
		return nil, fmt.Errorf("connect to the cluster: %w", err)
	}
	return rival.NewLookout(client, time.Now), nil
}
