package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/charmbracelet/x/ansi"
	"github.com/creack/pty"
	gogit "github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/config"

	"github.com/tidelock-io/tidelock/cmd/testenv"
)

// TestProgress runs commands on a terminal, while a server keeps them waiting: how far
// they are is told after a second, in one line that fits, and is gone when they tell
// what they found. What is no terminal gets none of it.
func TestProgress(t *testing.T) {
	t.Parallel()
	for _, tt := range sample([]struct {
		args             string
		narrow, progress string // in 9 columns, and in as many as it needs
	}{
		{"render -f argocd/shop.yaml -o name", "0 of 1 …", "0 of 1 rendered"},
		{"validate --fetch --no-cache", "0 of 1 …", "0 of 1 rendered"},
		{"diff HEAD~1..HEAD --no-cache", "0 of 1 …", "0 of 1 looked at"},
		{"affected HEAD~1..HEAD --no-cache", "0 of 1 …", "0 of 1 looked at"},
	}) {
		name, _, _ := strings.Cut(tt.args, " ")
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			work, server := slowRepository(t)
			want := piped(t, work, tt.args)
			if len(want) == 0 {
				t.Fatal("it says nothing at all")
			}
			open := server.hold()
			run := startOn(t, work, tt.args, 9, both)
			run.until(t, func(shown []string) bool { return shown[len(shown)-1] == tt.narrow })
			if took := time.Since(run.began); took < unspoken {
				t.Errorf("it told of its progress after %s", took)
			}
			run.resize(t, 120)
			run.until(t, func(shown []string) bool { return shown[len(shown)-1] == tt.progress })
			open()
			shown := run.end(t)
			if got := sortedLines(shown); !slices.Equal(got, want) {
				t.Errorf("in the end the terminal shows\n%s\nwant\n%s\nit got %q", strings.Join(got, "\n"), strings.Join(want, "\n"), run.raw.String())
			}
		})
	}
	// For longer than progress is awaited, so that it would be there.
	const long = unspoken + 3*spoken
	for _, tt := range []struct {
		name, env             string
		on                    streams
		progress, colours, to bool // to is whether stdout is the terminal
	}{
		{"a terminal", "", both, true, true, true},
		{"without colours", "NO_COLOR=1", both, true, false, true},
		{"a dumb terminal", "TERM=dumb", both, false, false, true},
		{"only the findings on a terminal", "", onlyOut, false, true, true},
		{"only the talk on a terminal", "", onlyTalk, true, false, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			work, server := slowRepository(t)
			open := server.hold()
			time.AfterFunc(long, open)
			run := startOn(t, work, "validate --fetch --no-cache", 120, tt.on, tt.env)
			shown := strings.Join(run.end(t), "\n")
			if got := strings.Contains(run.raw.String(), "0 of 1 rendered"); got && !tt.progress || strings.Contains(shown, "0 of 1") {
				t.Errorf("the terminal got %q", run.raw.String())
			}
			if got := colour.Match(run.raw.Bytes()); got != tt.colours {
				t.Errorf("colours: %t, want %t: %q", got, tt.colours, run.raw.String())
			}
			if got := strings.Contains(shown, "web/bad.yaml"); got != tt.to {
				t.Errorf("findings on the terminal: %t, want %t", got, tt.to)
			}
			if text := run.piped.String(); strings.ContainsAny(text, "\r\x1b") || strings.Contains(text, "0 of 1") || (tt.on == both) != (text == "") {
				t.Errorf("what is no terminal got %q", text)
			}
		})
	}
}

var colour = regexp.MustCompile(`\x1b\[[0-9;]*m`)

// slowRepository has a finding, and an Application of a server that may be held.
func slowRepository(t *testing.T) (work string, server *holding) {
	t.Helper()
	upstream, err := testenv.StartGit(t.Context(), t.TempDir(), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = upstream.Close() })
	repo, err := upstream.Create(t.Context(), "shop")
	if err != nil {
		t.Fatal(err)
	}
	from := t.TempDir()
	putFile(t, filepath.Join(from, "web/config.yaml"), []byte("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web}\n"))
	if err := repo.CopyFS(os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
	if _, err := repo.Push(t.Context(), "all of it"); err != nil {
		t.Fatal(err)
	}
	at, err := url.Parse(repo.URL)
	if err != nil {
		t.Fatal(err)
	}
	server = &holding{to: httputil.NewSingleHostReverseProxy(&url.URL{Scheme: at.Scheme, Host: at.Host})}
	front := httptest.NewServer(server)
	t.Cleanup(front.Close)
	app := "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: shop}\nspec:\n  project: default\n" +
		"  source: {repoURL: " + front.URL + at.Path + ", path: web}\n  destination: {namespace: NAMESPACE, server: https://kubernetes.default.svc}\n"
	work = t.TempDir()
	commitAll(t, work, map[string]string{
		"argocd/shop.yaml": strings.Replace(app, "NAMESPACE", "shop", 1),
		"web/bad.yaml":     "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web_}\n",
	})
	commitAll(t, work, map[string]string{"argocd/shop.yaml": strings.Replace(app, "NAMESPACE", "store", 1)})
	mine, err := gogit.PlainOpen(work)
	if err != nil {
		t.Fatal(err)
	}
	// Without an address of its own it would stand in for the server's.
	if _, err := mine.CreateRemote(&config.RemoteConfig{Name: "origin", URLs: []string{"https://git.example.com/other"}}); err != nil {
		t.Fatal(err)
	}
	return work, server
}

// A holding server answers once it is opened.
type holding struct {
	to http.Handler

	mu   sync.Mutex
	gate chan struct{} // closed when it is open; nil at first, when it is
}

func (h *holding) hold() (open func()) {
	gate := make(chan struct{})
	h.mu.Lock()
	defer h.mu.Unlock()
	h.gate = gate
	return sync.OnceFunc(func() { close(gate) })
}

func (h *holding) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h.mu.Lock()
	gate := h.gate
	h.mu.Unlock()
	if gate != nil {
		select {
		case <-gate:
		case <-r.Context().Done():
			return
		}
	}
	h.to.ServeHTTP(w, r)
}

// command runs tidelock with a cache of its own.
func command(t *testing.T, work, args string, env ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "tidelock", strings.Fields(args)...)
	cmd.Dir = work
	cmd.Env = append(os.Environ(), "TERM=xterm", "NO_COLOR=", "HOME="+t.TempDir(), "XDG_CACHE_HOME="+t.TempDir())
	for _, variable := range env {
		if variable != "" {
			cmd.Env = append(cmd.Env, variable)
		}
	}
	return cmd
}

// piped are the lines that a command prints into pipes, sorted.
func piped(t *testing.T, work, args string) []string {
	t.Helper()
	out, err := command(t, work, args).CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatalf("%v: %s", err, out)
	}
	if bytes.ContainsAny(out, "\r\x1b") || bytes.Contains(out, []byte("0 of 1")) {
		t.Errorf("what is no terminal got %q", out)
	}
	return sortedLines(strings.Split(string(out), "\n"))
}

// sortedLines are those with content: two streams of one terminal have no order.
func sortedLines(lines []string) []string {
	var all []string
	for _, line := range lines {
		if line = strings.TrimRight(line, " "); line != "" {
			all = append(all, line)
		}
	}
	slices.Sort(all)
	return all
}

// Which streams are the terminal.
type streams int

const (
	both streams = iota
	onlyOut
	onlyTalk
)

// A terminalRun is a command on a terminal, and what this got.
type terminalRun struct {
	cmd   *exec.Cmd
	pty   *os.File
	began time.Time
	got   chan []byte
	raw   bytes.Buffer
	piped bytes.Buffer // what the other stream got
}

func startOn(t *testing.T, work, args string, columns uint16, on streams, env ...string) *terminalRun {
	t.Helper()
	r := &terminalRun{cmd: command(t, work, args, env...), got: make(chan []byte)}
	mine, theirs, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = mine.Close() })
	r.pty, r.cmd.Stdout, r.cmd.Stderr = mine, theirs, theirs
	switch on {
	case onlyOut:
		r.cmd.Stderr = &r.piped
	case onlyTalk:
		r.cmd.Stdout = &r.piped
	}
	r.resize(t, columns)
	r.began = time.Now()
	if err := errors.Join(r.cmd.Start(), theirs.Close()); err != nil {
		t.Fatal(err)
	}
	go r.listen()
	return r
}

// listen passes on what the terminal gets, until nobody has it open any more.
func (r *terminalRun) listen() {
	defer close(r.got)
	for {
		chunk := make([]byte, 4096)
		n, err := r.pty.Read(chunk)
		if n > 0 {
			r.got <- chunk[:n]
		}
		if err != nil {
			return
		}
	}
}

func (r *terminalRun) resize(t *testing.T, columns uint16) {
	t.Helper()
	if err := pty.Setsize(r.pty, &pty.Winsize{Rows: 24, Cols: columns}); err != nil {
		t.Fatal(err)
	}
}

// until waits for what the terminal shows.
func (r *terminalRun) until(t *testing.T, met func(shown []string) bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	for !met(shownBy(r.raw.String())) {
		select {
		case chunk, more := <-r.got:
			if r.raw.Write(chunk); !more {
				t.Fatalf("it ended, and the terminal got %q", r.raw.String())
			}
		case <-ctx.Done():
			t.Fatalf("the terminal got %q", r.raw.String())
		}
	}
}

// end is what the terminal shows when the command has ended.
func (r *terminalRun) end(t *testing.T) []string {
	t.Helper()
	for chunk := range r.got {
		r.raw.Write(chunk)
	}
	var exit *exec.ExitError
	if err := r.cmd.Wait(); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return shownBy(r.raw.String())
}

// shownBy is what a terminal of endless width shows of a text: its lines, as they were
// overwritten and wiped.
func shownBy(text string) []string {
	text = colour.ReplaceAllString(text, "")
	shown := []string{""}
	var line []rune
	column := 0
	for text != "" {
		last := len(shown) - 1
		switch {
		case strings.HasPrefix(text, "\x1b[K"):
			line = line[:min(column, len(line))]
			text = text[len("\x1b[K"):]
		case text[0] == '\r':
			column, text = 0, text[1:]
		case text[0] == '\n':
			shown, line, column, text = append(shown, ""), nil, 0, text[1:]
			continue
		default:
			r, size := utf8.DecodeRuneInString(text)
			line = append(line[:min(column, len(line))], append([]rune{r}, line[min(column+1, len(line)):]...)...)
			column, text = column+1, text[size:]
		}
		shown[last] = string(line)
	}
	return shown
}

// A screen tells no more than fits, keeps what stays apart from what does not, and two
// of one terminal are one.
func TestScreen(t *testing.T) {
	t.Setenv("TERM", "xterm")
	for _, tt := range []struct {
		name    string
		columns uint16
		print   func(*screen)
		want    string
	}{
		{"it fits", 20, func(s *screen) { s.state("%d of %d", 1, 2) }, "1 of 2"},
		{"it is cut", 8, func(s *screen) { s.state("0123456789") }, "012345…"},
		{"wide letters", 8, func(s *screen) { s.state("日本語日本語") }, "日本語…"},
		{"of several bytes", 20, func(s *screen) { s.state("ääääääääääääää") }, "ääääääääääääää"},
		{"as it is without a width", 0, func(s *screen) { s.state("%s", strings.Repeat("x", 100)) }, strings.Repeat("x", 78) + "…"},
		{"no escapes of others", 40, func(s *screen) { s.state("a\x1b[2Jb\nc\u009bd") }, "a [2Jb c d"},
		{"the next one", 40, func(s *screen) { s.state("a longer one"); s.state("short") }, "short"},
		{"a line takes its place", 40, func(s *screen) { s.state("a longer one"); s.line("short") }, "short\n"},
		{"a log does", 40, func(s *screen) {
			s.state("a longer one")
			_, _ = io.WriteString(newScreen(s), "warning\n")
			s.state("b")
		}, "warning\nb"},
		{"a table does", 40, func(s *screen) { s.state("a longer one"); s.table([][]string{{"A", "B"}, {"1", "2"}}) }, "A  B\n1  2\n"},
		{"it is cleared", 40, func(s *screen) { s.state("a longer one"); s.clear() }, ""},
		{"a walk that has just begun", 40, func(s *screen) { s.seen(500) }, ""},
		{"a walk that takes long", 40, func(s *screen) { s.since = s.since.Add(-2 * unspoken); s.seen(500); s.seen(501) }, "500 files"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			mine, theirs, err := pty.Open()
			if err != nil {
				t.Fatal(err)
			}
			defer mine.Close()
			if err := pty.Setsize(mine, &pty.Winsize{Rows: 24, Cols: tt.columns}); err != nil {
				t.Fatal(err)
			}
			s := newScreen(theirs)
			tt.print(s)
			const end = "\x00"
			if _, err := io.WriteString(theirs, end); err != nil {
				t.Fatal(err)
			}
			var raw bytes.Buffer
			for chunk := make([]byte, 4096); !bytes.HasSuffix(raw.Bytes(), []byte(end)); {
				n, err := mine.Read(chunk)
				if raw.Write(chunk[:n]); err != nil {
					t.Fatal(err)
				}
			}
			_ = theirs.Close()
			got := strings.Join(shownBy(strings.TrimSuffix(raw.String(), end)), "\n")
			if got != tt.want {
				t.Errorf("it shows %q, want %q; it got %q", got, tt.want, raw.String())
			}
			for line := range strings.Lines(got) {
				if width := ansi.StringWidth(line); tt.columns > 0 && width >= int(tt.columns) {
					t.Errorf("%q has %d columns, of %d", line, width, tt.columns)
				}
			}
		})
	}
}
