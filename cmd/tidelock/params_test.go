package main

import (
	"bytes"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// TestParams: flags count before variables, those before our ConfigMap, that before
// Argo CD's, and what is wrong is named.
func TestParams(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, flags, env, own, argo string
		want                        string // log-level poll-interval application-namespaces
		from                        string // of the level
		ignored, err                string
	}{
		{name: "nothing", want: "info 2m0s []"},
		{name: "flags", flags: "--log-level=warn --poll-interval=1m", env: "TIDELOCK_LOG_LEVEL=error", own: "log-level=debug", want: "warn 1m0s []", from: "--log-level"},
		{name: "variables", env: "TIDELOCK_LOG_LEVEL=error TIDELOCK_APPLICATION_NAMESPACES=a,b-*", own: "log-level=debug", want: "error 2m0s [a,b-*]", from: "TIDELOCK_LOG_LEVEL"},
		{name: "ours", own: "log-level=debug poll-interval=30s", argo: "controller.log.level=warn", want: "debug 30s []", from: `ConfigMap tidelock-cmd-params-cm, key "log-level"`},
		{name: "Argo CD's", argo: "controller.log.level=warn application.namespaces=team-* server.insecure=true controller.status.processors=20",
			want: "warn 2m0s [team-*]", from: `ConfigMap argocd-cmd-params-cm, key "controller.log.level"`, ignored: "[controller.status.processors server.insecure]"},
		{name: "variables of Services", env: "TIDELOCK_PORT=tcp://10.0.0.1:80 TIDELOCK_SERVICE_HOST=10.0.0.1", want: "info 2m0s []"},
		{name: "a wrong variable", env: "TIDELOCK_POLL_INTERVAL=soon", err: `TIDELOCK_POLL_INTERVAL: "soon": time: invalid duration "soon"`},
		{name: "a wrong entry", own: "poll-interval=soon", err: `ConfigMap tidelock-cmd-params-cm, key "poll-interval": "soon": time: invalid duration "soon"`},
		{name: "a level that is none", own: "log-level=loud", err: `ConfigMap tidelock-cmd-params-cm, key "log-level": "loud" is none of debug, info, warn and error`},
		{name: "an unknown entry", own: "pol-interval=1m", err: `ConfigMap tidelock-cmd-params-cm, key "pol-interval": there is no such setting: tidelock agent --help lists them`},
		{name: "an entry that comes too late", own: "namespace=x", err: `ConfigMap tidelock-cmd-params-cm, key "namespace": it must be a flag or a variable, for it says where the ConfigMap is`},
		{name: "two mistakes", own: "poll-interval=soon refresh-interval=1ms", err: `ConfigMap tidelock-cmd-params-cm, key "poll-interval": "soon": time: invalid duration "soon"`},
		{name: "too often", env: "TIDELOCK_REFRESH_INTERVAL=1ms", err: "TIDELOCK_REFRESH_INTERVAL 1ms: give at least 1s"},
		{name: "a format that is none", flags: "--log-format=xml", err: `--log-format: "xml" is neither json nor text`},
		{name: "pprof for all", flags: "--debug-listen=:6060", err: `--debug-listen: ":6060" is no address of the loopback device, such as 127.0.0.1:6060`},
		{name: "pprof for the network", flags: "--debug-listen=10.0.0.1:6060", err: `--debug-listen: "10.0.0.1:6060" is no address of the loopback device, such as 127.0.0.1:6060`},
		{name: "pprof for oneself", flags: "--debug-listen=[::1]:6060", want: "info 2m0s []"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, from, ignored, err := settled(tt.flags, tt.env, tt.own, tt.argo)
			if err != nil || tt.err != "" {
				if fmt.Sprint(err) != tt.err {
					t.Errorf("got %v, want %s", err, tt.err)
				}
				return
			}
			if got != tt.want || from["log-level"] != tt.from || strings.TrimPrefix(ignored, "[]") != tt.ignored {
				t.Errorf("got %s, the level from %q, ignored %s", got, from["log-level"], ignored)
			}
		})
	}
}

// settled is what becomes of settings, as pairs with = between spaces.
func settled(args, env, own, argo string) (got string, from origins, ignored string, err error) {
	cmd := newAgentCommand()
	flags := cmd.Flags()
	if err := flags.Parse(strings.Fields(args)); err != nil {
		return "", nil, "", err
	}
	variables := pairs(env)
	from, err = fromEnv(flags, func(name string) (string, bool) { value, ok := variables[name]; return value, ok })
	if err != nil {
		return "", nil, "", err
	}
	left, err := fromMaps(flags, from, paramMap{ownParams, pairs(own), nil}, paramMap{argoParams, pairs(argo), argoKeys})
	if err != nil {
		return "", nil, "", err
	}
	o := &agentOptions{}
	o.refresh, _ = flags.GetDuration("refresh-interval")
	o.sealedSecrets, _ = flags.GetString("sealed-secrets")
	o.logLevel, _ = flags.GetString("log-level")
	o.logFormat, _ = flags.GetString("log-format")
	o.debugListen, _ = flags.GetString("debug-listen")
	if err := o.check(from); err != nil {
		return "", nil, "", err
	}
	for _, name := range []string{"log-level", "poll-interval", "application-namespaces"} {
		got += flags.Lookup(name).Value.String() + " "
	}
	return strings.TrimSpace(got), from, fmt.Sprint(left), nil
}

func pairs(text string) map[string]string {
	all := map[string]string{}
	for _, pair := range strings.Fields(text) {
		name, value, _ := strings.Cut(pair, "=")
		all[name] = value + "\n"[:len(pair)%2] // some have a line end
	}
	return all
}

// TestReload: the level of the log follows its ConfigMap; a wrong one is said, and so is
// what counts only later.
func TestReload(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	log := &logging{level: &slog.LevelVar{}}
	log.Logger = slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: log.level}))
	data, version := map[string]string(nil), "1"
	start := newAgentCommand().Flags()
	p := &params{log: log, from: origins{"sync-timeout": "--sync-timeout"}, start: start, config: func(name string) (map[string]string, string) {
		if name == ownParams {
			return data, version
		}
		return nil, ""
	}}
	for i, tt := range []struct {
		data  string
		level slog.Level
		said  string
	}{
		{"", slog.LevelInfo, ""},
		{"log-level=debug", slog.LevelDebug, "the log has another level"},
		{"log-level=loud", slog.LevelDebug, "is none of debug"},
		{"log-level=debug poll-interval=soon", slog.LevelDebug, `key \"poll-interval\"`},
		{"log-level=error poll-interval=1m sync-timeout=1h", slog.LevelError, "the log has another level"},
		{"poll-interval=1m", slog.LevelInfo, "settings=poll-interval"},
	} {
		data, version = pairs(tt.data), fmt.Sprint(i)
		out.Reset()
		p.reload()
		if log.level.Level() != tt.level || tt.said == "" != (out.Len() == 0) || !strings.Contains(out.String(), tt.said) {
			t.Errorf("%q: level %v, said %q", tt.data, log.level.Level(), out.String())
		}
		out.Reset()
		if p.reload(); out.Len() > 0 {
			t.Errorf("%q: said again: %s", tt.data, out.String())
		}
	}
}

// TestLogLevel: who is on the machine can change it, too.
func TestLogLevel(t *testing.T) {
	t.Parallel()
	p := &parts{logs: &logging{Logger: slog.New(slog.DiscardHandler), level: &slog.LevelVar{}}}
	p.logs.level.Set(slog.LevelWarn)
	ask := func(method, body string) (int, string) {
		w := httptest.NewRecorder()
		p.logLevel(w, httptest.NewRequest(method, "/debug/log-level", strings.NewReader(body)))
		return w.Code, strings.TrimSpace(w.Body.String())
	}
	for _, tt := range []struct {
		method, body string
		code         int
		want         string
	}{
		{http.MethodGet, "", 200, "WARN"},
		{http.MethodPut, "debug\n", 200, "DEBUG"},
		{http.MethodGet, "", 200, "DEBUG"},
		{http.MethodPut, "loud", 400, "PUT debug, info, warn or error"},
		{http.MethodPut, strings.Repeat("x", 1000), 400, "PUT debug, info, warn or error"},
		{http.MethodPut, "warn", 200, "WARN"},
	} {
		if code, got := ask(tt.method, tt.body); code != tt.code || got != tt.want {
			t.Errorf("%s %.10s: got %d %s, want %d %s", tt.method, tt.body, code, got, tt.code, tt.want)
		}
	}
}
