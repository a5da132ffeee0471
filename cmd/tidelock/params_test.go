package main

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/spf13/pflag"
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
		{name: "an unknown entry", own: "pol-interval=1m", err: `ConfigMap tidelock-cmd-params-cm, key "pol-interval": there is no such setting: did you mean "poll-interval"?`},
		{name: "an entry that is no setting at all", own: "whatever=1m", err: `ConfigMap tidelock-cmd-params-cm, key "whatever": there is no such setting: tidelock agent --help lists them`},
		{name: "help", own: "help=true", err: `ConfigMap tidelock-cmd-params-cm, key "help": there is no such setting: tidelock agent --help lists them`},
		{name: "an entry that comes too late", own: "namespace=x", err: `ConfigMap tidelock-cmd-params-cm, key "namespace": it must be a flag or a variable, for it says where the ConfigMap is`},
		{name: "two mistakes", own: "poll-interval=soon refresh-interval=1ms", err: `ConfigMap tidelock-cmd-params-cm, key "poll-interval": "soon": time: invalid duration "soon"`},
		{name: "too often", env: "TIDELOCK_REFRESH_INTERVAL=1ms", err: "TIDELOCK_REFRESH_INTERVAL: 1ms is too short: give at least 1s"},
		{name: "poll never", flags: "--poll-interval=0", want: "info 0s []"},
		{name: "poll too often", flags: "--poll-interval=1ms", err: "--poll-interval: 1ms is too short: give at least 1s"},
		{name: "no time", flags: "--sync-timeout=-1s", err: "--sync-timeout: -1s is too short: give at least 0s"},
		{name: "all time", flags: "--sync-timeout=999999h", err: "--sync-timeout: 999999h0m0s is more than a year"},
		{name: "no part", flags: "--trace-ratio=NaN", err: "--trace-ratio: NaN is not from 0 to 1"},
		{name: "no port", flags: "--listen=8080", err: `--listen: "8080" is no address such as :8080 or 127.0.0.1:8080`},
		{name: "a port that is none", flags: "--metrics-listen=:70000", err: `--metrics-listen: ":70000" has no port from 0 to 65535`},
		{name: "namespaces that cannot be read", env: "TIDELOCK_APPLICATION_NAMESPACES=/(/", err: "TIDELOCK_APPLICATION_NAMESPACES: pattern /(/ of namespaces cannot be read: error parsing regexp: missing closing ) in `(`"},
		{name: "labels that are one in metrics", flags: "--metrics-application-labels=a.b,a-b", err: `--metrics-application-labels: "a-b" would be label_a_b in metrics, as "a.b" is`},
		{name: "no label", flags: "--metrics-application-labels=a//b", err: `--metrics-application-labels: "a//b" is no name of a label: a valid label key must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]') with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`},
		{name: "a server that is none", flags: "--allowed-scm-providers=git.example.com", err: `--allowed-scm-providers: "git.example.com" is no address such as https://git.example.com`},
		{name: "a policy of sets that is none", argo: "applicationsetcontroller.policy=never", err: `ConfigMap argocd-cmd-params-cm, key "applicationsetcontroller.policy": "never" is no policy: there are create-only, create-update, create-delete and sync`},
		{
			name: "rules for sets, as Argo CD has them", want: "info 2m0s []",
			argo: "applicationsetcontroller.policy=create-only applicationsetcontroller.enable.policy.override=true applicationsetcontroller.global.preserved.annotations=a,b applicationsetcontroller.global.preserved.labels=c",
		},
		{
			name: "what is security, as Argo CD has it", want: "info 2m0s []",
			argo: "applicationsetcontroller.enable.scm.providers=false applicationsetcontroller.allowed.scm.providers=https://git.example.com/ applicationsetcontroller.dryrun=true applicationsetcontroller.enable.progressive.syncs=false",
		},
		{name: "a wrong word where it is security", argo: "applicationsetcontroller.enable.scm.providers=no-never", err: `ConfigMap argocd-cmd-params-cm, key "applicationsetcontroller.enable.scm.providers": "no-never": strconv.ParseBool: parsing "no-never": invalid syntax`},
		{name: "nothing, which Argo CD's own example has", argo: "applicationsetcontroller.enable.policy.override= applicationsetcontroller.policy= otlp.address= controller.log.level=", want: "info 2m0s []"},
		{name: "nothing, where it is ours", own: "log-level=", err: `ConfigMap tidelock-cmd-params-cm, key "log-level": "" is none of debug, info, warn and error`},
		{name: "no file", flags: "--webhook-secret-file=/nowhere/at/all", err: "--webhook-secret-file: open /nowhere/at/all: no such file or directory"},
		{name: "a secret that is none", flags: "--webhook-secret-file=/dev/null", err: "--webhook-secret-file: /dev/null holds nothing"},
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
	o, flags := freshOptions()
	if err := flags.Parse(strings.Fields(args)); err != nil {
		return "", nil, "", err
	}
	variables := pairs(env)
	from, err = fromEnv(flags, func(name string) (string, bool) { value, ok := variables[name]; return value, ok })
	if err != nil {
		return "", nil, "", err
	}
	left, wrong := fromMaps(flags, from, paramMap{ownParams, pairs(own), nil}, paramMap{argoParams, pairs(argo), argoKeys})
	if err := joined(wrong); err != nil {
		return "", nil, "", err
	}
	if err := o.check(from); err != nil {
		return "", nil, "", err
	}
	for _, name := range []string{"log-level", "poll-interval", "application-namespaces"} {
		got += flags.Lookup(name).Value.String() + " "
	}
	return strings.TrimSpace(got), from, fmt.Sprint(left), nil
}

// freshOptions are those of an agent that nobody has told anything.
func freshOptions() (*agentOptions, *pflag.FlagSet) {
	o, flags := &agentOptions{}, pflag.NewFlagSet("agent", pflag.ContinueOnError)
	o.flags(flags)
	return o, flags
}

func pairs(text string) map[string]string {
	all := map[string]string{}
	for _, pair := range strings.Fields(text) {
		name, value, _ := strings.Cut(pair, "=")
		all[name] = value + "\n"[:len(pair)%2] // some have a line end
	}
	return all
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

// TestArgoKeys: each key of Argo CD's ConfigMap is followed to a setting that there is, or
// has no effect and a reason, and none both; security is followed.
func TestArgoKeys(t *testing.T) {
	t.Parallel()
	_, flags := freshOptions()
	for key, flag := range argoKeys {
		if flags.Lookup(flag) == nil {
			t.Errorf("%s is followed to --%s, which there is not", key, flag)
		}
		if text := idle(key); text != key {
			t.Errorf("%s is followed, and has no effect: %s", key, text)
		}
	}
	o, flags := freshOptions()
	_, wrong := fromMaps(flags, origins{}, paramMap{name: argoParams, keys: argoKeys, data: map[string]string{
		"applicationsetcontroller.enable.scm.providers": "false\n", "applicationsetcontroller.allowed.scm.providers": "https://a.example,https://b.example",
		"applicationsetcontroller.enable.progressive.syncs": "false", "applicationsetcontroller.dryrun": "true",
	}})
	if rules := o.setRules(); len(wrong) > 0 || o.scmEnabled || len(o.scmProviders) != 2 || !rules.AllAtOnce || !rules.DryRun {
		t.Errorf("%v, %+v, %+v", wrong, o.scmProviders, rules)
	}
}

// TestIdleKeys: all other keys of Argo CD 3.6 for its ApplicationSet controller say why
// they have no effect.
func TestIdleKeys(t *testing.T) {
	t.Parallel()
	for _, name := range strings.Fields(`concurrent.reconciliations.max debug enable.git.submodule enable.github.api.metrics enable.leader.election
		grpc.enable.txt.service.config k8s.client.qps log.format log.level profile.enabled repo.server.ca.cert.path repo.server.plaintext
		repo.server.timeout.seconds requeue.after scm.root.ca.path status.max.resources.count webhook.parallelism.limit wq.backoff.factor`) {
		key := "applicationsetcontroller." + name
		if text := idle(key); !strings.HasPrefix(text, key+" (") {
			t.Errorf("%s", text)
		}
	}
	if got := strings.Join(allIdle([]string{"server.insecure", "applicationsetcontroller.debug"}), ", "); got != "server.insecure, applicationsetcontroller.debug (controller.log.level is that of all)" {
		t.Error(got)
	}
}
