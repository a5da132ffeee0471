package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"sync/atomic"
	"syscall"

	"github.com/tidelock-io/tidelock/secrets/leak"
	"k8s.io/klog/v2"
)

// A logging is how the agent logs: its level and its format may change while it runs.
type logging struct {
	*slog.Logger
	level *slog.LevelVar
	asked atomic.Int64 // level that settings say
	plain atomic.Bool  // text, and no JSON
}

// The formats of the log.
const (
	jsonFormat = "json"
	textFormat = "text"
)

// newLogging logs to stderr, and makes client-go log there too. Neither says what is
// known to be secret.
func newLogging(level, format string, known *leak.Known) *logging {
	l := &logging{level: &slog.LevelVar{}}
	l.start(level, format)
	to := func(clean func([]string, slog.Attr) slog.Attr) slog.Handler {
		options := &slog.HandlerOptions{Level: l.level, ReplaceAttr: clean}
		return formats{&l.plain, slog.NewTextHandler(os.Stderr, options), slog.NewJSONHandler(os.Stderr, options)}
	}
	klog.SetSlogLogger(slog.New(to(known.ForeignAttr)))
	l.Logger = slog.New(to(known.Attr))
	return l
}

// start sets the level and the format that settings say, without a word.
func (l *logging) start(level, format string) {
	l.plain.Store(format == textFormat)
	parsed, _ := parseLevel(level) // see check
	l.asked.Store(int64(parsed))
	l.level.Set(parsed)
}

// parseLevel takes Argo CD's names, too.
func parseLevel(text string) (slog.Level, error) {
	switch strings.ToLower(strings.TrimSpace(text)) {
	case "trace", "debug":
		return slog.LevelDebug, nil
	case "info":
		return slog.LevelInfo, nil
	case "warn", "warning":
		return slog.LevelWarn, nil
	case "error", "fatal", "panic":
		return slog.LevelError, nil
	}
	return 0, fmt.Errorf("%.40q is none of debug, info, warn and error", text)
}

// set changes the level, and says so whatever the level is.
func (l *logging) set(level slog.Level, because string) {
	if was := l.level.Level(); was == level {
		return
	}
	l.level.Set(min(level, slog.LevelInfo))
	l.Info("the log has another level", "level", level.String(), "because", because)
	l.level.Set(level)
}

// heed changes between debug and what is set at SIGUSR1, until ctx ends.
func (l *logging) heed(ctx context.Context) error {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGUSR1)
	defer signal.Stop(signals)
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-signals:
			next := slog.LevelDebug
			if l.level.Level() == slog.LevelDebug {
				next = max(slog.Level(l.asked.Load()), slog.LevelInfo)
			}
			l.set(next, "SIGUSR1")
		}
	}
}

// formats are two handlers, of which one is asked at a time.
type formats struct {
	plain      *atomic.Bool
	text, json slog.Handler
}

func (f formats) now() slog.Handler {
	if f.plain.Load() {
		return f.text
	}
	return f.json
}

// Enabled, Handle, WithAttrs and WithGroup make it a slog.Handler.
func (f formats) Enabled(ctx context.Context, level slog.Level) bool {
	return f.now().Enabled(ctx, level)
}

func (f formats) Handle(ctx context.Context, r slog.Record) error { return f.now().Handle(ctx, r) }

func (f formats) WithAttrs(attrs []slog.Attr) slog.Handler {
	return formats{f.plain, f.text.WithAttrs(attrs), f.json.WithAttrs(attrs)}
}

func (f formats) WithGroup(name string) slog.Handler {
	return formats{f.plain, f.text.WithGroup(name), f.json.WithGroup(name)}
}
