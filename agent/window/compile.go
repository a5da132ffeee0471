package window

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/tidelock-io/tidelock/agent/api"
)

const (
	// maxWindows bounds the windows of a project.
	maxWindows = 1000
	// maxWord bounds durations and zone names, in bytes.
	maxWord = 64
)

// A Schedule is the windows of a project, compiled. See Compile.
type Schedule struct{ windows []*window }

// Compile reads spec.syncWindows. The error names the index and the field of everything
// that cannot be read. There is no schedule then, so a caller has to refuse all syncs of
// the project: an unreadable window might be the one that denies.
//
// A schedule may begin with TZ=zone, as Argo CD's may. It stands for timeZone.
func Compile(windows []api.SyncWindow) (*Schedule, error) {
	var c compiler
	path := field.NewPath("spec", "syncWindows")
	if len(windows) > maxWindows {
		return nil, field.TooMany(path, len(windows), maxWindows)
	}
	s := &Schedule{windows: make([]*window, len(windows))}
	for i := range windows {
		s.windows[i] = c.window(i, &windows[i], path.Index(i))
	}
	if err := c.errs.ToAggregate(); err != nil {
		return nil, err
	}
	return s, nil
}

// A compiler collects what is wrong.
type compiler struct{ errs field.ErrorList }

func (c *compiler) check(p *field.Path, text string, err error) {
	if err != nil {
		c.errs = append(c.errs, field.Invalid(p, clip(text), err.Error()))
	}
}

func (c *compiler) window(i int, from *api.SyncWindow, p *field.Path) *window {
	w := &window{index: i, kind: from.Kind, written: from.Duration, manualSync: from.ManualSync, syncOverrun: from.SyncOverrun}
	if w.kind != api.WindowAllow && w.kind != api.WindowDeny {
		c.errs = append(c.errs, field.NotSupported(p.Child("kind"), api.WindowKind(clip(string(w.kind))), []api.WindowKind{api.WindowAllow, api.WindowDeny}))
	}
	w.clock = c.clock(from, p)
	duration, err := parseDuration(from.Duration)
	c.check(p.Child("duration"), from.Duration, err)
	if w.pattern != nil {
		w.setDuration(duration)
	}
	w.selector = c.selector(from, p)
	return w
}

func (c *compiler) clock(from *api.SyncWindow, p *field.Path) clock {
	if len(from.Schedule) > maxSchedule {
		c.check(p.Child("schedule"), from.Schedule, fmt.Errorf("longer than %d bytes", maxSchedule))
		return clock{}
	}
	name, fields := from.TimeZone, strings.Fields(from.Schedule)
	if prefix, ok := zonePrefix(fields); ok {
		fields = fields[1:]
		if name != "" && name != "UTC" && name != prefix {
			c.check(p.Child("schedule"), from.Schedule, errors.New("names another zone than timeZone does"))
		}
		name = prefix
	}
	zone, err := loadZone(name)
	c.check(p.Child("timeZone"), name, err)
	pattern, err := parsePattern(fields)
	c.check(p.Child("schedule"), from.Schedule, err)
	return clock{pattern, zone}
}

func zonePrefix(fields []string) (zone string, ok bool) {
	if len(fields) == 0 {
		return "", false
	}
	if zone, ok = strings.CutPrefix(fields[0], "TZ="); ok {
		return zone, true
	}
	return strings.CutPrefix(fields[0], "CRON_TZ=")
}

// loadZone returns a zone of the IANA database. An empty name is UTC.
func loadZone(name string) (*time.Location, error) {
	if name == "" {
		return time.UTC, nil
	}
	// Local is not of the database, but package time's name for wherever it runs.
	if zone, err := time.LoadLocation(name); err == nil && name != "Local" && len(name) <= maxWord {
		return zone, nil
	}
	return nil, errors.New("not a time zone of the IANA database, such as Europe/Berlin")
}

// parseDuration reads a duration. Like Argo CD it takes one of no length, or less; such a
// window never opens.
func parseDuration(text string) (time.Duration, error) {
	d, err := time.ParseDuration(text)
	if err != nil || len(text) > maxWord {
		return 0, errors.New("must be a duration like 1h30m")
	}
	return d, nil
}

// clip bounds a text of the project for a message.
func clip(text string) string {
	const most = 100
	if len(text) > most {
		return strings.ToValidUTF8(text[:most], "") + "…"
	}
	return text
}
