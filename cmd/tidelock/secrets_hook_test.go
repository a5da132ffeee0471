package main

import (
	"os"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

// The hooks for pre-commit call what is there.
func TestPreCommitHooks(t *testing.T) {
	text, err := os.ReadFile("../../.pre-commit-hooks.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var hooks []struct{ ID, Name, Entry, Language string }
	if err := yaml.Unmarshal(text, &hooks); err != nil || len(hooks) == 0 {
		t.Fatalf("%d hooks, %v", len(hooks), err)
	}
	for _, hook := range hooks {
		words := strings.Fields(hook.Entry)
		if hook.ID == "" || hook.Name == "" || hook.Language == "" || len(words) == 0 || words[0] != "tidelock" {
			t.Fatalf("hook %+v", hook)
		}
		cmd, args, err := newRootCommand().Find(words[1:])
		if err != nil || (cmd.Name() != "scan" && cmd.Name() != "validate") {
			t.Fatalf("%s: %v, %v", hook.Entry, cmd.CommandPath(), err)
		}
		if err := cmd.ParseFlags(args); err != nil || cmd.Flags().NArg() > 0 {
			t.Errorf("%s: %v", hook.Entry, err)
		}
	}
}
