package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/hashicorp/go-hclog"
	vaulthttp "github.com/hashicorp/vault/http"
	"github.com/hashicorp/vault/internalshared/configutil"
	"github.com/hashicorp/vault/vault"
	"golang.org/x/sync/errgroup"
)

// readyFile appears, with the address, once Vault can be asked, and goes with it.
const readyFile = "address"

// farewell is how long requests under way may take when Vault is to end.
const farewell = 5 * time.Second

// serve runs Vault until ctx ends.
func serve(ctx context.Context, o options) error {
	if err := os.MkdirAll(o.dir, 0o700); err != nil {
		return err
	}
	ready := filepath.Join(o.dir, readyFile)
	if err := os.Remove(ready); err != nil && !os.IsNotExist(err) {
		return err
	}
	defer os.Remove(ready)
	address, config, err := transport(o)
	if err != nil {
		return err
	}
	log := hclog.New(&hclog.LoggerOptions{Name: "devvault", Level: hclog.Warn, Output: os.Stderr})
	core, err := newCore(o.dir, address, log)
	if err != nil {
		return err
	}
	defer func() { _ = core.Shutdown() }()
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", o.listen)
	if err != nil {
		return err
	}
	if config != nil {
		listener = tls.NewListener(listener, config)
	}
	return answer(ctx, o, address, core, listener)
}

// answer serves requests, and meanwhile makes ready what they ask for.
func answer(ctx context.Context, o options, address string, core *vault.Core, listener net.Listener) error {
	server := &http.Server{
		Handler: vaulthttp.Handler.Handler(&vault.HandlerProperties{
			Core: core, ListenerConfig: &configutil.Listener{Address: o.listen},
		}),
		ReadHeaderTimeout: 10 * time.Second,
	}
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			return err
		}
		return nil
	})
	g.Go(func() error {
		<-ctx.Done()
		ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), farewell)
		defer cancel()
		if err := server.Shutdown(ending); err != nil {
			return server.Close()
		}
		return nil
	})
	g.Go(func() error {
		err := prepare(ctx, o, address)
		if err != nil && ctx.Err() == nil {
			return fmt.Errorf("prepare: %w", err)
		}
		return nil
	})
	return g.Wait()
}
