package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

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

// The placeholders in the example, and the one line of it that the demo changes
// beside them.
const (
	exampleRepository = "https://github.com/your-org/infra-gitops.git"
	exampleRecipient  = "age1-of-staging"
	componentsOff     = "# components: [secrets]"
	componentsOn      = "components: [secrets]"
	stagingOverlay    = "apps/api/overlays/staging/"
)

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

// serveRepository pushes the example, adapted: with this repository's address,
// this cluster's address and the files that are encrypted for this run's keys.
func (s *stage) serveRepository(ctx context.Context) (string, error) {
	root, err := testenv.Root()
	if err != nil {
		return "", err
	}
	if s.git, err = testenv.StartGit(ctx, filepath.Join(s.dir, "git"), nil); err != nil {
		return "", err
	}
	if s.repo, err = s.git.Create(ctx, "infra-gitops"); err != nil {
		return "", err
	}
	example := os.DirFS(filepath.Join(root, "examples", "infra-gitops"))
	if err := s.repo.CopyFS(withoutDemo{example}); err != nil {
		return "", err
	}
	if err := s.adapt(); err != nil {
		return "", err
	}
	commit, err := s.repo.Push(ctx, "The shop, with its secrets")
	return s.repo.URL + " at " + testenv.Short(commit), err
}

func (s *stage) adapt() error {
	applications, err := filepath.Glob(filepath.Join(s.repo.WorkTree, "argocd", "*.yaml"))
	if err != nil {
		return err
	}
	for _, path := range applications {
		if err := s.repo.Edit("argocd/"+filepath.Base(path), exampleRepository, s.repo.URL); err != nil {
			return err
		}
	}
	return errors.Join(
		s.repo.Edit(".sops.yaml", exampleRecipient, s.secrets.sops.Recipient()),
		s.repo.Edit(stagingOverlay+"kustomization.yaml", componentsOff, componentsOn),
		s.repo.Edit(stagingOverlay+"secrets/payments.external.yaml", "https://kubernetes.default.svc", s.cluster.Config.Host),
		s.secrets.write(s.repo),
	)
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

// push commits the work tree and announces it, and returns the commit and when
// it had been pushed.
func (s *stage) push(ctx context.Context, message string) (commit string, at time.Time, err error) {
	if commit, err = s.repo.Push(ctx, message); err != nil {
		return "", time.Time{}, err
	}
	at = time.Now()
	s.mu.Lock() // a dead agent hears nothing; a started one looks by itself
	defer s.mu.Unlock()
	return commit, at, s.repo.Announce(ctx, s.agent.Webhook())
}

// takeDown stops what was started, in the opposite order.
func (s *stage) takeDown() error {
	var errs []error
	if s.ledger != nil {
		errs = append(errs, s.ledger.stop())
	}
	if s.agent != nil {
		errs = append(errs, s.out.step("stop the agent", func() (string, error) { return "", s.agent.Stop() }))
	}
	if s.git != nil {
		errs = append(errs, s.git.Close())
	}
	if s.cluster != nil {
		errs = append(errs, s.out.step("stop the control plane", func() (string, error) { return "", s.cluster.Stop() }))
	}
	return errors.Join(errs...)
}

func (s *stage) printWhatToTry() {
	s.out.title("It goes on running. Ctrl-C ends it and removes everything")
	for _, line := range []string{
		"export KUBECONFIG=" + s.cluster.Kubeconfig,
		"kubectl -n argocd get applications",
		"kubectl -n api get secrets,deployments,jobs",
		"kubectl -n frontend delete deployment frontend      # and see it come back",
		"cd " + s.repo.WorkTree,
		"git commit --allow-empty -m 'try something' && git push",
		"curl -s " + s.agent.Metrics + " | grep argocd_",
		"tail -f " + s.agent.Log,
	} {
		s.out.line("%s", line)
	}
	s.out.aside("The agent asks Git every two minutes. To tell it of a push at once:")
	s.out.line("%s", strings.Join([]string{
		"curl -H 'X-GitHub-Event: push' -H 'Content-Type: application/json' -d",
		`'{"ref":"refs/heads/main","repository":{"clone_url":"` + s.repo.URL + `"}}'`,
		s.agent.Webhook(),
	}, " "))
}
