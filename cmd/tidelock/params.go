package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"
	"github.com/tidelock-io/tidelock/agent/cluster"
	"github.com/tidelock-io/tidelock/agent/keyring"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/rest"
)

// ConfigMaps with settings of the agent, in its namespace and with Argo CD's label.
// The keys of ours are the names of flags; ours counts before Argo CD's.
const (
	ownParams  = "tidelock-cmd-params-cm"
	argoParams = "argocd-cmd-params-cm"
)

// argoKeys are those of Argo CD's ConfigMap that there is a flag for.
var argoKeys = map[string]string{
	"controller.log.level":   "log-level",
	"controller.log.format":  "log-format",
	"application.namespaces": "application-namespaces",
	"otlp.address":           "otlp-endpoint",
}

// beforehand are flags that must be known before any ConfigMap is.
var beforehand = []string{"kubeconfig", "namespace"}

// envPrefix begins the variables of settings: TIDELOCK_POLL_INTERVAL is
// --poll-interval.
const envPrefix = "TIDELOCK_"

// envName is the variable of a flag.
func envName(flag string) string {
	return envPrefix + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// A paramMap is what one ConfigMap says.
type paramMap struct {
	name string
	data map[string]string
	keys map[string]string // flags by key; nil if they are the same
}

// flagOf is the flag of a key, "" if there is none.
func (m paramMap) flagOf(key string) string {
	if m.keys == nil {
		return key
	}
	return m.keys[key]
}

// origins say where the value of each setting is from that nobody left at its default.
type origins map[string]string

// name is what to call a setting in an error.
func (o origins) name(flag string) string { return cmp.Or(o[flag], "--"+flag) }

// mapped says whether any of these settings is from a ConfigMap.
func (o origins) mapped(flags ...string) bool {
	return slices.ContainsFunc(flags, func(flag string) bool { return strings.HasPrefix(o[flag], "ConfigMap ") })
}

// fromEnv gives flags that the command line does not the values of variables.
func fromEnv(flags *pflag.FlagSet, lookup func(string) (string, bool)) (origins, error) {
	from := origins{}
	var errs []error
	flags.VisitAll(func(f *pflag.Flag) {
		value, given := lookup(envName(f.Name))
		switch {
		case f.Name == "help":
		case f.Changed:
			from[f.Name] = "--" + f.Name
		case given:
			from[f.Name] = envName(f.Name)
			errs = append(errs, setting(flags, f.Name, value, envName(f.Name)))
		}
	})
	return from, errors.Join(errs...)
}

// setting sets one, and says where it is from if it cannot be. What is in a ConfigMap
// ends with a line end often enough.
func setting(flags *pflag.FlagSet, flag, value, from string) error {
	value = strings.TrimSpace(value)
	if err := flags.Lookup(flag).Value.Set(value); err != nil {
		return fmt.Errorf("%s: %.60q: %w", from, value, err)
	}
	flags.Lookup(flag).Changed = true
	return nil
}

// fromMaps gives flags that have no value yet those of ConfigMaps, the first of which
// counts. Ignored are the keys that nobody acts on.
func fromMaps(flags *pflag.FlagSet, from origins, all ...paramMap) (ignored []string, err error) {
	var errs []error
	for _, m := range all {
		for _, key := range slices.Sorted(maps.Keys(m.data)) {
			flag, at := m.flagOf(key), fmt.Sprintf("ConfigMap %s, key %q", m.name, key)
			switch {
			case flag == "":
				ignored = append(ignored, key)
			case slices.Contains(beforehand, flag):
				errs = append(errs, fmt.Errorf("%s: it must be a flag or a variable, for it says where the ConfigMap is", at))
			case flags.Lookup(flag) == nil:
				errs = append(errs, fmt.Errorf("%s: there is no such setting: tidelock agent --help lists them", at))
			case from[flag] == "":
				from[flag] = at
				errs = append(errs, setting(flags, flag, m.data[key], at))
			}
		}
	}
	return ignored, errors.Join(errs...)
}

// readParams asks for the ConfigMaps, until the API server answers.
func readParams(ctx context.Context, cfg *rest.Config, namespace string, log *slog.Logger) ([]paramMap, error) {
	all := []paramMap{{name: ownParams}, {name: argoParams, keys: argoKeys}}
	for i := range all {
		err := wait.PollUntilContextCancel(ctx, time.Second, true, func(ctx context.Context) (done bool, err error) {
			all[i].data, err = keyring.ReadConfig(ctx, cfg, namespace, all[i].name)
			if err != nil && cluster.Passing(err) {
				log.Warn("cannot read the agent's settings, and try again", "error", err)
				return false, nil
			}
			return true, err
		})
		if err != nil {
			return nil, err
		}
	}
	return all, nil
}

// params follow the ConfigMaps while the agent runs.
type params struct {
	config func(name string) (data map[string]string, version string)
	log    *logging
	from   origins        // as the agent was started
	start  *pflag.FlagSet // likewise
	seen   string         // versions of the ConfigMaps
	news   chan struct{}  // has a token if a ConfigMap may have changed
}

// follow reads the ConfigMaps again whenever they may have changed, until ctx ends.
func (p *params) follow(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-p.news:
			p.reload()
		}
	}
}

// changed has the ConfigMaps read again soon. It does not block.
func (p *params) changed() {
	select {
	case p.news <- struct{}{}:
	default:
	}
}

// keysChanged has passes made over all Applications, for keys or settings have
// changed.
func (p *parts) keysChanged() {
	p.agent.All()
	p.params.changed()
}

// reload reads the ConfigMaps again if they have changed. A value that is wrong is
// said, and what was stays; so is one that counts only from the next start on.
func (p *params) reload() {
	all := []paramMap{{name: ownParams}, {name: argoParams, keys: argoKeys}}
	versions := ""
	for i := range all {
		var version string
		all[i].data, version = p.config(all[i].name)
		versions += version + "\n"
	}
	if versions == p.seen {
		return
	}
	p.seen = versions
	from := maps.Clone(p.from)
	maps.DeleteFunc(from, func(_, origin string) bool { return strings.HasPrefix(origin, "ConfigMap ") })
	now := newAgentCommand().Flags()
	if _, err := fromMaps(now, from, all...); err != nil {
		p.log.Warn("settings cannot be read, and stay as they were", "error", err)
	}
	var later []string
	now.VisitAll(func(f *pflag.Flag) {
		was := p.start.Lookup(f.Name).Value.String()
		switch {
		case unchanging(from[f.Name]), f.Name == "help", f.Name == "log-level" && p.start.Lookup("debug").Value.String() == "true":
		case f.Name == "log-level":
			if level, err := parseLevel(f.Value.String()); err == nil {
				p.log.asked.Store(int64(level))
				p.log.set(level, cmp.Or(from[f.Name], "the ConfigMap no longer says any"))
			} else {
				p.log.Warn("a setting cannot be read, and stays as it was", "setting", from[f.Name], "error", err)
			}
		case f.Value.String() != was:
			later = append(later, f.Name)
		}
	})
	if len(later) > 0 {
		p.log.Warn("settings have changed that count from the next start of the agent on", "settings", strings.Join(later, ", "))
	}
}

// unchanging says that an origin is the command line or a variable, which do not change.
func unchanging(origin string) bool {
	return strings.HasPrefix(origin, "--") || strings.HasPrefix(origin, envPrefix)
}
