package main

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// With --api-only nothing acts on what is applied; with --discard nothing stays.
func TestAPIOnly(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "cluster")
	c, err := start(dir, "--api-only", "--discard", "--emulate", "1.35")
	if err != nil {
		t.Fatal(err)
	}
	nodes, err := c.CoreV1().Nodes().List(t.Context(), metav1.ListOptions{})
	if err != nil || len(nodes.Items) > 0 {
		t.Errorf("there are nodes: %v, %v", nodes, err)
	}
	version, err := c.Discovery().ServerVersion()
	if err != nil || version.EmulationMinor != "35" {
		t.Errorf("got version %v, %v", version, err)
	}
	c.end(t, syscall.SIGTERM, 0)
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("the directory stays: %v", err)
	}
}

// What is there is not discarded.
func TestDiscardsNothingOfOthers(t *testing.T) {
	dir := t.TempDir()
	c, err := start(dir, "--discard")
	if err == nil {
		c.end(t, syscall.SIGTERM, 0)
	}
	if err == nil || !strings.Contains(err.Error(), "is there already") {
		t.Errorf("got %v", err)
	}
	if _, err := os.Stat(dir); err != nil {
		t.Error(err)
	}
}
