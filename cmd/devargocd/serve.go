package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/argoproj/argo-cd/v3/common"
	"golang.org/x/sync/errgroup"
)

const (
	// readyFile appears, with the version, once Argo CD can work, and goes with it.
	readyFile = "ready"
	logsDir   = "logs"
	// pause is between two questions whether a part can work.
	pause = 100 * time.Millisecond
)

// serve runs Argo CD until ctx ends, or a part of it does.
func serve(ctx context.Context, o options) error {
	if err := prepare(o); err != nil {
		return err
	}
	defer os.Remove(filepath.Join(o.dir, readyFile))
	if err := configure(ctx, o); err != nil {
		return err
	}
	redis := miniredis.NewMiniRedis()
	if err := redis.StartAddr("127.0.0.1:0"); err != nil {
		return err
	}
	defer redis.Close()
	a, err := newAddresses()
	if err != nil {
		return err
	}
	a.redis = redis.Addr()
	g, ctx := errgroup.WithContext(ctx)
	for _, p := range parts {
		g.Go(func() error { return supervise(ctx, o, p, p.args(o, a)) })
	}
	g.Go(func() error { return announce(ctx, o, a) })
	g.Go(func() error { return age(ctx, redis) })
	return g.Wait()
}

// age has time pass for what is stored, which it does not by itself: Argo CD relies on
// revisions being forgotten.
func age(ctx context.Context, redis *miniredis.Miniredis) error {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			redis.FastForward(time.Second)
		}
	}
}

// prepare makes the directories.
func prepare(o options) error {
	for _, dir := range directories {
		if err := os.MkdirAll(filepath.Join(o.dir, dir), 0o700); err != nil {
			return err
		}
	}
	if err := os.Remove(filepath.Join(o.dir, readyFile)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	// The repo server runs this on commits, signed or not.
	verify := []byte("#!/bin/sh\ngit verify-commit \"$1\" 2>&1 || [ $? = 1 ]\n")
	if err := os.WriteFile(filepath.Join(o.dir, "bin", "git-verify-wrapper.sh"), verify, 0o700); err != nil {
		return err
	}
	// git runs a program of this name when it needs a password.
	self, err := os.Executable()
	if err != nil {
		return err
	}
	link := filepath.Join(o.dir, "bin", common.CommandCLI)
	if err := os.Remove(link); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return os.Symlink(self, link)
}

// announce says so when all parts can work.
func announce(ctx context.Context, o options, a addresses) error {
	for _, p := range parts {
		for !works(ctx, p.healthz(a)) {
			select {
			case <-ctx.Done():
				return nil
			case <-time.After(pause):
			}
		}
	}
	return os.WriteFile(filepath.Join(o.dir, readyFile), []byte(version()+"\n"), 0o600)
}

func works(ctx context.Context, url string) bool {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return false
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return false
	}
	answer.Body.Close()
	return answer.StatusCode == http.StatusOK
}

// died says how a part ended that was not told to.
func died(name string, err error, log string) error {
	if err == nil {
		err = errors.New("exit status 0")
	}
	return fmt.Errorf("%s died: %w; the end of %s:\n%s", name, err, log, tail(log))
}
