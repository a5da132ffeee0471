package host

import (
	"bytes"
	"context"
	"log/slog"
	"regexp"
	"strings"
	"sync"
	"unicode"
)

const (
	maxLine  = 1 << 10  // bytes of a line that are logged
	maxVoice = 64 << 10 // bytes that one process may have logged
)

// A voice hears what a plugin prints, and logs it at debug: line by line, cut,
// without control characters. Of a panic it keeps where, not what: what it
// prints may be a value of a secret.
type voice struct {
	log *slog.Logger

	mu      sync.Mutex // guards the fields below
	line    []byte
	heard   int
	silent  bool
	dying   bool
	epitaph string
}

func newVoice(log *slog.Logger) *voice { return &voice{log: log} }

// Write never fails, and never blocks for long.
func (v *voice) Write(p []byte) (int, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for rest := p; len(rest) > 0; {
		line, after, whole := bytes.Cut(rest, []byte{'\n'})
		v.line = append(v.line, line[:min(len(line), max(0, maxLine-len(v.line)))]...)
		if whole {
			v.say()
		}
		rest = after
	}
	return len(p), nil
}

func (v *voice) flush() {
	v.mu.Lock()
	defer v.mu.Unlock()
	if len(v.line) > 0 {
		v.say()
	}
}

// say needs v.mu.
func (v *voice) say() {
	line := clean(string(v.line))
	v.line = v.line[:0]
	if line = v.discreet(line); line == "" || v.silent {
		return
	}
	if v.heard += len(line); v.heard > maxVoice {
		v.silent = true
		line = "(it prints too much; the rest is dropped)"
	}
	v.log.LogAttrs(context.Background(), slog.LevelDebug, "plugin says", slog.String("line", line))
}

var (
	frame     = regexp.MustCompile(`^([\w./*()\-]+)\(.*\)$`)
	place     = regexp.MustCompile(`^\s+\S+\.go:\d+`)
	goroutine = regexp.MustCompile(`^goroutine \d+ `)
)

// discreet needs v.mu. It leaves of a panic its kind and its stack, without
// arguments.
func (v *voice) discreet(line string) string {
	switch {
	case strings.HasPrefix(line, "panic: "), strings.HasPrefix(line, "fatal error: "), strings.HasPrefix(line, "runtime: "), strings.HasPrefix(line, "SIG"):
		v.dying = true
		kind := kindOfPanic(line)
		if v.epitaph == "" {
			v.epitaph = kind
		}
		return kind
	case !v.dying:
		return line
	case goroutine.MatchString(line):
		return goroutine.FindString(line)
	case place.MatchString(line):
		return place.FindString(line)
	}
	if m := frame.FindStringSubmatch(line); m != nil {
		return m[1]
	}
	return ""
}

// outOfMemory is how the runtime mostly says so; noMemory, if it is its own that is
// lacking.
const (
	outOfMemory = "fatal error: runtime: out of memory"
	noMemory    = "fatal error: runtime: cannot allocate memory"
)

// kindOfPanic keeps what the runtime itself words, of which no part is a value
// of the program but numbers.
func kindOfPanic(line string) string {
	if strings.HasPrefix(line, noMemory) {
		return outOfMemory
	}
	for _, known := range []string{
		"fatal error: concurrent map", "fatal error: all goroutines are asleep", outOfMemory, "fatal error: out of memory",
		"fatal error: stack overflow", "runtime: out of memory", "runtime: goroutine stack exceeds", "panic: runtime error: index out of range",
		"panic: runtime error: slice bounds out of range", "panic: runtime error: invalid memory address", "panic: runtime error: integer divide by zero",
		"panic: runtime error: makeslice", "panic: assignment to entry in nil map", "panic: runtime error",
	} {
		if strings.HasPrefix(line, known) {
			return known
		}
	}
	word, _, _ := strings.Cut(line, ":")
	if strings.HasPrefix(word, "SIG") {
		return "a signal"
	}
	return word
}

// lastWords says how the process died, as far as it may be said.
func (v *voice) lastWords() string {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.epitaph == "" {
		return ""
	}
	return ", " + v.epitaph
}

// clean drops what could forge a line of a log or move a terminal.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '\t' {
			return ' '
		}
		if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == unicode.ReplacementChar || r == '\u2028' || r == '\u2029' {
			return -1
		}
		return r
	}, s)
}
