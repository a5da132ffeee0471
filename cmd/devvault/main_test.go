package main

import (
	"context"
	"encoding/json"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/vault/api"
	"golang.org/x/sync/errgroup"
)

// started runs a Vault until stop is called, and returns a client with the root
// token.
func started(t *testing.T, o options) (client *api.Client, stop func()) {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	o.listen = listener.Addr().String()
	listener.Close()
	ctx, cancel := context.WithCancel(t.Context())
	var g errgroup.Group
	g.Go(func() error { return serve(ctx, o) })
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		if address, err := os.ReadFile(filepath.Join(o.dir, readyFile)); err == nil {
			if client, err = dial(o, string(address)); err != nil {
				t.Fatal(err)
			}
			break
		}
		select {
		case <-tick.C:
		case <-t.Context().Done():
			t.Fatal("it is never ready")
		}
	}
	text, err := os.ReadFile(filepath.Join(o.dir, keysFile))
	if err != nil {
		t.Fatal(err)
	}
	var k keys
	if err := json.Unmarshal(text, &k); err != nil {
		t.Fatal(err)
	}
	client.SetToken(k.RootToken)
	return client, func() {
		t.Helper()
		cancel()
		if err := g.Wait(); err != nil {
			t.Error(err)
		}
	}
}

// TestAgain: what was stored is there after another start, sealed or not, and
// what was asked is in the audit log.
func TestAgain(t *testing.T) {
	ctx, o := t.Context(), options{dir: t.TempDir(), tls: true}
	client, stop := started(t, o)
	for _, path := range []string{"transit/keys/sops", "auth/approle/role/web", "auth/kubernetes/role/web"} {
		if _, err := client.Logical().WriteWithContext(ctx, path, map[string]any{
			"bound_service_account_names": "web", "bound_service_account_namespaces": "web",
		}); err != nil {
			t.Errorf("%s: %v", path, err)
		}
	}
	if _, err := client.KVv2("secret").Put(ctx, "shop", map[string]any{"user": "anna"}); err != nil {
		t.Fatal(err)
	}
	stop()

	o.sealed = true
	client, stop = started(t, o)
	defer stop()
	if _, err := client.KVv2("secret").Get(ctx, "shop"); err == nil || !strings.Contains(err.Error(), "sealed") {
		t.Errorf("sealed, it answers %v", err)
	}
	k := read(t, filepath.Join(o.dir, keysFile))
	var secrets keys
	if err := json.Unmarshal([]byte(k), &secrets); err != nil {
		t.Fatal(err)
	}
	if _, err := client.Sys().UnsealWithContext(ctx, secrets.UnsealKey); err != nil {
		t.Fatal(err)
	}
	secret, err := client.KVv2("secret").Get(ctx, "shop")
	if err != nil || secret.Data["user"] != "anna" {
		t.Errorf("after another start: %v, %v", secret, err)
	}
	if log := read(t, filepath.Join(o.dir, auditFile)); !strings.Contains(log, `"secret/data/shop"`) || strings.Contains(log, "anna") {
		t.Error("the audit log names no path, or a value")
	}
}

// TestUsage: mistakes on the command line are told from failures.
func TestUsage(t *testing.T) {
	for _, tt := range []struct {
		args string
		want int
	}{
		{"--help", exitOK},
		{"", exitUsage},
		{"--dir /tmp", exitUsage},
		{"--dir /tmp --listen :1 more", exitUsage},
		{"--port 1", exitUsage},
		{"--dir /dev/null/x --listen 127.0.0.1:1", exitFailed},
	} {
		if got := run(t.Context(), strings.Fields(tt.args)); got != tt.want {
			t.Errorf("devvault %s: exit status %d, want %d", tt.args, got, tt.want)
		}
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
