package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/tidelock-io/tidelock/agent/install"
	"github.com/tidelock-io/tidelock/agent/shadow"
	"github.com/tidelock-io/tidelock/cmd/testenv"
)

// TestArgoCD runs stories of agents beside a real Argo CD, and in its place.
func TestArgoCD(t *testing.T) {
	if os.Getenv(testenv.ArgoCDVariable) == "" {
		t.Skipf("it needs a real Argo CD, which takes many minutes to build the first time: make argocd does, and runs this; %s names one that is built", testenv.ArgoCDVariable)
	}
	const dir = "testdata/argocd"
	stories, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var users []string
	for _, s := range stories {
		name := strings.ReplaceAll(strings.TrimSuffix(s.Name(), ".txtar"), "_", "-")
		users = append(users, testenv.ServiceAccountUser("agent-"+name, install.Name))
	}
	w := newWorld(t, users...)
	if err := w.cluster.ApplyArgoCRDs(t.Context()); err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir:                 dir,
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup:               func(env *testscript.Env) error { return w.begin(t.Context(), env) },
		Cmds:                commands(),
	})
}

// startArgo gives Argo CD the rights of a cluster administrator, as its manifests do.
func (s *scene) startArgo(settings []string) (err error) {
	if s.argo != nil {
		return s.argo.Start(s.ctx)
	}
	s.argo, err = testenv.StartArgoCD(s.ctx, testenv.ArgoCDOptions{
		Binary: os.Getenv(testenv.ArgoCDVariable), Kubeconfig: s.cluster.Kubeconfig, Namespace: s.namespace,
		Dir: filepath.Join(s.dir, ".argocd"), Env: settings,
	})
	if err != nil {
		return err
	}
	s.ts.Defer(func() { _ = s.argo.Stop() }) // it may have been stopped
	return nil
}

func (s *scene) stopArgo([]string) error { return s.argo.Stop() }

// verdicts compares the whole of a report, once what is pending has settled.
func (s *scene) verdicts(args []string) error {
	want := strings.TrimSpace(string(s.file(args[0])))
	var got string
	err := s.until("the report of "+args[0], func() (bool, error) {
		text, err := s.agent.Shadow(s.ctx)
		if err != nil {
			return false, err
		}
		var report shadow.Report
		if err := json.Unmarshal(text, &report); err != nil {
			return false, err
		}
		got = strings.TrimSpace(verdictsOf(report))
		return got == want, nil
	})
	if err != nil {
		err = fmt.Errorf("%w: it is\n%s", err, got)
	}
	return err
}

// verdictsOf words a report: each Application with what we say of it, and below it what
// differs from what Argo CD says.
func verdictsOf(r shadow.Report) string {
	var b strings.Builder
	for _, a := range r.Applications {
		fmt.Fprintln(&b, strings.TrimSpace(fmt.Sprintf("%s %s: %s, %s of %d objects %s", a.Name, a.Outcome, a.Ours.Sync, a.Ours.Health, a.Objects, a.Why)))
		for _, part := range []struct {
			word string
			list []shadow.Difference
		}{{"differs", a.Differences}, {"pending", a.Pending}, {"fine", a.ByDesign}} {
			for _, d := range part.list {
				fmt.Fprintln(&b, "  "+part.word, d)
			}
		}
		for _, c := range a.Changes {
			if len(c.Fields) > 0 || c.Verdict == "create" || c.Verdict == "extra" {
				fmt.Fprintln(&b, "  would change", c.Object)
			}
		}
	}
	for _, set := range r.Sets {
		fmt.Fprintln(&b, strings.TrimSpace(fmt.Sprintf("set %s %s %s", set.Name, set.Outcome, set.Error)))
	}
	if r.Refused > 0 {
		fmt.Fprintln(&b, r.Refused, "writes were refused")
	}
	return b.String()
}
