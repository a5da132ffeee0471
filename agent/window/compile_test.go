package window

import (
	"slices"
	"strings"
	"testing"
	"time"

	"sigs.k8s.io/yaml"

	"github.com/tidelock-io/tidelock/agent/api"
)

func TestCompileRefuses(t *testing.T) {
	long := strings.Repeat("0", 2000)
	for _, tt := range []struct{ name, window, want string }{
		{"kind", "kind: maybe", `spec.syncWindows[0].kind: Unsupported value: "maybe": supported values: "allow", "deny"`},
		{"2.5 schedule: exactly five fields", "schedule: 0 22 * *", `spec.syncWindows[0].schedule: Invalid value: "0 22 * *": has 4 fields; a schedule has five: minute, hour, day, month, weekday`},
		{"2.5 schedule: no seconds", "schedule: 0 0 22 * * *", `spec.syncWindows[0].schedule: Invalid value: "0 0 22 * * *": has 6 fields; a schedule has five: minute, hour, day, month, weekday`},
		{"2.5 schedule: no descriptors", `schedule: "@daily"`, `spec.syncWindows[0].schedule: Invalid value: "@daily": has 1 fields; a schedule has five: minute, hour, day, month, weekday`},
		{"hour", "schedule: 0 24 * * *", `spec.syncWindows[0].schedule: Invalid value: "0 24 * * *": hour: end of range (24) above maximum (23): 24`},
		{"weekday", "schedule: 0 0 * * 7", `spec.syncWindows[0].schedule: Invalid value: "0 0 * * 7": weekday: end of range (7) above maximum (6): 7`},
		{"foreign characters", `schedule: "0 0 * \e *"`, `spec.syncWindows[0].schedule: Invalid value: "0 0 * \x1b *": month: only numbers, names, and the characters * ? , - / are allowed`},
		{"long schedule", "schedule: '" + long + "'", `spec.syncWindows[0].schedule: Invalid value: "` + long[:100] + `…": longer than 1024 bytes`},
		{"two zones in a schedule", "schedule: TZ=UTC TZ=UTC 0 0 * * *", `spec.syncWindows[0].schedule: Invalid value: "TZ=UTC TZ=UTC 0 0 * * *": has 6 fields; a schedule has five: minute, hour, day, month, weekday`},
		{"only a zone", "schedule: TZ=UTC", `spec.syncWindows[0].schedule: Invalid value: "TZ=UTC": has 0 fields; a schedule has five: minute, hour, day, month, weekday`},
		{"another zone", "{schedule: TZ=Asia/Kolkata 0 0 * * *, timeZone: Europe/Berlin}", `spec.syncWindows[0].schedule: Invalid value: "TZ=Asia/Kolkata 0 0 * * *": names another zone than timeZone does`},
		{"2.5 timeZone: a bad one is an error that blocks", "timeZone: Moon/Tycho", `spec.syncWindows[0].timeZone: Invalid value: "Moon/Tycho": not a time zone of the IANA database, such as Europe/Berlin`},
		{"the machine's own zone", "timeZone: Local", `spec.syncWindows[0].timeZone: Invalid value: "Local": not a time zone of the IANA database, such as Europe/Berlin`},
		{"a path", "timeZone: ../../etc/passwd", `spec.syncWindows[0].timeZone: Invalid value: "../../etc/passwd": not a time zone of the IANA database, such as Europe/Berlin`},
		{"2.5 duration: a Go duration", `duration: "60"`, `spec.syncWindows[0].duration: Invalid value: "60": must be a duration like 1h30m`},
		{"glob", "clusters: [a, 'b[']", `spec.syncWindows[0].clusters[1]: Invalid value: "b[": not a glob:`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Compile([]api.SyncWindow{daily(t, tt.window)})
			if err == nil || !strings.HasPrefix(err.Error(), tt.want) {
				t.Errorf("got  %v\nwant %s", err, tt.want)
			}
		})
	}
}

// daily is a window that is sound but for what the text says.
func daily(t *testing.T, text string) api.SyncWindow {
	t.Helper()
	window := api.SyncWindow{Kind: api.WindowDeny, Schedule: "0 0 * * *", Duration: "1h"}
	if err := yaml.UnmarshalStrict([]byte(text), &window); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return window
}

// TestCompileNamesAll: one bad window leaves no schedule, and all that is bad is named.
func TestCompileNamesAll(t *testing.T) {
	s, err := Compile(parse(t, "[{kind: deny, schedule: 0 0 * * *, duration: 1h}, {kind: deny, schedule: a, duration: b, timeZone: c}, {}]"))
	if s != nil || err == nil {
		t.Fatalf("got %v, %v", s, err)
	}
	for _, want := range []string{"[1].schedule", "[1].duration", "[1].timeZone", "[2].kind", "[2].schedule", "[2].duration"} {
		if !strings.Contains(err.Error(), "spec.syncWindows"+want) {
			t.Errorf("%v\ndoes not name %s", err, want)
		}
	}
	if _, err := Compile(make([]api.SyncWindow, 2000)); err == nil || !strings.Contains(err.Error(), "must have at most 1000 items") {
		t.Errorf("got %v", err)
	}
}

func TestZoneInTheSchedule(t *testing.T) {
	for _, zone := range []string{"", "UTC", "Asia/Kolkata"} {
		ws := compiled(t, "[{kind: deny, schedule: CRON_TZ=Asia/Kolkata  0 22 * * *, duration: 8h, timeZone: "+zone+"}]")
		check(t, ws.At(instant(t, "2026-06-01T17:00:00Z"), false).String(), `denied until 2026-06-02T00:30:00Z: deny "0 22 * * *" 8h Asia/Kolkata is open`)
	}
}

func TestFor(t *testing.T) {
	const byServer, byName = "shop namespace=web server=https://a.example", "shop namespace=web cluster=a"
	for _, tt := range []struct {
		name, selector, target string
		want                   bool
	}{
		{"2.5 matching: without selectors nothing", "", byName, false},
		{"nothing set, and", "andOperator: true", byName, false},
		{"2.5 matching: by the Application's own name", "applications: [shop]", byName, true},
		{"application glob", "applications: [x, sh*]", byName, true},
		{"another application", "applications: [shopping]", byName, false},
		{"no denials", "applications: ['!other']", byName, false},
		{"namespace", "namespaces: [web]", byName, true},
		{"any namespace matches an empty one", "namespaces: ['*']", "shop", true},
		{"cluster by name", "clusters: [a]", byName, true},
		{"cluster by server", "clusters: ['https://*']", byServer, true},
		{"2.15 fact 23: the server of a cluster that is given by name does not match", "clusters: ['https://a.example']", byName, false},
		{"2.15 fact 23: nor the name of one that is given by server", "clusters: [a]", byServer, false},
		{"any cluster matches none", "clusters: ['*']", "shop", false},
		{"2.5 matching: or", "{applications: [x], namespaces: [x], clusters: [a]}", byName, true},
		{"or, none", "{applications: [x], namespaces: [x], clusters: [x]}", byName, false},
		{"and", "{applications: [shop], namespaces: [web], clusters: [a], andOperator: true}", byName, true},
		{"2.5 andOperator: of the lists that are set", "{applications: [shop], clusters: [a], andOperator: true}", byName, true},
		{"and, not the application", "{applications: [x], namespaces: [web], clusters: [a], andOperator: true}", byName, false},
		{"and, not the namespace", "{applications: [shop], namespaces: [x], clusters: [a], andOperator: true}", byName, false},
		{"and, not the cluster", "{applications: [shop], namespaces: [web], clusters: [x], andOperator: true}", byName, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, err := Compile([]api.SyncWindow{daily(t, tt.selector)})
			if err != nil {
				t.Fatal(err)
			}
			if got := len(s.For(target(tt.target)).denies) == 1; got != tt.want {
				t.Errorf("%s matches %s: %v, want %v", tt.selector, tt.target, got, tt.want)
			}
		})
	}
}

// target reads a target such as shop namespace=web cluster=a server=https://a.example.
func target(text string) Target {
	words := strings.Fields(text)
	app := &api.Application{}
	app.Name = words[0]
	for _, word := range words[1:] {
		key, value, _ := strings.Cut(word, "=")
		switch key {
		case "namespace":
			app.Spec.Destination.Namespace = value
		case "cluster":
			app.Spec.Destination.Name = value
		case "server":
			app.Spec.Destination.Server = value
		}
	}
	return TargetOf(app)
}

// Those that match an Application, and never open, concern it.
func TestLintOfApplication(t *testing.T) {
	never := api.SyncWindow{Kind: api.WindowAllow, Schedule: "0 0 30 2 *", Duration: "1h", Applications: []string{"shop"}}
	other, daily := never, never
	other.Applications, daily.Schedule = []string{"blog"}, "0 0 * * *"
	s, err := Compile([]api.SyncWindow{other, daily, never})
	if err != nil {
		t.Fatal(err)
	}
	want := `spec.syncWindows[2]: allow "0 0 30 2 *" 1h UTC never opens; what it matches waits for it all the same`
	for _, now := range []string{"2026-06-01T00:00:00Z", "2027-02-28T23:59:59Z"} {
		check(t, strings.Join(s.For(Target{Application: "shop"}).Lint(instant(t, now)), "\n"), want)
	}
}

func TestLint(t *testing.T) {
	targets := []Target{target("shop cluster=a"), target("pay server=https://b.example")}
	for _, tt := range []struct{ name, windows, want string }{
		{"nothing to say", "[{kind: deny, schedule: 0 22 * * *, duration: 8h, timeZone: Europe/Berlin, applications: [shop]}]", ""},
		{"30 Feb", "[{kind: deny, schedule: 0 0 30 2 *, duration: 1h, applications: [shop]}]",
			`spec.syncWindows[0]: deny "0 0 30 2 *" 1h UTC never opens; it denies nothing`},
		{"no length", "[{kind: allow, schedule: 0 0 * * *, duration: 0s, applications: [shop]}]",
			`spec.syncWindows[0]: allow "0 0 * * *" 0s UTC never opens; what it matches waits for it all the same`},
		{"an empty field", `[{kind: deny, schedule: "0 , * * *", duration: 1h, applications: [shop]}]`,
			`spec.syncWindows[0]: deny "0 , * * *" 1h UTC never opens; it denies nothing`},
		{"a leap day opens", "[{kind: deny, schedule: 0 0 29 2 *, duration: 1h, applications: [shop]}]", ""},
		{"no selector", "[{kind: deny, schedule: 0 0 * * *, duration: 1h}]",
			`spec.syncWindows[0]: deny "0 0 * * *" 1h UTC has no applications, namespaces or clusters, and so matches nothing`},
		{"no match", "[{kind: deny, schedule: 0 0 * * *, duration: 1h, clusters: ['https://a.example']}]",
			`spec.syncWindows[0]: deny "0 0 * * *" 1h UTC matches none of the project's Applications; names and servers of clusters match only as an Application writes them`},
		{"all day, but for the hour in autumn", "[{kind: deny, schedule: 0 0 * * *, duration: 24h, timeZone: Europe/Berlin, applications: [shop]}]",
			`spec.syncWindows[0]: deny "0 0 * * *" 24h Europe/Berlin covers every day, but closes at 2026-10-25T23:00:00+01:00, when the clocks go back and a day is longer; a longer duration would not`},
		{"all day and an hour", "[{kind: deny, schedule: 0 0 * * *, duration: 25h, timeZone: Europe/Berlin, applications: [shop]}]", ""},
		{"open together", "[{kind: deny, schedule: 0 22 * * *, duration: 8h, applications: [shop]}, {kind: allow, schedule: 0 5 * * 2, duration: 2h, clusters: [a]}]",
			`spec.syncWindows[1]: allow "0 5 * * 2" 2h UTC is open from 2026-06-02T05:00:00Z until 2026-06-02T06:00:00Z, but so is spec.syncWindows[0], deny "0 22 * * *" 8h UTC, and a deny wins`},
		{"open together, always", "[{kind: deny, schedule: '* * * * *', duration: 1h, applications: ['*']}, {kind: allow, schedule: '* * * * *', duration: 1h, applications: ['*']}]",
			`spec.syncWindows[1]: allow "* * * * *" 1h UTC is open from 2026-06-01T00:00:00Z for ever, but so is spec.syncWindows[0], deny "* * * * *" 1h UTC, and a deny wins`},
		{"one after the other", "[{kind: deny, schedule: 0 22 * * *, duration: 8h, applications: [shop]}, {kind: allow, schedule: 0 6 * * *, duration: 16h, applications: [shop]}]", ""},
		{"open together for different applications", "[{kind: deny, schedule: 0 22 * * *, duration: 8h, applications: [shop]}, {kind: allow, schedule: 0 5 * * 2, duration: 2h, applications: [pay]}]", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, err := Compile(parse(t, tt.windows))
			if err != nil {
				t.Fatal(err)
			}
			check(t, strings.Join(s.Lint(instant(t, "2026-06-01T00:00:00Z"), targets), "\n"), tt.want)
		})
	}
}

func TestNext(t *testing.T) {
	s, err := Compile(parse(t, `[
{kind: allow, schedule: '* 9 * * *', duration: 1m},
{kind: deny, schedule: 0 22 * * *, duration: 8h, timeZone: Europe/Berlin},
{kind: allow, schedule: 0 0 30 2 *, duration: 1h},
{kind: deny, schedule: 0 9 * * *, duration: 5m}]`))
	if err != nil {
		t.Fatal(err)
	}
	from := instant(t, "2026-06-01T00:00:30Z")
	var lines []string
	for o := range s.All().Next(from, from.Add(36*time.Hour)) {
		lines = append(lines, o.From.Format(time.RFC3339)+" "+o.To.Format(time.RFC3339)+" "+o.Window)
	}
	check(t, strings.Join(lines, "\n"), `
2026-06-01T02:00:30+02:00 2026-06-01T06:00:00+02:00 deny "0 22 * * *" 8h Europe/Berlin
2026-06-01T09:00:00Z 2026-06-01T10:00:00Z allow "* 9 * * *" 1m UTC
2026-06-01T09:00:00Z 2026-06-01T09:05:00Z deny "0 9 * * *" 5m UTC
2026-06-01T22:00:00+02:00 2026-06-02T06:00:00+02:00 deny "0 22 * * *" 8h Europe/Berlin
2026-06-02T09:00:00Z 2026-06-02T10:00:00Z allow "* 9 * * *" 1m UTC
2026-06-02T09:00:00Z 2026-06-02T09:05:00Z deny "0 9 * * *" 5m UTC`)
	if first := slices.Collect(take(s.All().Next(from, from.AddDate(1, 0, 0)), 1)); len(first) != 1 {
		t.Errorf("an iteration that is broken off gave %v", first)
	}
}

func take[T any](seq func(func(T) bool), n int) func(func(T) bool) {
	return func(yield func(T) bool) {
		for v := range seq {
			if n--; n < 0 || !yield(v) {
				return
			}
		}
	}
}
