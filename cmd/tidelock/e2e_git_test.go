package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/tidelock-io/tidelock/cmd/testenv"
)

func (s *scene) repo(args []string) error {
	repo, err := s.git.Create(s.ctx, args[0])
	if err != nil {
		return err
	}
	repo.URL = s.git.front + "/" + args[0] + ".git"
	s.repos[args[0]] = repo
	s.ts.Setenv("REPO", repo.URL)
	return s.push([]string{args[0], "silent"})
}

func (s *scene) push(args []string) error {
	repo := s.repos[args[0]]
	if repo == nil {
		return fmt.Errorf("there is no repository %s", args[0])
	}
	files, err := s.files(args[0])
	if err != nil {
		return err
	}
	entries, err := os.ReadDir(repo.WorkTree)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if entry.Name() != ".git" {
			err = errors.Join(err, repo.Remove(entry.Name()))
		}
	}
	if err := errors.Join(err, repo.WriteAll(files)); err != nil {
		return err
	}
	message := "change"
	if slices.Contains(args, "sealed") {
		message += "\n\nArgocd-gpg-seal: reviewed by the story\n"
	}
	commit, err := repo.Push(s.ctx, message)
	if err != nil {
		return err
	}
	s.ts.Setenv("COMMIT", commit)
	if slices.Contains(args, "silent") {
		return nil
	}
	return repo.Announce(s.ctx, s.agent.Webhook())
}

// A gitFront is a Git server that can be out of reach: a listener before it.
type gitFront struct {
	*testenv.GitServer
	front   string // URL
	address string
	server  *http.Server // nil while it is down
	group   errgroup.Group
}

func startGitFront(ctx context.Context, dir string) (*gitFront, error) {
	behind, err := testenv.StartGit(ctx, dir, nil)
	if err != nil {
		return nil, err
	}
	f := &gitFront{GitServer: behind}
	if f.address, err = testenv.FreeAddress(); err != nil {
		return nil, err
	}
	f.front = "http://" + f.address
	return f, f.up()
}

func (f *gitFront) up() error {
	listener, err := net.Listen("tcp", f.address)
	if err != nil {
		return err
	}
	server := &http.Server{Handler: f.GitServer}
	f.server = server
	f.group.Go(func() error { return server.Serve(listener) })
	return nil
}

func (f *gitFront) down() error {
	if f.server == nil {
		return nil
	}
	defer func() { f.server = nil }()
	return f.server.Close()
}

// Close ends both servers.
func (f *gitFront) Close() error {
	err := errors.Join(f.down(), f.GitServer.Close())
	if served := f.group.Wait(); !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	return err
}

func (s *scene) gitServer(args []string) error {
	if args[0] == "up" {
		return s.git.up()
	}
	return s.git.down()
}
