package main

import (
	"errors"
	"flag"
	"fmt"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/tidelock-io/tidelock/cmd/testenv"
)

// realGitea has TestGitea run, as in `go test ./cmd/tidelock -run TestGitea -gitea`.
var realGitea = flag.Bool("gitea", false, "run TestGitea against a real Gitea, which takes some minutes to build the first time, and a C compiler")

// TestGitea runs the stories of testdata/gitea, which are like those of [TestE2E], against
// a Gitea: what tests say of its API and of its webhooks is what it does.
func TestGitea(t *testing.T) {
	if !*realGitea {
		t.Skip("it is asked for by -gitea: to build a Gitea takes some minutes the first time")
	}
	build, err := testenv.GiteaTool(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	w := newWorld(t)
	cmds := commands()
	for _, v := range giteaVerbs(build) {
		cmds[strings.TrimSuffix(strings.Fields(v.usage)[0], ":")] = func(ts *testscript.TestScript, neg bool, args []string) { v.play(ts, neg, args) }
	}
	testscript.Run(t, testscript.Params{
		Dir: "testdata/gitea", RequireExplicitExec: true, RequireUniqueNames: true, Cmds: cmds,
		Setup: func(env *testscript.Env) error { return w.begin(t.Context(), env) },
	})
}

// giteaVerbs are those of its stories, which have one Gitea each.
func giteaVerbs(build testenv.GiteaBuild) []verb {
	var gitea *testenv.Gitea
	return []verb{
		{"gitea: start a Gitea, ${GITEA}, whose user ${GITEA_USER} has ${GITEA_TOKEN}", 0, 0, func(s *scene, _ []string) (err error) {
			if gitea, err = testenv.StartGitea(s.ctx, build, s.ts.MkAbs("gitea")); err != nil {
				return err
			}
			s.ts.Defer(func() { s.ts.Check(gitea.Stop()) })
			for name, value := range map[string]string{"GITEA": gitea.URL, "GITEA_USER": gitea.User, "GITEA_TOKEN": gitea.Token, "WEBHOOK_SECRET": testenv.WebhookSecret} {
				s.ts.Setenv(name, value)
			}
			return nil
		}},
		{"call METHOD PATH [JSON]: call its API; in JSON is ${NAME} what it is in files", 2, 3, func(s *scene, args []string) error {
			return gitea.Call(s.ctx, args[0], args[1], expand(s.ts, strings.Join(args[2:], "")))
		}},
		{"giteapush OWNER/NAME BRANCH DIR: push a directory's files, alone, to a branch; the commit is ${COMMIT}", 3, 3, func(s *scene, args []string) error {
			files, err := s.files(args[2])
			if err != nil {
				return err
			}
			commit, err := gitea.Push(s.ctx, args[0], args[1], files)
			s.ts.Setenv("COMMIT", commit)
			return s.explainGitea(gitea, err)
		}},
		{"giteatag OWNER/NAME BRANCH TAG: tag what a branch is at", 3, 3, func(s *scene, args []string) error {
			return s.explainGitea(gitea, gitea.Tag(s.ctx, args[0], args[1], args[2]))
		}},
	}
}

// explainGitea adds the end of its log to an error.
func (s *scene) explainGitea(gitea *testenv.Gitea, err error) error {
	if err == nil {
		return nil
	}
	return errors.Join(err, fmt.Errorf("the end of Gitea's log:\n%s", testenv.Tail(gitea.Log, 12)))
}
