package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/cmd/testenv"
)

// The Applications. The platform's comes first: it makes the namespace and the
// rights with which the api's ExternalSecret is read.
var (
	platform = "platform"
	services = []string{"api-staging", "api-production", "frontend-staging", "frontend-production"}
	withJob  = []string{"api-staging", "api-production"} // have waves -1, 0 and 1
)

// patience bounds each wait of the story. All of them take seconds.
const patience = 3 * time.Minute

// firstSync creates the Applications and watches them come up.
func firstSync(ctx context.Context, s *stage) (err error) {
	if s.ledger, err = newLedger(ctx, s); err != nil {
		return err
	}
	if err := s.out.step("create the Application platform", func() (string, error) {
		if err := s.createApplication(ctx, platform); err != nil {
			return "", err
		}
		return "Synced, Healthy", s.untilSynced(ctx, s.repo.Head, platform)
	}); err != nil {
		return err
	}
	if err := s.storePayments(ctx); err != nil {
		return err
	}
	if err := s.out.step("create the Applications of api and frontend", func() (string, error) {
		for _, name := range services {
			if err := s.createApplication(ctx, name); err != nil {
				return "", err
			}
		}
		return "all Synced, Healthy", s.untilSynced(ctx, s.repo.Head, services...)
	}); err != nil {
		return err
	}
	if err := s.ledger.stop(); err != nil {
		return err
	}
	for _, name := range withJob {
		if err := s.out.step("check the order of "+name, func() (string, error) { return s.ledger.checkWaves(name) }); err != nil {
			return err
		}
	}
	return nil
}

// createApplication creates the Application of a file of the repository, as
// kubectl create -f does.
func (s *stage) createApplication(ctx context.Context, name string) error {
	content, err := os.ReadFile(filepath.Join(s.repo.WorkTree, "argocd", name+".yaml"))
	if err != nil {
		return err
	}
	application := new(unstructured.Unstructured)
	if err := yaml.Unmarshal(content, &application.Object); err != nil {
		return err
	}
	_, err = s.cluster.Dynamic.Resource(testenv.Applications).Namespace(testenv.AgentNamespace).
		Create(ctx, application, metav1.CreateOptions{})
	return err
}

// storePayments puts a Secret where the ExternalSecret's store looks for it.
func (s *stage) storePayments(ctx context.Context) error {
	return s.createSecret(ctx, &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: "shared-secrets", Name: "payments"},
		Data:       map[string][]byte{"api-key": []byte(s.secrets.payments.Text)},
	})
}

// untilSynced waits until Applications are Synced at a commit and Healthy.
func (s *stage) untilSynced(ctx context.Context, commit string, names ...string) error {
	return s.untilApplications(ctx, "Synced at "+testenv.Short(commit)+" and Healthy", testenv.SyncedAt(commit), names...)
}

// untilApplications waits for a state of each, which want describes.
func (s *stage) untilApplications(ctx context.Context, want string, met func(*api.Application) bool, names ...string) error {
	ctx, cancel := context.WithTimeoutCause(ctx, patience, fmt.Errorf("waited %s to see it %s", patience, want))
	defer cancel()
	g, ctx := errgroup.WithContext(ctx)
	for _, name := range names {
		g.Go(func() error { return s.cluster.UntilApplication(ctx, testenv.AgentNamespace, name, met) })
	}
	return g.Wait()
}
