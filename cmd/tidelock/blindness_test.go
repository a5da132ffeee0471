package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tidelock-io/tidelock/agent/traffic"
)

// TestBlindness: that nothing is told of what the agent works by is told after a while,
// whatever else answers, and no more once it is listed again.
func TestBlindness(t *testing.T) {
	t.Parallel()
	begun := time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)
	ask := func(verb, resource, namespace string, code int) traffic.Request {
		return traffic.Request{Verb: verb, Resource: resource, Namespace: namespace, Code: code}
	}
	forbidden := ask("Watch", "applications", "argocd", 403)
	for _, tt := range []struct {
		name     string
		requests []traffic.Request
		want     string
	}{
		{"nothing", nil, ""},
		{"all is well", []traffic.Request{ask("Watch", "applications", "argocd", 200)}, ""},
		{"forbidden", []traffic.Request{forbidden, ask("Patch", "applications", "argocd", 200), ask("Watch", "secrets", "argocd", 200)}, "applications"},
		{"forbidden everywhere", []traffic.Request{ask("List", "applications", "", 403), ask("List", "secrets", "argocd", 403)}, "applications, secrets"},
		{"mended", []traffic.Request{forbidden, ask("List", "applications", "argocd", 200)}, ""},
		{"too old", []traffic.Request{ask("Watch", "appprojects", "argocd", 410)}, ""},
		{"too old, and then forbidden", []traffic.Request{ask("Watch", "appprojects", "argocd", 410), ask("List", "appprojects", "argocd", 403)}, "appprojects"},
		{"no answer", []traffic.Request{ask("Watch", "applicationsets", "argocd", 0)}, "applicationsets"},
		{"Secrets of somebody", []traffic.Request{ask("List", "secrets", "shop", 403)}, ""},
		{"one Application", []traffic.Request{ask("Get", "applications", "argocd", 404)}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := &blindness{}
			for i, r := range tt.requests {
				b.note(r, "argocd", begun.Add(time.Duration(i)*time.Second))
			}
			if got := b.wrong(begun.Add(30 * time.Second)); got != "" {
				t.Errorf("too soon: %s", got)
			}
			got := b.wrong(begun.Add(2 * time.Minute))
			if got != "" != (tt.want != "") || !strings.Contains(got, "of "+tt.want+" any more") && tt.want != "" {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// TestCacheWrong: a cache that cannot be written to is told, and nothing stays in one that
// can be.
func TestCacheWrong(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if got := cacheWrong(dir); got != "" {
		t.Errorf("got %q", got)
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) > 0 {
		t.Errorf("%v is left, %v", left, err)
	}
	if got := cacheWrong(filepath.Join(dir, "gone")); got != "--cache-dir cannot be written to" {
		t.Errorf("got %q", got)
	}
}
