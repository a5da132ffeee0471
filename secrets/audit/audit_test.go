package audit

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"
)

func TestUse(t *testing.T) {
	var told []Event
	ctx := With(t.Context(), func(e Event) { told = append(told, e) })
	within, use := Begin(ctx, Event{Application: "shop", Kind: SOPS, What: "web/db.yaml"})
	Key(within, "age1b")
	Key(within, "age1a")
	Key(within, "age1b")
	Key(within, "")
	Key(ctx, "of no use")
	use.End(ctx, "v1", nil)
	want := Event{Application: "shop", Kind: SOPS, What: "web/db.yaml", Keys: []string{"age1a", "age1b"}, Version: "v1"}
	if len(told) != 1 || fmt.Sprint(told[0]) != fmt.Sprint(want) {
		t.Errorf("told %v, want %v", told, want)
	}
	_, use = Begin(t.Context(), Event{})
	use.End(t.Context(), "", nil) // nobody listens
	called, cancel := context.WithCancel(ctx)
	_, use = Begin(called, Event{})
	cancel()
	if use.End(called, "", errors.New("called off")); len(told) != 1 {
		t.Error("what was called off is told of")
	}
}

// The log says once an hour what stays the same, and at once what changed; the
// count is of all.
func TestTrail(t *testing.T) {
	var log bytes.Buffer
	now := time.Unix(1e9, 0)
	counted, said := map[string]int{}, 0
	gone := ""
	trail := &Trail{
		Log: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey || a.Key == slog.LevelKey {
				return slog.Attr{}
			}
			return a
		}})),
		Count: func(e Event) { counted[e.Application]++ },
		Say:   func(Event) { said++ },
		Gone:  func(app string) { gone = app },
		Now:   func() time.Time { return now },
	}
	file := Event{Application: "shop", Kind: SOPS, What: "web/db.yaml", Keys: []string{"age1a"}, Version: "1"}
	steps := []struct {
		name  string
		event func(*Event)
		after time.Duration
		want  string
	}{
		{"the first time", func(*Event) {}, 0, `msg="secret opened" application=shop kind=sops what=web/db.yaml keys=age1a`},
		{"again", func(*Event) {}, time.Minute, ""},
		{"and again", func(*Event) {}, time.Minute, ""},
		{"of another content", func(e *Event) { e.Version = "2" }, 0, `msg="secret opened" application=shop kind=sops what=web/db.yaml keys=age1a repeated=2`},
		{"with another key", func(e *Event) { e.Version, e.Keys = "2", []string{"age1b"} }, 0, `msg="secret opened" application=shop kind=sops what=web/db.yaml keys=age1b`},
		{"in vain", func(e *Event) { e.Keys, e.Err = nil, errors.New("no key") }, 0, `msg="secret not opened" application=shop kind=sops what=web/db.yaml error="no key"`},
		{"in vain again", func(e *Event) { e.Keys, e.Err = nil, errors.New("no key") }, 59 * time.Minute, ""},
		{"an hour later", func(e *Event) { e.Keys, e.Err = nil, errors.New("no key") }, time.Minute, `msg="secret not opened" application=shop kind=sops what=web/db.yaml repeated=1 error="no key"`},
		{"another object", func(e *Event) { e.Kind, e.What, e.Stores, e.Keys = External, "db", []string{"SecretStore vault"}, nil }, 0, `msg="secret opened" application=shop kind=external-secret what=db stores="SecretStore vault"`},
		{"of another application", func(e *Event) { e.Application = "blog" }, 0, `msg="secret opened" application=blog kind=sops what=web/db.yaml keys=age1a`},
	}
	lines := 0
	for _, step := range steps {
		now = now.Add(step.after)
		e := file
		step.event(&e)
		log.Reset()
		trail.Record(e)
		got := strings.TrimSpace(log.String())
		if got != step.want {
			t.Errorf("%s: logged %s, want %s", step.name, got, step.want)
		}
		if got != "" {
			lines++
		}
	}
	if said != lines {
		t.Errorf("%d were said elsewhere, %d in the log", said, lines)
	}
	if counted["shop"] != 9 || counted["blog"] != 1 {
		t.Errorf("counted %v", counted)
	}
	trail.Forget("shop")
	if gone != "shop" || len(trail.said) != 1 {
		t.Errorf("after Forget: gone %q, %d said", gone, len(trail.said))
	}
}

func TestTrailIsBounded(t *testing.T) {
	trail := &Trail{Log: slog.New(slog.DiscardHandler), Count: func(Event) {}, Now: func() time.Time { return time.Time{} }}
	for i := range maxSaid + 10 {
		trail.Record(Event{What: fmt.Sprint(i)})
	}
	if len(trail.said) > maxSaid {
		t.Errorf("%d are remembered", len(trail.said))
	}
}
