package main

import (
	"bytes"
	"errors"
	"regexp"
	"strings"
	"testing"
)

// took is how long a step took, which is the machine's affair.
var took = regexp.MustCompile(`\b[0-9.]+m?s\b`)

func TestTerminalPlain(t *testing.T) {
	var out bytes.Buffer
	term := newTerminal(&out)
	term.title("1  A scene")
	if err := term.step("do it", func() (string, error) {
		term.line("something happens")
		return "done", nil
	}); err != nil {
		t.Fatal(err)
	}
	broken := errors.New("broken")
	if err := term.step("do more", func() (string, error) { return "", broken }); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
	want := "\n1  A scene\n    something happens\n  ✓ do it: done (TIME)\n  ✗ do more TIME\n"
	if got := took.ReplaceAllString(out.String(), "TIME"); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// On a terminal the bottom line goes away before anything else is printed.
func TestTerminalLive(t *testing.T) {
	var out bytes.Buffer
	term := &terminal{out: &out, live: true}
	if err := term.step("do it", func() (string, error) {
		term.line("something happens")
		return "", nil
	}); err != nil {
		t.Fatal(err)
	}
	if text := out.String(); !strings.Contains(text, eraseLine+"    something happens\n") {
		t.Errorf("got %q", text)
	}
}
