package main

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// play runs the demo and returns what it printed and the state at its end.
func play(t *testing.T, o options) (output, state string) {
	t.Helper()
	o.dir = filepath.Join(t.TempDir(), "d")
	o.state = filepath.Join(t.TempDir(), "state")
	var out bytes.Buffer
	if err := run(t.Context(), o, newTerminal(&out)); err != nil {
		t.Fatalf("%v\n%s", err, &out)
	}
	text, err := os.ReadFile(o.state)
	if err != nil {
		t.Fatal(err)
	}
	return out.String(), string(text)
}

// The demo passes as it is, and ends in the same state when the agent is killed
// again and again.
func TestDemo(t *testing.T) {
	output, calm := play(t, options{})
	for _, told := range []string{
		"  ✓ check the order of api-staging: wave -1: 1, wave 0: 7, wave 1: 1",
		" from push to applied",
		" after the change",
		" from push to pruned",
		"  ✓ a dump of etcd: clean",
	} {
		if !strings.Contains(output, told) {
			t.Errorf("the demo does not tell %q:\n%s", told, output)
		}
	}
	if strings.ContainsAny(output, "\x1b\r") {
		t.Errorf("escape sequences, though the output is no terminal:\n%q", output)
	}
	output, stormy := play(t, options{kill: true})
	if kills := regexp.MustCompile(`the agent was killed [1-9]`); !kills.MatchString(output) {
		t.Errorf("the agent was never killed:\n%s", output)
	}
	if calm != stormy {
		t.Errorf("without kills the state is\n%s\nwith kills\n%s\n%s", calm, stormy, output)
	}
}
