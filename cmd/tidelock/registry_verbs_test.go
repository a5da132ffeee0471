package main

import (
	"context"
	"net/url"
	"os"
	"path/filepath"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/tidelock-io/tidelock/cmd/testenv"
)

// startRegistry starts a registry with a login, as ${REGISTRY}.
func (s *scene) startRegistry([]string) (err error) {
	s.registry, err = testenv.StartRegistry(s.ctx, url.UserPassword("robot", "sesame"))
	if err == nil {
		s.ts.Setenv("REGISTRY", s.registry.Host)
		s.ts.Defer(func() { _ = s.registry.Close() }) // the story is over
	}
	return err
}

// publish pushes a directory of the script to the registry.
func (s *scene) publish(args []string) error {
	files, err := s.files(args[2])
	if err != nil {
		return err
	}
	layer := testenv.ManifestLayer
	if len(args) > 3 {
		layer = testenv.ChartLayer
	}
	digest, err := s.registry.Push(s.ctx, args[0], args[1], layer, files)
	s.ts.Setenv("DIGEST", digest)
	return err
}

func (s *scene) registryIs(args []string) error {
	s.registry.Down(args[0] == "down")
	return nil
}

// startScriptRegistry starts a registry without a login, as ${REGISTRY}.
func startScriptRegistry(ts *testscript.TestScript, _ bool, _ []string) {
	r, err := testenv.StartRegistry(context.Background(), nil)
	ts.Check(err)
	ts.Setenv("REGISTRY", r.Host)
	keys(ts).registry = r
	ts.Defer(func() { _ = r.Close() }) // the story is over
}

// publish pushes a directory to the registry: REPOSITORY TAG DIR [chart].
func publish(ts *testscript.TestScript, _ bool, args []string) {
	files := map[string]string{}
	root := ts.MkAbs(args[2])
	ts.Check(filepath.WalkDir(root, func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		name, err := filepath.Rel(root, path)
		files[filepath.ToSlash(name)] = ts.ReadFile(path)
		return err
	}))
	layer := testenv.ManifestLayer
	if len(args) > 3 {
		layer = testenv.ChartLayer
	}
	_, err := keys(ts).registry.Push(context.Background(), args[0], args[1], layer, files)
	ts.Check(err)
}

// gitserver serves an empty repository, as ${GIT}, and pushes a directory to it.
func gitserver(ts *testscript.TestScript, _ bool, args []string) {
	ctx := context.Background()
	server, err := testenv.StartGit(ctx, ts.MkAbs(".git-server"), nil)
	ts.Check(err)
	ts.Defer(func() { _ = server.Close() }) // the story is over
	repo, err := server.Create(ctx, args[0])
	ts.Check(err)
	ts.Check(repo.CopyFS(os.DirFS(ts.MkAbs(args[0]))))
	_, err = repo.Push(ctx, "all of it")
	ts.Check(err)
	ts.Setenv("GIT", repo.URL)
}
