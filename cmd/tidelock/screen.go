package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"text/tabwriter"
	"time"
	"unicode"

	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/x/ansi"
	"github.com/spf13/cobra"
	"golang.org/x/term"
	"sigs.k8s.io/yaml"
)

// A screen prints for people: in colour, and with lines that change in place, if
// it is a terminal. It is safe for concurrent use.
type screen struct {
	out     io.Writer
	live    bool
	colours bool
	since   time.Time // when the work began that it tells of

	mu      sync.Mutex
	pending bool // the last line may be overwritten; guarded by mu
}

// newScreen returns what it is given, if that is one: two of one terminal would not
// know of each other's lines.
func newScreen(out io.Writer) *screen {
	if s, ok := out.(*screen); ok {
		return s
	}
	file, isFile := out.(*os.File)
	live := isFile && term.IsTerminal(int(file.Fd())) && os.Getenv("TERM") != "dumb"
	return &screen{out: out, live: live, colours: live && os.Getenv("NO_COLOR") == "", since: time.Now()}
}

// Write prints what stays, such as a line of a log.
func (s *screen) Write(text []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.wipe()
	return s.out.Write(text)
}

// line prints a line that stays.
func (s *screen) line(format string, args ...any) { fmt.Fprintf(s, format+"\n", args...) }

// state prints a line that the next one overwrites. What is no terminal gets
// nothing, for it would get too much.
func (s *screen) state(format string, args ...any) {
	if !s.live {
		return
	}
	text := ansi.Truncate(oneLine(fmt.Sprintf(format, args...)), s.width()-1, "…")
	s.mu.Lock()
	defer s.mu.Unlock()
	s.wipe()
	fmt.Fprint(s.out, text)
	s.pending = true
}

// width is how many columns a terminal has, as far as it says.
func (s *screen) width() int {
	if width, _, err := term.GetSize(int(s.out.(*os.File).Fd())); err == nil && width > 0 {
		return width
	}
	const usual = 80
	return usual
}

func (s *screen) clear() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.wipe()
}

// wipe takes away the line that is to be overwritten. The caller holds s.mu.
func (s *screen) wipe() {
	if s.pending {
		fmt.Fprint(s.out, "\r\x1b[K")
		s.pending = false
	}
}

var colours = map[string]lipgloss.Style{
	"good":  lipgloss.NewStyle().Foreground(lipgloss.Green),
	"bad":   lipgloss.NewStyle().Foreground(lipgloss.Red),
	"busy":  lipgloss.NewStyle().Foreground(lipgloss.Yellow),
	"head":  lipgloss.NewStyle().Bold(true),
	"mark":  lipgloss.NewStyle().Foreground(lipgloss.Cyan),
	"aside": lipgloss.NewStyle().Faint(true),
}

// moods of the words that statuses have.
var moods = map[string]string{
	"Synced": "good", "Healthy": "good", "Succeeded": "good", "Pruned": "good",
	"OutOfSync": "busy", "Progressing": "busy", "Running": "busy", "Suspended": "busy", "Missing": "busy", "PruneSkipped": "busy",
	"Degraded": "bad", "Failed": "bad", "Error": "bad", "Unknown": "bad", "SyncFailed": "bad",
}

// tint colours a status.
func (s *screen) tint(word string) string {
	mood, known := moods[word]
	if !s.colours || !known {
		return word
	}
	return colours[mood].Render(word)
}

// paint colours a text by its part in what is printed.
func (s *screen) paint(part, text string) string {
	if !s.colours {
		return text
	}
	return colours[part].Render(text)
}

// colour sets whether there are colours: always, never, or auto.
func (s *screen) colour(when string) *screen {
	if when != "auto" {
		s.colours = when == "always"
	}
	return s
}

// addColourFlag adds --color, for pagers that show colours.
func addColourFlag(cmd *cobra.Command, when *string) {
	cmd.Flags().StringVar(when, "color", "auto", "auto, always or never; auto is on a terminal")
	_ = cmd.RegisterFlagCompletionFunc("color", completeOutputs("auto", "always", "never")) // fails only for a flag that is not there
}

func checkColour(when string) error {
	if when != "auto" && when != "always" && when != "never" {
		return fmt.Errorf("--color %s: give auto, always or never", when)
	}
	return nil
}

// table prints rows in columns. The first is the heading. Colours come last,
// since a tab writer would count them.
func (s *screen) table(rows [][]string) {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 8, 2, ' ', 0)
	for _, row := range rows {
		fmt.Fprintln(w, strings.Join(row, "\t"))
	}
	_ = w.Flush()
	for line := range strings.Lines(b.String()) {
		text := strings.TrimRight(line, " \n")
		if s.colours {
			text = s.tintWords(text)
		}
		fmt.Fprintln(s, text)
	}
}

func (s *screen) tintWords(line string) string {
	words := strings.SplitAfter(line, " ")
	for i, word := range words {
		bare := strings.TrimSpace(word)
		words[i] = strings.Replace(word, bare, s.tint(bare), 1)
	}
	return strings.Join(words, "")
}

// encode prints a value for programs.
func encode(out io.Writer, format string, value any) error {
	var text []byte
	var err error
	switch format {
	case "json":
		text, err = json.MarshalIndent(value, "", "  ")
		text = append(text, '\n')
	default:
		text, err = yaml.Marshal(value)
	}
	if err != nil {
		return fmt.Errorf("print: %w", err)
	}
	_, err = out.Write(text)
	return err
}

// age prints how long ago something was, as kubectl does.
func age(since, now time.Time) string {
	d := now.Sub(since)
	switch {
	case since.IsZero():
		return "-"
	case d < time.Minute:
		return fmt.Sprintf("%ds", max(0, int(d.Seconds())))
	case d < time.Hour:
		return fmt.Sprintf("%dm", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%dh", int(d.Hours()))
	}
	return fmt.Sprintf("%dd", int(d.Hours())/24)
}

// oneLine keeps a message of many lines, or of strangers, from breaking a table.
func oneLine(message string) string {
	return strings.Join(strings.FieldsFunc(message, unicode.IsControl), " ")
}

func orDash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}
