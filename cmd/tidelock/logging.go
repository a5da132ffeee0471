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

// A logging is how the agent logs: its level may change while it runs.
type logging struct {
	*slog.Logger
	level *slog.LevelVar
	asked atomic.Int64 // level that settings say
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
	l.start(level)
	to := func(clean func([]string, slog.Attr) slog.Attr) slog.Handler {
		options := &slog.HandlerOptions{Level: l.level, ReplaceAttr: clean}
		if format == textFormat {
			return slog.NewTextHandler(os.Stderr, options)
		}
		return slog.NewJSONHandler(os.Stderr, options)
	}
	klog.SetSlogLogger(slog.New(to(known.ForeignAttr)))
	l.Logger = slog.New(to(known.Attr))
	return l
}

// start sets the level that settings say, without a word.
func (l *logging) start(level string) {
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
