package simtest

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"
)

// A story is what happened, line by line, at virtual times. Lines are worded
// when somebody reads them, which is seldom.
type story struct {
	begun time.Time

	mu    sync.Mutex // guards lines
	lines []line
}

type line struct {
	at     time.Time
	who    string
	format string
	args   []any
}

func newStory() *story { return &story{begun: time.Now()} }

func (s *story) tell(who, format string, args ...any) {
	now := time.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lines = append(s.lines, line{now, who, format, args})
}

// String is the whole story.
func (s *story) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var b strings.Builder
	for _, l := range s.lines {
		fmt.Fprintf(&b, "%10.3f  %-8s %s\n", l.at.Sub(s.begun).Seconds(), l.who, fmt.Sprintf(l.format, l.args...))
	}
	return b.String()
}

// A logger makes lines of a story of what the engine logs.
type logger struct {
	story *story
	attrs []slog.Attr
}

func (l *logger) Enabled(_ context.Context, level slog.Level) bool { return level >= slog.LevelInfo }

func (l *logger) Handle(_ context.Context, r slog.Record) error {
	attrs := append([]slog.Attr{}, l.attrs...)
	r.Attrs(func(a slog.Attr) bool {
		attrs = append(attrs, a)
		return true
	})
	l.story.tell("log", "%s %v", r.Message, attrs)
	return nil
}

func (l *logger) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &logger{l.story, append(append([]slog.Attr{}, l.attrs...), attrs...)}
}

func (l *logger) WithGroup(string) slog.Handler { return l }
