package main

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/tidelock-io/tidelock/agent/appset/forge/forgetest"
	"github.com/tidelock-io/tidelock/cmd/testenv"
)

// forgeVerbs are those of stories about pull requests and repositories.
var forgeVerbs = []verb{
	{"forge REPO...: start a forge at ${FORGE}, which is GitHub, GitLab and Gitea at once, with repositories OWNER/NAME that are served already; it wants ${FORGE_TOKEN}, and signs what it announces with ${FORGE_SECRET}", 1, -1, (*scene).startForge},
	{"forgeis MOOD: how the forge answers from now on: well, empty, down, denied, limited, hanging, half, torn", 1, 1, (*scene).forgeIs},
	{"branch REPO NAME DIR|gone: push a directory's files as a branch, or remove it, and announce that as all three do", 3, 3, (*scene).branch},
	{"pull open NUMBER REPO BRANCH [LABEL...], pull label NUMBER REPO [LABEL...], pull push NUMBER REPO, pull close NUMBER REPO: what happens to a pull request, announced as all three do", 3, -1, (*scene).pull},
}

const forgeToken = "a-token-of-the-forge"

func (s *scene) startForge(args []string) error {
	s.forge = forgetest.Start(forgeToken, testenv.WebhookSecret)
	s.ts.Defer(s.forge.Close)
	for _, path := range args {
		owner, name, ok := strings.Cut(path, "/")
		repo := s.repos[path]
		if !ok || repo == nil {
			return fmt.Errorf("there is no repository %s", path)
		}
		s.forge.Add(forgetest.Repository{Owner: owner, Name: name, CloneURL: repo.URL, Default: "main", Topics: []string{"deploy"}, Git: repo})
	}
	s.ts.Setenv("FORGE", s.forge.URL)
	s.ts.Setenv("FORGE_TOKEN", forgeToken)
	s.ts.Setenv("FORGE_SECRET", testenv.WebhookSecret)
	return nil
}

func (s *scene) forgeIs(args []string) error {
	mood := forgetest.Mood(args[0])
	if !slices.Contains(forgetest.Moods, mood) {
		return fmt.Errorf("no forge is %s", mood)
	}
	s.forge.Is(mood)
	return nil
}

func (s *scene) branch(args []string) error {
	repo := s.repos[args[0]]
	if repo == nil {
		return fmt.Errorf("there is no repository %s", args[0])
	}
	heads, err := repo.Heads(s.ctx)
	if err != nil {
		return err
	}
	after := ""
	if args[2] == "gone" {
		err = repo.RemoveBranch(s.ctx, args[1])
	} else {
		var files map[string]string
		if files, err = s.files(args[2]); err == nil {
			after, err = repo.PushBranch(s.ctx, args[1], files)
		}
	}
	if err != nil {
		return err
	}
	s.ts.Setenv("COMMIT", after)
	owner, name, _ := strings.Cut(args[0], "/")
	return s.announce(s.forge.Push(owner, name, args[1], heads[args[1]], after))
}

// announce has the agent told of an event by all three.
func (s *scene) announce(hooks []forgetest.Hook, err error) error {
	for _, hook := range hooks {
		err = errors.Join(err, hook.Send(s.ctx, s.agent.Webhook()))
	}
	return err
}

func (s *scene) pull(args []string) error {
	number, err := strconv.Atoi(args[1])
	if err != nil {
		return err
	}
	owner, name, _ := strings.Cut(args[2], "/")
	switch rest := args[3:]; {
	case args[0] == "open" && len(rest) > 0:
		return s.announce(s.forge.Open(owner, name, forgetest.Pull{Number: number, Title: "change " + rest[0], Author: "ada", Branch: rest[0], Labels: rest[1:]}))
	case args[0] == "label":
		return s.announce(s.forge.Label(owner, name, number, rest...))
	case args[0] == "push" && len(rest) == 0:
		return s.announce(s.forge.Pushed(owner, name, number))
	case args[0] == "close" && len(rest) == 0:
		return s.announce(s.forge.End(owner, name, number))
	}
	return errors.New("there are pull open, label, push and close")
}
