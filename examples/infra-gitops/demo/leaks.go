package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tidelock-io/tidelock/cmd/testenv"
)

// searchCanaries searches for the plain texts, and the private age key, in all
// their encodings and down to 8 bytes of them, wherever the agent could have left
// them.
func searchCanaries(ctx context.Context, s *stage) error {
	allowed, err := s.allowed(ctx)
	if err != nil {
		return err
	}
	f := s.secrets
	age := testenv.Canary{Name: "the private age key", Text: strings.TrimPrefix(f.sops.Private(), "AGE-SECRET-KEY-1")}
	canaries := testenv.NewCanaries(f.database, f.smtp, f.webhook, f.payments, age)
	for _, place := range []struct {
		what   string
		search func() ([]testenv.Finding, error)
	}{
		{"the agent's log", func() ([]testenv.Finding, error) { return canaries.Files(s.agent.Log) }},
		{"its metrics", func() ([]testenv.Finding, error) {
			text, err := s.agent.MetricsText(ctx)
			return canaries.Search("the metrics", text), err
		}},
		{"command lines and environments of the agent and its plugins", func() ([]testenv.Finding, error) {
			pids, err := s.agent.Processes()
			if err != nil {
				return nil, err
			}
			return canaries.Processes(pids...)
		}},
		{"its cache, home and temporary files", func() (found []testenv.Finding, err error) {
			for _, dir := range s.agent.Dirs() {
				more, failed := canaries.Files(dir)
				found, err = append(found, more...), errors.Join(err, failed)
			}
			return found, err
		}},
		{"the Git repository", func() ([]testenv.Finding, error) { return canaries.Files(s.repo.WorkTree) }},
		{"every object of the cluster, events too", func() ([]testenv.Finding, error) {
			return canaries.Objects(ctx, s.cluster, allowed)
		}},
		{"a dump of etcd", func() ([]testenv.Finding, error) {
			var dump bytes.Buffer
			err := s.cluster.Dump(ctx, &dump)
			return canaries.Dump(dump.Bytes(), allowed), err
		}},
	} {
		if err := s.out.step(place.what, func() (string, error) { return "clean", nothing(place.search()) }); err != nil {
			return err
		}
	}
	return nil
}

// allowed are the Secrets that are meant to hold plain text: where it came from
// and where it went.
func (s *stage) allowed(ctx context.Context) (testenv.Allowed, error) {
	allowed := testenv.Allowed{
		testenv.AgentNamespace + "/sops-age":     true,
		sealingNamespace + "/sealed-secrets-key": true,
		"shared-secrets/payments":                true,
	}
	list, err := s.cluster.Typed.CoreV1().Secrets("api").List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, err
	}
	for _, secret := range list.Items {
		allowed["api/"+secret.Name] = true
	}
	return allowed, nil
}

func nothing(found []testenv.Finding, err error) error {
	if err != nil || len(found) == 0 {
		return err
	}
	var text strings.Builder
	for _, finding := range found {
		fmt.Fprintf(&text, "\n    %s", finding)
	}
	return fmt.Errorf("plain text was found:%s", &text)
}
