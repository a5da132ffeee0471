package main

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/tidelock-io/tidelock/cmd/testenv"
)

// The placeholders in the example, and the one line of it that the demo changes
// beside them.
const (
	exampleRepository = "https://github.com/your-org/infra-gitops.git"
	exampleRecipient  = "age1-of-staging"
	componentsOff     = "# components: [secrets]"
	componentsOn      = "components: [secrets]"
	stagingOverlay    = "apps/api/overlays/staging/"
)

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

// withoutDemo is the example without this program.
type withoutDemo struct{ fs.FS }

// ReadDir implements [fs.ReadDirFS].
func (w withoutDemo) ReadDir(name string) ([]fs.DirEntry, error) {
	entries, err := fs.ReadDir(w.FS, name)
	kept := entries[:0]
	for _, entry := range entries {
		if name != "." || !strings.EqualFold(entry.Name(), "demo") {
			kept = append(kept, entry)
		}
	}
	return kept, err
}
