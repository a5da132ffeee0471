package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/shlex"
)

// documents are what people read first, from the repository's root.
var documents = []string{
	"README.md", "agent/README.md", "cmd/tidelock/README.md", "plugins/README.md", "render/validate/README.md", "secrets/README.md",
	"examples/ci/README.md", "examples/infra-gitops/README.md", "examples/install/README.md", "examples/monitoring/README.md", "examples/notifications/README.md",
}

func pageOf(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestFirstDocument: the first one is short enough to be read.
func TestFirstDocument(t *testing.T) {
	t.Parallel()
	const most = 300
	if n := strings.Count(pageOf(t, "README.md"), "\n"); n > most {
		t.Errorf("README.md has %d lines, more than %d: what is for reference belongs where it is looked up", n, most)
	}
}

var linkTo = regexp.MustCompile(`\]\(([^)#]*)(#[^)]*)?\)`)

// TestDocumentLinks: what a document refers to is there.
func TestDocumentLinks(t *testing.T) {
	t.Parallel()
	for _, name := range documents {
		for _, m := range linkTo.FindAllStringSubmatch(pageOf(t, name), -1) {
			target, anchor := m[1], strings.TrimPrefix(m[2], "#")
			if strings.Contains(target, "://") {
				continue
			}
			at := filepath.Join("..", "..", filepath.Dir(name), target)
			if target == "" {
				at = filepath.Join("..", "..", name)
			}
			if _, err := os.Stat(at); err != nil {
				t.Errorf("%s: %s leads nowhere", name, m[0])
				continue
			}
			if anchor == "" {
				continue
			}
			text, err := os.ReadFile(at)
			if err != nil || !hasHeading(string(text), anchor) {
				t.Errorf("%s: %s has no such heading", name, m[0])
			}
		}
	}
}

// hasHeading says whether a heading has an anchor, as forges make them.
func hasHeading(text, anchor string) bool {
	for line := range strings.Lines(text) {
		title, ok := strings.CutPrefix(strings.TrimLeft(line, "#"), " ")
		if !ok || !strings.HasPrefix(line, "#") {
			continue
		}
		title = regexp.MustCompile(`[^a-z0-9 -]`).ReplaceAllString(strings.ToLower(strings.TrimSpace(title)), "")
		if strings.ReplaceAll(title, " ", "-") == anchor {
			return true
		}
	}
	return false
}

// commandLine finds the command lines of a document: those in blocks, and those
// between back quotes.
var commandLine = regexp.MustCompile("(?m)^    (?:\\$ )?(tidelock [^\n]*)|`(tidelock [^`\n]*)`")

// TestDocumentCommands: each command that a document shows is there, with its flags.
func TestDocumentCommands(t *testing.T) {
	t.Parallel()
	found := 0
	for _, name := range documents {
		for _, m := range commandLine.FindAllStringSubmatch(pageOf(t, name), -1) {
			line := m[1] + m[2]
			words, err := shlex.Split(regexp.MustCompile(`\s(#|\||>|&).*`).ReplaceAllString(line, ""))
			if err != nil {
				t.Errorf("%s: %s: %v", name, line, err)
				continue
			}
			if len(words) > 1 && strings.ToUpper(words[1]) == words[1] {
				continue // it stands for any
			}
			root := newRootCommand()
			cmd, rest, err := root.Find(words[1:])
			if err != nil || cmd == root && len(words) > 1 && !strings.HasPrefix(words[1], "-") {
				t.Errorf("%s: %s: there is no such command: %v", name, line, err)
				continue
			}
			found++
			for _, word := range rest {
				flag, _, _ := strings.Cut(strings.TrimRight(word, ",;."), "=")
				long, isLong := strings.CutPrefix(flag, "--")
				switch {
				case isLong && long != "" && long != "help" && cmd.Flags().Lookup(long) == nil && cmd.InheritedFlags().Lookup(long) == nil:
					t.Errorf("%s: %s: there is no flag --%s", name, line, long)
				case !isLong && len(flag) == 2 && flag[0] == '-' && cmd.Flags().ShorthandLookup(flag[1:]) == nil:
					t.Errorf("%s: %s: there is no flag %s", name, line, flag)
				}
			}
		}
	}
	if found < 80 {
		t.Errorf("there are %d commands: it does not find them", found)
	}
}
