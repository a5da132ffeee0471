package window

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// The windows of these tests, by name: all in UTC, on 2026-06-01, a Monday.
var named = map[string]string{
	"deny":                "{kind: deny, schedule: 0 8 * * *, duration: 4h}",
	"deny-late":           "{kind: deny, schedule: 0 10 * * *, duration: 4h}",
	"deny-manual":         "{kind: deny, schedule: 0 8 * * *, duration: 4h, manualSync: true}",
	"deny-late-manual":    "{kind: deny, schedule: 0 10 * * *, duration: 4h, manualSync: true}",
	"deny-overrun":        "{kind: deny, schedule: 0 8 * * *, duration: 4h, syncOverrun: true}",
	"deny-late-overrun":   "{kind: deny, schedule: 0 10 * * *, duration: 4h, syncOverrun: true}",
	"deny-always":         "{kind: deny, schedule: '* * * * *', duration: 1h}",
	"deny-never":          "{kind: deny, schedule: 0 0 30 2 *, duration: 1h}",
	"deny-leap":           "{kind: deny, schedule: 0 0 29 2 *, duration: 24h}",
	"deny-june":           "{kind: deny, schedule: '* * * 6 *', duration: 1m}",
	"allow":               "{kind: allow, schedule: 0 9 * * *, duration: 2h}",
	"allow-then":          "{kind: allow, schedule: 0 11 * * *, duration: 2h}",
	"allow-manual":        "{kind: allow, schedule: 0 9 * * *, duration: 2h, manualSync: true}",
	"allow-then-manual":   "{kind: allow, schedule: 0 11 * * *, duration: 2h, manualSync: true}",
	"allow-overrun":       "{kind: allow, schedule: 0 9 * * *, duration: 2h, syncOverrun: true}",
	"allow-empty":         "{kind: allow, schedule: 0 9 * * *, duration: 0s}",
	"allow-often":         "{kind: allow, schedule: '*/20 * * * *', duration: 10m}",
	"allow-even":          "{kind: allow, schedule: '0 */2 * * *', duration: 1h}",
	"allow-odd":           "{kind: allow, schedule: '0 1-23/2 * * *', duration: 1h}",
	"deny-all-of-january": "{kind: deny, schedule: 0 0 1 1 *, duration: 744h}",
}

func ofNames(t testing.TB, names string) *Windows {
	var list []string
	for name := range strings.FieldsSeq(names) {
		if named[name] == "" {
			t.Fatalf("no window is called %s", name)
		}
		list = append(list, named[name])
	}
	return compiled(t, "["+strings.Join(list, ", ")+"]")
}

func TestAt(t *testing.T) {
	for _, tt := range []struct{ name, windows, at, automated, manual string }{
		{"2.5 algebra: no window allows", "", "07:00",
			"allowed: no sync window matches", "allowed: no sync window matches"},
		{"2.5 algebra: only inactive denies allow", "deny", "07:00",
			"allowed until 08:00: no deny window is open", "allowed until 08:00: no deny window is open"},
		{"as a deny opens", "deny", "08:00",
			`denied until 12:00: deny "0 8 * * *" 4h UTC is open`, `denied until 12:00: deny "0 8 * * *" 4h UTC is open`},
		{"as a deny closes", "deny", "12:00",
			"allowed until +1 08:00: no deny window is open", "allowed until +1 08:00: no deny window is open"},
		{"the deny that closes last decides", "deny deny-late", "11:00",
			`denied until 14:00: deny "0 10 * * *" 4h UTC is open`, `denied until 14:00: deny "0 10 * * *" 4h UTC is open`},
		{"denies that follow one another", "deny deny-late", "09:00",
			`denied until 14:00: deny "0 8 * * *" 4h UTC is open`, `denied until 14:00: deny "0 8 * * *" 4h UTC is open`},
		{"2.5 manualSync: of all active denies lets people sync", "deny-manual", "09:00",
			`denied until 12:00: deny "0 8 * * *" 4h UTC is open`, `allowed: deny "0 8 * * *" 4h UTC is open, but lets people sync`},
		{"2.5 manualSync: of one deny of two does not", "deny-manual deny-late", "11:00",
			`denied until 14:00: deny "0 10 * * *" 4h UTC is open`, `denied until 14:00: deny "0 10 * * *" 4h UTC is open`},
		{"people wait for the deny without manualSync only", "deny deny-late-manual", "11:00",
			`denied until 14:00: deny "0 10 * * *" 4h UTC is open`, `denied until 12:00: deny "0 8 * * *" 4h UTC is open`},
		{"2.5 algebra: an active allow allows", "allow", "10:00",
			`allowed until 11:00: allow "0 9 * * *" 2h UTC is open`, `allowed until 11:00: allow "0 9 * * *" 2h UTC is open`},
		{"2.5 algebra: an inactive allow denies", "allow", "11:00",
			`denied until +1 09:00: allow "0 9 * * *" 2h UTC is closed`, `denied until +1 09:00: allow "0 9 * * *" 2h UTC is closed`},
		{"allows that follow one another", "allow allow-then", "10:00",
			`allowed until 13:00: allow "0 9 * * *" 2h UTC is open`, `allowed until 13:00: allow "0 9 * * *" 2h UTC is open`},
		{"allows that take turns for ever", "allow-even allow-odd", "00:30",
			`allowed: allow "0 */2 * * *" 1h UTC is open`, `allowed: allow "0 */2 * * *" 1h UTC is open`},
		{"2.5 manualSync: of all inactive allows lets people sync", "allow-manual", "08:00",
			`denied until 09:00: allow "0 9 * * *" 2h UTC is closed`, `allowed: allow "0 9 * * *" 2h UTC is closed, but lets people sync`},
		{"only one of two closed allows has manualSync", "allow-manual allow-then", "08:00",
			`denied until 09:00: allow "0 9 * * *" 2h UTC is closed`, `denied until 09:00: allow "0 9 * * *" 2h UTC is closed`},
		{"2.5 algebra: an active deny denies", "deny allow", "09:30",
			`denied: deny "0 8 * * *" 4h UTC is open`, `denied: deny "0 8 * * *" 4h UTC is open`},
		{"2.15 fact 24: manualSync on an active deny bypasses a closed allow", "deny-manual allow-then", "07:00",
			`denied until 12:00: allow "0 11 * * *" 2h UTC is closed`, `denied until 08:00: allow "0 11 * * *" 2h UTC is closed`},
		{"and that ends with it", "deny-manual allow-manual allow", "10:30",
			`denied: deny "0 8 * * *" 4h UTC is open`, `allowed until 12:00: deny "0 8 * * *" 4h UTC is open, but lets people sync`},
		{"a deny that is always open", "deny-always allow-often", "10:30",
			`denied: deny "* * * * *" 1h UTC is open`, `denied: deny "* * * * *" 1h UTC is open`},
		{"a deny that never opens", "deny-never", "10:30",
			"allowed: no deny window is open", "allowed: no deny window is open"},
		{"an allow that never opens", "allow-empty", "10:30",
			`denied: allow "0 9 * * *" 0s UTC is closed`, `denied: allow "0 9 * * *" 0s UTC is closed`},
		{"a leap day", "deny-leap", "10:30",
			"allowed until 2028-02-29: no deny window is open", "allowed until 2028-02-29: no deny window is open"},
		{"a month of minutes", "deny-june", "10:30",
			`denied until 2026-07-01: deny "* * * 6 *" 1m UTC is open`, `denied until 2026-07-01: deny "* * * 6 *" 1m UTC is open`},
		{"a long deny over a busy allow", "deny-all-of-january allow-often", "2027-01-02",
			`denied until 2027-02-01: deny "0 0 1 1 *" 744h UTC is open`, `denied until 2027-02-01: deny "0 0 1 1 *" 744h UTC is open`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			ws, at := ofNames(t, tt.windows), clockTime(t, tt.at)
			check(t, short(ws.At(at, false)), tt.automated)
			check(t, short(ws.At(at, true)), tt.manual)
		})
	}
}

func TestOverrun(t *testing.T) {
	for _, tt := range []struct{ name, windows, began, now, want string }{
		{"no window, then a deny", "deny", "07:59", "09:00", `denied until 12:00: deny "0 8 * * *" 4h UTC is open`},
		{"2.5 syncOverrun: all active denies have it", "deny-overrun", "07:59", "09:00",
			`allowed: deny "0 8 * * *" 4h UTC is open, but lets a sync run on that began in time`},
		{"2.5 syncOverrun: only if it was allowed at its beginning", "deny-overrun", "08:00", "09:00", `denied until 12:00: deny "0 8 * * *" 4h UTC is open`},
		{"one deny of two has overrun", "deny-overrun deny-late", "07:00", "11:00", `denied until 14:00: deny "0 10 * * *" 4h UTC is open`},
		{"until the one without closes", "deny deny-late-overrun", "07:00", "11:00", `denied until 12:00: deny "0 8 * * *" 4h UTC is open`},
		{"until one without opens", "deny-overrun deny-late", "07:00", "09:00",
			`allowed until 10:00: deny "0 8 * * *" 4h UTC is open, but lets a sync run on that began in time`},
		{"allow without, then deny with overrun", "allow deny-late-overrun", "09:30", "10:30",
			`allowed until 14:00: deny "0 10 * * *" 4h UTC is open, but lets a sync run on that began in time`},
		{"2.5 syncOverrun: all inactive allows have it", "allow-overrun", "10:59", "11:30",
			`allowed: allow "0 9 * * *" 2h UTC is closed, but lets a sync run on that began in time`},
		{"an allow ends", "allow", "10:59", "11:30", `denied until +1 09:00: allow "0 9 * * *" 2h UTC is closed`},
		{"one allow of two has overrun", "allow-overrun allow-then", "10:59", "13:30", `denied until +1 09:00: allow "0 9 * * *" 2h UTC is closed`},
		{"it began before the allow", "allow-overrun", "08:59", "11:30", `denied until +1 09:00: allow "0 9 * * *" 2h UTC is closed`},
		{"nothing forbids it", "deny", "07:00", "07:30", "allowed until 08:00: no deny window is open"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			check(t, short(ofNames(t, tt.windows).Overrun(clockTime(t, tt.began), clockTime(t, tt.now), false)), tt.want)
		})
	}
}

// TestOverrunManual: a sync that people could begin only by manualSync runs on, too.
func TestOverrunManual(t *testing.T) {
	ws := ofNames(t, "deny-manual deny-late-overrun")
	check(t, short(ws.Overrun(clockTime(t, "09:00"), clockTime(t, "12:30"), true)),
		`allowed until +1 10:00: deny "0 10 * * *" 4h UTC is open, but lets a sync run on that began in time`)
	check(t, short(ws.Overrun(clockTime(t, "09:00"), clockTime(t, "12:30"), false)),
		`denied until 14:00: deny "0 10 * * *" 4h UTC is open`)
}

// clockTime is a time of 2026-06-01, or a date.
func clockTime(t *testing.T, text string) time.Time {
	if len(text) == len("15:04") {
		text = "2026-06-01T" + text
	} else {
		text += "T00:00"
	}
	return instant(t, text+":00Z")
}

// short prints a verdict with its times relative to 2026-06-01.
func short(v Verdict) string {
	text := v.String()
	for day := range 3 {
		prefix := ""
		if day > 0 {
			prefix = fmt.Sprintf("+%d ", day)
		}
		text = strings.ReplaceAll(text, fmt.Sprintf("2026-06-%02dT", day+1), prefix)
	}
	return strings.NewReplacer(":00Z:", ":", "T00:00:00Z:", ":").Replace(text)
}
