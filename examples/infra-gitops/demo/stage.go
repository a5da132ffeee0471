package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tidelock-io/tidelock/cmd/testenv"
)

// stage is what the scenes are played on.
type stage struct {
	out     *terminal
	dir     string
	options options

	binaries testenv.Binaries
	cluster  *testenv.Cluster
	git      *testenv.GitServer
	repo     *testenv.Repository
	secrets  *secretFiles
	ledger   *ledger

	mu    sync.Mutex // guards the runs of agent: held while it is down
	agent *testenv.Agent
}

// sealingNamespace is where the controller of sealed-secrets keeps its keys.
const sealingNamespace = "kube-system"

// setStage builds the programs and starts the parts.
func setStage(ctx context.Context, s *stage) error {
	for _, step := range []struct {
		what string
		do   func(context.Context) (string, error)
	}{
		{"build the programs", s.build},
		{"start a Kubernetes control plane", s.startCluster},
		{"make keys: age for SOPS, RSA for sealed-secrets", s.makeKeys},
		{"serve examples/infra-gitops as a Git repository", s.serveRepository},
		{"start the agent", s.startAgent},
	} {
		if err := s.out.step(step.what, func() (string, error) { return step.do(ctx) }); err != nil {
			return err
		}
	}
	return nil
}

func (s *stage) build(ctx context.Context) (string, error) {
	var err error
	s.binaries, err = testenv.Build(ctx, s.out.aside)
	return "bin/", err
}

func (s *stage) startCluster(ctx context.Context) (string, error) {
	var err error
	if s.cluster, err = testenv.StartCluster(ctx, s.binaries, filepath.Join(s.dir, "cluster")); err != nil {
		return "", err
	}
	version, err := s.cluster.Typed.Discovery().ServerVersion()
	if err != nil {
		return "", err
	}
	if err := s.cluster.ApplyCRDs(ctx); err != nil {
		return "", err
	}
	return version.GitVersion + ", knows Applications", s.cluster.CreateNamespace(ctx, testenv.AgentNamespace)
}

func (s *stage) makeKeys(ctx context.Context) (string, error) {
	var err error
	if s.secrets, err = newSecretFiles(); err != nil {
		return "", err
	}
	for _, key := range []*corev1.Secret{
		s.secrets.sops.Secret("sops-age"),
		s.secrets.sealing.Secret(sealingNamespace, "sealed-secrets-key"),
	} {
		if err := s.createSecret(ctx, key); err != nil {
			return "", err
		}
	}
	return "recipient " + s.secrets.sops.Recipient()[:16] + "…", nil
}

func (s *stage) createSecret(ctx context.Context, secret *corev1.Secret) error {
	_, err := s.cluster.Typed.CoreV1().Secrets(secret.Namespace).Create(ctx, secret, metav1.CreateOptions{})
	if apierrors.IsAlreadyExists(err) {
		return nil
	}
	return err
}

func (s *stage) startAgent(ctx context.Context) (string, error) {
	dir := filepath.Join(s.dir, "agent")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	kubeconfig := filepath.Join(dir, "kubeconfig")
	if err := s.cluster.ServiceAccount(ctx, testenv.AgentNamespace, "tidelock", kubeconfig); err != nil {
		return "", err
	}
	agent, err := testenv.StartAgent(ctx, testenv.AgentOptions{
		Binary: s.binaries.Tidelock, Kubeconfig: kubeconfig, Dir: dir,
		SealedSecretsNamespace: sealingNamespace,
	})
	if err != nil {
		return "", err
	}
	s.agent = agent
	return "its webhook is " + agent.Webhook(), nil
}

// takeDown stops what was started, in the opposite order.
func (s *stage) takeDown() error {
	var errs []error
	if s.ledger != nil {
		errs = append(errs, s.ledger.stop())
	}
	if s.agent != nil {
		errs = append(errs, s.out.step("stop the agent", func() (string, error) {
			return "it leaves no process and no temporary file", s.agent.Stop()
		}))
	}
	if s.git != nil {
		errs = append(errs, s.git.Close())
	}
	if s.cluster != nil {
		errs = append(errs, s.out.step("stop the control plane", func() (string, error) { return "", s.cluster.Stop() }))
	}
	return errors.Join(errs...)
}
