package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"charm.land/lipgloss/v2"
	"golang.org/x/sync/errgroup"
	"golang.org/x/term"
)

// terminal prints the story. On a terminal the step under way has a line at the
// bottom that counts its time, and there is colour; elsewhere there are plain
// lines only.
type terminal struct {
	out  io.Writer
	live bool

	mu    sync.Mutex // guards all below and the order of output
	steps int        // under way; the bottom line shows the last one begun
	what  string
	since time.Time
	frame int
}

var (
	bold  = lipgloss.NewStyle().Bold(true)
	faint = lipgloss.NewStyle().Faint(true)
	good  = lipgloss.NewStyle().Foreground(lipgloss.Green)
	bad   = lipgloss.NewStyle().Foreground(lipgloss.Red)
)

func newTerminal(out io.Writer) *terminal {
	file, isFile := out.(*os.File)
	live := isFile && term.IsTerminal(int(file.Fd())) && os.Getenv("TERM") != "dumb"
	return &terminal{out: out, live: live}
}

// styled renders text, on a terminal that has not been told to stay plain.
func (t *terminal) styled(style lipgloss.Style, text string) string {
	if !t.live || os.Getenv("NO_COLOR") != "" {
		return text
	}
	return style.Render(text)
}

// title begins a scene.
func (t *terminal) title(format string, args ...any) {
	t.print("\n" + t.styled(bold, fmt.Sprintf(format, args...)))
}

// line tells something that has happened.
func (t *terminal) line(format string, args ...any) {
	t.print("    " + fmt.Sprintf(format, args...))
}

// aside tells something for those who look closely.
func (t *terminal) aside(format string, args ...any) {
	t.print("    " + t.styled(faint, fmt.Sprintf(format, args...)))
}

const eraseLine = "\r\x1b[2K"

func (t *terminal) print(text string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.live && t.steps > 0 {
		fmt.Fprint(t.out, eraseLine)
	}
	fmt.Fprintln(t.out, text)
	t.drawBottom()
}

// step does something that takes time, and says how it went. do returns what is
// worth telling of its outcome.
func (t *terminal) step(what string, do func() (string, error)) error {
	begun := time.Now()
	t.begin(what, begun)
	var outcome string
	var g errgroup.Group
	done := make(chan struct{})
	g.Go(func() (err error) {
		defer close(done)
		outcome, err = do()
		return err
	})
	t.spinUntil(done)
	err := g.Wait()
	t.end()
	took := time.Since(begun).Round(10 * time.Millisecond)
	if err != nil {
		t.print(fmt.Sprintf("  %s %s %s", t.styled(bad, "✗"), what, t.styled(faint, took.String())))
		return fmt.Errorf("%s: %w", what, err)
	}
	if outcome != "" {
		what += ": " + outcome
	}
	t.print(fmt.Sprintf("  %s %s %s", t.styled(good, "✓"), what, t.styled(faint, "("+took.String()+")")))
	return nil
}

func (t *terminal) begin(what string, now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.steps++
	t.what, t.since = what, now
	t.drawBottom()
}

func (t *terminal) end() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.steps--
	if t.live {
		fmt.Fprint(t.out, eraseLine)
	}
}

// spinUntil keeps the bottom line moving.
func (t *terminal) spinUntil(done <-chan struct{}) {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-done:
			return
		case <-tick.C:
			t.mu.Lock()
			t.frame++
			t.drawBottom()
			t.mu.Unlock()
		}
	}
}

var frames = strings.Split("⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏", "")

// drawBottom shows the step under way. The caller holds mu.
func (t *terminal) drawBottom() {
	if !t.live || t.steps == 0 {
		return
	}
	seconds := time.Since(t.since).Truncate(100 * time.Millisecond)
	fmt.Fprintf(t.out, "%s  %s %s %s", eraseLine, frames[t.frame%len(frames)], t.what, t.styled(faint, seconds.String()))
}
