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
	"github.com/tidelock-io/tidelock/agent/api"
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
	"controller.log.level":                      "log-level",
	"controller.log.format":                     "log-format",
	"controller.metrics.application.labels":     "metrics-application-labels",
	"controller.metrics.application.conditions": "metrics-application-conditions",
	"controller.metrics.cluster.labels":         "metrics-cluster-labels",
	"application.namespaces":                    "application-namespaces",

	"applicationsetcontroller.namespaces":                   "applicationset-namespaces",
	"applicationsetcontroller.allowed.scm.providers":        "allowed-scm-providers",
	"applicationsetcontroller.enable.scm.providers":         "scm-providers",
	"applicationsetcontroller.enable.tokenref.strict.mode":  "tokenref-strict-mode",
	"applicationsetcontroller.enable.new.git.file.globbing": "new-git-file-globbing",
	"applicationsetcontroller.policy":                       "applicationset-policy",
	"applicationsetcontroller.enable.policy.override":       "applicationset-policy-override",
	"applicationsetcontroller.enable.progressive.syncs":     "progressive-syncs",
	"applicationsetcontroller.dryrun":                       "applicationset-dry-run",
	"applicationsetcontroller.global.preserved.annotations": "preserved-annotations",
	"applicationsetcontroller.global.preserved.labels":      "preserved-labels",
	"notificationscontroller.selfservice.enabled":           selfServiceFlag,
	"otlp.address": "otlp-endpoint",
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

// paramMaps are those that count, the first before the others, without what they say.
func paramMaps() []paramMap {
	return []paramMap{{name: ownParams}, {name: argoParams, keys: argoKeys}}
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

// A misread is an entry of a ConfigMap that is wrong.
type misread struct {
	configMap string
	flag      string // "" if it is none's
	err       error
}

func (m *misread) Error() string { return m.err.Error() }

func (m *misread) Unwrap() error { return m.err }

// joined is all that is wrong, as one error; nil if nothing is.
func joined(all []*misread) error {
	var errs []error
	for _, m := range all {
		errs = append(errs, m)
	}
	return errors.Join(errs...)
}

// entry names an entry of a ConfigMap.
func entry(configMap, key string) string { return fmt.Sprintf("ConfigMap %s, key %q", configMap, key) }

// fromMaps gives flags that have no value yet those of ConfigMaps, the first of which
// counts. Ignored are the keys that nobody acts on.
func fromMaps(flags *pflag.FlagSet, from origins, all ...paramMap) (ignored []string, wrong []*misread) {
	for _, m := range all {
		for _, key := range slices.Sorted(maps.Keys(m.data)) {
			flag, at := m.flagOf(key), entry(m.name, key)
			switch {
			case m.keys != nil && strings.TrimSpace(m.data[key]) == "": // to Argo CD that is none
			case flag == "":
				ignored = append(ignored, key)
			case slices.Contains(beforehand, flag):
				wrong = append(wrong, &misread{m.name, "", fmt.Errorf("%s: it must be a flag or a variable, for it says where the ConfigMap is", at)})
			case flags.Lookup(flag) == nil || flag == "help":
				wrong = append(wrong, &misread{m.name, "", fmt.Errorf("%s: there is no such setting: %s", at, meant(flags, key))})
			case from[flag] == "":
				from[flag] = at
				if err := setting(flags, flag, m.data[key], at); err != nil {
					wrong = append(wrong, &misread{m.name, flag, err})
				}
			}
		}
	}
	return ignored, wrong
}

// meant is what to do about a key that no setting has.
func meant(flags *pflag.FlagSet, key string) string {
	var names []string
	flags.VisitAll(func(f *pflag.Flag) {
		if f.Name != "help" && !slices.Contains(beforehand, f.Name) {
			names = append(names, f.Name)
		}
	})
	if near := api.Nearest(key, names); near != "" {
		return fmt.Sprintf("did you mean %q?", near)
	}
	return "tidelock agent --help lists them"
}

// readParams asks for the ConfigMaps, until the API server answers.
func readParams(ctx context.Context, cfg *rest.Config, namespace string, log *slog.Logger) ([]paramMap, error) {
	all := paramMaps()
	for i := range all {
		err := wait.PollUntilContextCancel(ctx, time.Second, true, func(ctx context.Context) (done bool, err error) {
			all[i].data, err = keyring.ReadConfig(ctx, cfg, namespace, all[i].name)
			if errors.Is(err, keyring.ErrUnlabelled) {
				log.Warn("a ConfigMap counts only with its label", "error", err)
				return true, nil
			}
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

// settle takes what flags and variables do not say from ConfigMaps, and checks it all.
func (o *agentOptions) settle(ctx context.Context, cfg *rest.Config, flags *pflag.FlagSet, from origins, log *slog.Logger) (ignored []string, err error) {
	all, err := readParams(ctx, cfg, o.namespace, log)
	if err != nil {
		return nil, err
	}
	ignored, wrong := fromMaps(flags, from, all...)
	if err = joined(wrong); err == nil {
		err = o.check(from)
	}
	if err != nil {
		return nil, &usageError{"tidelock agent", err}
	}
	o.insist(flags)
	return ignored, nil
}

// insist notes which intervals were given, and count before argocd-cm.
func (o *agentOptions) insist(flags *pflag.FlagSet) {
	o.insistRefresh, o.insistPoll = flags.Changed("refresh-interval"), flags.Changed("poll-interval")
}
