package testenv

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// noise is text around a canary, without any of it.
const noise = `{"level":"info","msg":"operation ended","revision":"af4a2e0b354c295fb7d7b09fc383159864fb4865"}`

// Ways in which text leaks.
var leaks = map[string]func(string) string{
	"plain":              func(s string) string { return s },
	"first half":         func(s string) string { return s[:len(s)/2] },
	"8 bytes of it":      func(s string) string { return s[11:19] },
	"hex":                func(s string) string { return hex.EncodeToString([]byte(s)) },
	"upper case hex":     func(s string) string { return fmt.Sprintf("%X", s) },
	"an argument":        func(s string) string { return stackOf(s) },
	"hex dump":           func(s string) string { return fmt.Sprintf("% x", s) },
	"go bytes":           func(s string) string { return fmt.Sprint([]byte(s)) },
	"go syntax":          func(s string) string { return fmt.Sprintf("%#v", s) },
	"base64":             func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) },
	"base64 after 1":     func(s string) string { return base64.StdEncoding.EncodeToString([]byte("x" + s)) },
	"base64 after 2":     func(s string) string { return base64.StdEncoding.EncodeToString([]byte("xy" + s)) },
	"base64 within":      func(s string) string { return base64.StdEncoding.EncodeToString([]byte(`{"key":"` + s + `"}`)) },
	"base64 for URLs":    func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte("k=" + s)) },
	"base64 twice":       func(s string) string { return twice(s) },
	"base64 twice after": func(s string) string { return twice("data: " + s) },
	"URL query":          func(s string) string { return "https://x/?" + url.Values{"token": {s}}.Encode() },
	"URL path":           func(s string) string { return "https://x/" + url.PathEscape(s) },
	"JSON":               func(s string) string { return marshal(map[string]string{"k": s}) },
	"JSON in JSON":       func(s string) string { return marshal(marshal(map[string]string{"k": s})) },
	"a part, base64":     func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s[:20])) },
	"a part, in hex":     func(s string) string { return hex.EncodeToString([]byte(s[5:25])) },
}

// stackOf is a real stack of a function that was given 8 bytes of a text as a
// number.
func stackOf(s string) string {
	stack := make([]byte, 4<<10)
	given(binary.LittleEndian.Uint64([]byte(s)[4:]), &stack)
	return string(stack)
}

//go:noinline
func given(word uint64, stack *[]byte) uint64 {
	*stack = (*stack)[:runtime.Stack(*stack, false)]
	return word + 1
}

func twice(s string) string {
	once := base64.StdEncoding.EncodeToString([]byte(s))
	return base64.StdEncoding.EncodeToString([]byte(once))
}

func marshal(v any) string {
	text, _ := json.Marshal(v) // cannot fail for strings and maps of them
	return string(text)
}

func TestCanariesFindEveryForm(t *testing.T) {
	canary, other := NewCanary("the one"), NewCanary("another")
	canaries := NewCanaries(canary, other)
	for name, leak := range leaks {
		t.Run(name, func(t *testing.T) {
			found := canaries.Search("a log", []byte(noise+leak(canary.Text)+noise))
			if len(found) == 0 {
				t.Fatalf("%q is not found as %q", canary.Text, leak(canary.Text))
			}
			for _, f := range found {
				if f.Canary != "the one" || f.Where != "a log" || f.Offset < len(noise) {
					t.Errorf("found %v", f)
				}
				if strings.Contains(f.String(), canary.Text) {
					t.Errorf("the finding shows the canary: %v", f)
				}
			}
		})
	}
}

func TestCanariesFindNothingElse(t *testing.T) {
	canaries := NewCanaries(NewCanary("the one"))
	for range 50 {
		stranger := NewCanary("a stranger").Text
		for name, leak := range leaks {
			if found := canaries.Search("", []byte(noise+leak(stranger)+noise)); len(found) > 0 {
				t.Errorf("%s of an unrelated text: %v", name, found)
			}
		}
	}
	if found := canaries.Search("", nil); found != nil {
		t.Errorf("in nothing: %v", found)
	}
}

func TestCanariesInFiles(t *testing.T) {
	canary := NewCanary("the one")
	canaries := NewCanaries(canary)
	dir := t.TempDir()
	write := func(name, content string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("clean", noise)
	if found, err := canaries.Files(dir); err != nil || len(found) > 0 {
		t.Fatalf("before: %v, %v", found, err)
	}
	write("leak", noise+canary.Text)
	write(hex.EncodeToString([]byte(canary.Text)), "")
	found, err := canaries.Files(dir)
	if err != nil || len(found) != 2 {
		t.Errorf("found %v, %v; want the content of one file and the name of another", found, err)
	}
}

func TestCanariesInProcesses(t *testing.T) {
	canary := NewCanary("the one")
	canaries := NewCanaries(canary)
	for name, cmd := range map[string]*exec.Cmd{
		"clean":       exec.Command("cat", "-"),
		"argument":    exec.Command("cat", "-", canary.Text),
		"environment": exec.Command("cat", "-"),
	} {
		t.Run(name, func(t *testing.T) {
			cmd.Env = []string{"A=b"}
			if name == "environment" {
				cmd.Env = []string{"TOKEN=" + base64.StdEncoding.EncodeToString([]byte(canary.Text))}
			}
			stop := startCat(t, cmd)
			defer stop()
			found, err := canaries.Processes(cmd.Process.Pid)
			if err != nil || (len(found) > 0) != (name != "clean") {
				t.Errorf("found %v, %v", found, err)
			}
		})
	}
}

// startCat runs a cat and waits until it answers: /proc has a command line a
// moment after the program began.
func startCat(t *testing.T, cmd *exec.Cmd) (stop func()) {
	t.Helper()
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := stdin.Write([]byte("!")); err != nil {
		t.Fatal(err)
	}
	if _, err := stdout.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	return func() {
		stdin.Close()
		_ = cmd.Wait() // cat of a file that is not there fails
	}
}

func TestCanariesInDump(t *testing.T) {
	canary := NewCanary("the one")
	canaries := NewCanaries(canary)
	dump := []byte("/registry/configmaps/api/a\nk8s\x00\nclean\n" +
		"/registry/secrets/api/meant\nk8s\x00" + canary.Text + "\n" +
		"/registry/secrets/api/other\nk8s\x00" + canary.Text + "\n")
	for _, tt := range []struct {
		allowed Allowed
		want    int
	}{
		{Allowed{"api/meant": true}, 1},
		{Allowed{"api/meant": true, "api/other": true}, 0},
		{nil, 2},
	} {
		if found := canaries.Dump(dump, tt.allowed); len(found) != tt.want {
			t.Errorf("allowed %v: found %v, want %d", tt.allowed, found, tt.want)
		}
	}
}

func BenchmarkCanaries(b *testing.B) {
	canaries := NewCanaries(NewCanary("a"), NewCanary("b"), NewCanary("c"), NewCanary("d"))
	text := []byte(strings.Repeat(noise, 10_000))
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		canaries.Search("", text)
	}
}
