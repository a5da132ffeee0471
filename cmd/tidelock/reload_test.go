package main

import (
	"bytes"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/spf13/pflag"
)

// TestEverySettingDecides holds the flags of the agent against the lists of those whose
// changes count at once, and of those that count from the next start on: a new flag has
// to be in one of them.
func TestEverySettingDecides(t *testing.T) {
	t.Parallel()
	_, flags := freshOptions()
	known := map[string]bool{}
	flags.VisitAll(func(f *pflag.Flag) {
		known[f.Name] = true
		_, now := atOnce[f.Name]
		why, later := atStart[f.Name]
		if now == later {
			t.Errorf("--%s has to be in one of atOnce and atStart", f.Name)
		}
		if later && why == "" {
			t.Errorf("--%s: say why it counts only from the next start on", f.Name)
		}
	})
	for _, c := range settingChecks {
		if !known[c.flag] {
			t.Errorf("--%s is checked, and is none", c.flag)
		}
	}
	for name := range atOnce {
		if !known[name] {
			t.Errorf("--%s is said to count at once, and is none", name)
		}
	}
	for name := range atStart {
		if !known[name] {
			t.Errorf("--%s is said to count later, and is none", name)
		}
	}
	for name := range atStart {
		if help := newAgentCommand().Long; !slices.Contains(beforehand, name) && !strings.Contains(help, name) {
			t.Errorf("the help does not say that --%s counts from the next start on", name)
		}
	}
}

// A reloading is settings that follow a ConfigMap.
type reloading struct {
	*params
	data    map[string]string
	version int
	log     bytes.Buffer
	events  []string
	changed []string
}

func newReloading(t *testing.T, args string, data map[string]string) *reloading {
	t.Helper()
	o, flags := freshOptions()
	if err := flags.Parse(strings.Fields(args)); err != nil {
		t.Fatal(err)
	}
	from, err := fromEnv(flags, func(string) (string, bool) { return "", false })
	if err != nil {
		t.Fatal(err)
	}
	if _, wrong := fromMaps(flags, from, paramMap{name: ownParams, data: data}); len(wrong) > 0 {
		t.Fatal(joined(wrong))
	}
	o.insist(flags)
	r := &reloading{data: data}
	r.params = newParams(o, flags, from, slog.New(slog.NewTextHandler(&r.log, nil)))
	r.config = func(name string) (map[string]string, string) {
		if name == ownParams {
			return r.data, fmt.Sprint(r.version)
		}
		return nil, ""
	}
	r.tell = func(configMap string, wrong []string) {
		r.events = append(r.events, configMap+": "+strings.Join(wrong, "; "))
	}
	r.take = func(_ *agentOptions, changed []string) { r.changed = append(r.changed, changed...) }
	return r
}

// becomes has the ConfigMap say something else.
func (r *reloading) becomes(text string) {
	r.data = pairs(text)
	r.version++
	r.log.Reset()
	r.events, r.changed = nil, nil
	r.reload()
}

// TestReload: settings follow their ConfigMap. What is wrong is said, once, with its
// key, and what was stays; what counts later is said, once, and stays, too.
func TestReload(t *testing.T) {
	t.Parallel()
	r := newReloading(t, "--sync-timeout=5m --application-namespaces=a,b", pairs("cache-dir=/cache poll-interval=30s"))
	for _, tt := range []struct {
		data    string
		changed string // what is taken
		shown   string // poll-interval refresh-interval sealed-secrets log-level, and whether the intervals count before argocd-cm
		event   string
		said    string
		later   int64
	}{
		{data: "cache-dir=/cache poll-interval=30s", shown: "30s 3m0s auto info true false"},
		{data: "cache-dir=/cache poll-interval=1m log-level=debug", changed: "log-level poll-interval", shown: "1m0s 3m0s auto debug true false", said: `settings="log-level=debug poll-interval=1m0s"`},
		{
			data: "cache-dir=/cache poll-interval=soon log-level=loud refresh-interval=1m", changed: "refresh-interval", shown: "1m0s 1m0s auto debug true true",
			event: `tidelock-cmd-params-cm: ConfigMap tidelock-cmd-params-cm, key "poll-interval": "soon": time: invalid duration "soon"; ConfigMap tidelock-cmd-params-cm, key "log-level": "loud" is none of debug, info, warn and error`,
			said:  `level=ERROR msg="a setting cannot be read, and stays as it was"`,
		},
		// the same mistake is not said again, though something else changes
		{data: "cache-dir=/cache poll-interval=soon log-level=loud", changed: "refresh-interval", shown: "1m0s 3m0s auto debug true false"},
		{data: "cache-dir=/cache", changed: "log-level poll-interval", shown: "2m0s 3m0s auto info false false"},
		// an interval that is said to be as usual counts before argocd-cm all the same
		{data: "cache-dir=/cache poll-interval=2m", changed: "poll-interval", shown: "2m0s 3m0s auto info true false"},
		{
			data: "cache-dir=/cache sealed-secret=apply", changed: "poll-interval", shown: "2m0s 3m0s auto info false false",
			event: `tidelock-cmd-params-cm: ConfigMap tidelock-cmd-params-cm, key "sealed-secret": there is no such setting: did you mean "sealed-secrets"?`,
		},
		{data: "cache-dir=/cache sealed-secrets=apply", changed: "sealed-secrets", shown: "2m0s 3m0s apply info false false"},
		// flags count before it
		{data: "cache-dir=/cache sealed-secrets=apply sync-timeout=1h application-namespaces=c", shown: "2m0s 3m0s apply info false false"},
		// some count later
		{data: "cache-dir=/elsewhere sealed-secrets=apply", shown: "2m0s 3m0s apply info false false", said: `settings have changed that take effect at the next start of the agent" settings="cache-dir=/elsewhere"`, later: 1},
		{data: "cache-dir=/elsewhere", changed: "sealed-secrets", shown: "2m0s 3m0s auto info false false", said: "sealed-secrets=auto", later: 1},
		{data: "", shown: "2m0s 3m0s auto info false false", said: `take effect at the next start of the agent" settings="cache-dir="`, later: 1},
		{data: "cache-dir=/cache", shown: "2m0s 3m0s auto info false false"},
		{
			data: "cache-dir=/cache namespace=x", shown: "2m0s 3m0s auto info false false",
			event: `tidelock-cmd-params-cm: ConfigMap tidelock-cmd-params-cm, key "namespace": it must be a flag or a variable, for it says where the ConfigMap is`,
		},
	} {
		r.becomes(tt.data)
		slices.Sort(r.changed)
		o, flags := r.options(), r.now.Load().flags
		shown := fmt.Sprintln(o.pollInterval, o.refresh, o.sealedSecrets, o.logLevel, o.insistPoll, o.insistRefresh)
		if got := strings.Join(r.changed, " "); got != tt.changed || strings.TrimSpace(shown) != tt.shown || r.later.Load() != tt.later {
			t.Errorf("%q: taken %q, want %q; now %swant %s; %d count later", tt.data, got, tt.changed, shown, tt.shown, r.later.Load())
		}
		if got := strings.Join(r.events, "\n"); got != tt.event || !strings.Contains(r.log.String(), tt.said) {
			t.Errorf("%q: event %q, want %q; log %q", tt.data, got, tt.event, &r.log)
		}
		if tt.event == "" && strings.Contains(r.log.String(), "ERROR") {
			t.Errorf("%q: log %q", tt.data, &r.log)
		}
		if cache, timeout, in := flags.Lookup("cache-dir").Value.String(), o.syncTimeout, fmt.Sprint(o.namespaces); cache != "/cache" || timeout != 5*time.Minute || in != "[a b]" {
			t.Errorf("%q: cache %s, sync-timeout %s, namespaces %s", tt.data, cache, timeout, in)
		}
		r.log.Reset()
		if r.seen = ""; len(r.changed) > 0 {
			r.changed = nil
		}
		if r.reload(); r.log.Len() > 0 || len(r.changed) > 0 {
			t.Errorf("%q: again: taken %q, log %q", tt.data, r.changed, &r.log)
		}
	}
}

// TestWrongSettingsAreCounted: how many entries are wrong is a metric.
func TestWrongSettingsAreCounted(t *testing.T) {
	t.Parallel()
	r := newReloading(t, "", nil)
	for text, want := range map[string]int64{"": 0, "poll-interval=1m": 0, "poll-interval=soon": 1, "poll-interval=soon trace-ratio=2 x=y": 3} {
		if r.becomes(text); r.invalid.Load() != want {
			t.Errorf("%q: %d are wrong, want %d", text, r.invalid.Load(), want)
		}
	}
}

// TestSecretFile: the secret of webhooks is that of its file, though another file is put
// in its place, as a mounted Secret's is; what cannot be read changes nothing.
func TestSecretFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	at := filepath.Join(dir, "secret")
	version := func(name, text string) string {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	swap := func(to string) {
		link := filepath.Join(dir, "next")
		if err := os.Symlink(to, link); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(link, at); err != nil {
			t.Fatal(err)
		}
	}
	var log bytes.Buffer
	swap(version("1", "first\n"))
	f := newSecretFile(at, slog.New(slog.NewTextHandler(&log, nil)))
	expect := func(want string, wrong bool) {
		t.Helper()
		got, named := f.value()
		if string(got.Reveal()) != want || !named || f.unreadable() != wrong {
			t.Errorf("got %q, named %t, unreadable %t; want %q, %t", got.Reveal(), named, f.unreadable(), want, wrong)
		}
	}
	expect("first", false)
	swap(version("2", "second"))
	expect("second", false)
	version("2", "SECOND") // as long as before, and at once
	expect("SECOND", false)
	swap(version("3", " \n"))
	expect("SECOND", true)
	expect("SECOND", true)
	if n := strings.Count(log.String(), "holds nothing"); n != 1 {
		t.Errorf("it is said %d times: %s", n, &log)
	}
	if err := os.Remove(at); err != nil {
		t.Fatal(err)
	}
	expect("SECOND", true)
	swap(version("4", "fourth"))
	expect("fourth", false)
	f.follow("")
	if got, named := f.value(); len(got.Reveal()) > 0 || named {
		t.Errorf("got %q without a file", got.Reveal())
	}
	if strings.Contains(log.String(), "irst") || strings.Contains(log.String(), "ECOND") {
		t.Errorf("the log tells the secret: %s", &log)
	}
}
