package install

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/tidelock-io/tidelock/agent/project"
)

// A contradiction is of options that make no sense together, here and as a chart's
// values.
type contradiction struct {
	of     func(Options) bool
	values string // the condition, as a template has it
	words  string
}

var contradictions = []contradiction{
	{
		func(o Options) bool { return o.ShadowDryRuns && !o.Shadow },
		"and .Values.shadowDryRuns (not .Values.shadow)",
		"shadow-dry-runs: it is for shadow only",
	},
	{
		func(o Options) bool { return o.Shadow && o.Impersonate },
		"and .Values.shadow .Values.impersonate",
		"impersonate: an agent that looks on writes in nobody's name: leave it out beside shadow",
	},
	{
		func(o Options) bool { return o.Shadow && o.Replicas > 1 },
		"and .Values.shadow (gt (int .Values.replicas) 1)",
		"replicas: agents that look on have no Leases by which they could divide the Applications: give 1 beside shadow",
	},
	{
		func(o Options) bool { return o.confined() && len(o.ApplicationNamespaces)+len(o.SetNamespaces) > 0 },
		"and .Values.namespaces (or .Values.applicationNamespaces .Values.applicationSetNamespaces)",
		ApplicationsFlag + ": what is in other namespaces is followed in the whole cluster, and an agent with a scope of namespaces has no right to that: leave it out",
	},
	{
		func(o Options) bool { return len(o.SetNamespaces) > 0 && len(o.ApplicationNamespaces) == 0 },
		"and .Values.applicationSetNamespaces (not .Values.applicationNamespaces)",
		SetsFlag + ": the Applications of ApplicationSets stay in these namespaces: name them by " + ApplicationsFlag + ", too",
	},
	{
		func(o Options) bool {
			return o.Impersonate && slices.ContainsFunc(o.elsewhere(), func(p string) bool { return checkNamespace(p) != nil })
		},
		`and .Values.impersonate (not (regexMatch "^[a-z0-9,-]*$" (join "," (concat .Values.applicationNamespaces .Values.applicationSetNamespaces))))`,
		ApplicationsFlag + ": give names, and no patterns, beside impersonate: the agent gets the rights in each of them that it else has in the whole cluster",
	},
}

// contradictions are those that the options have.
func (o Options) contradictions() (errs []error) {
	for _, c := range contradictions {
		if c.of(o) {
			errs = append(errs, errors.New(c.words))
		}
	}
	return append(errs, o.wrongPatterns()...)
}

// elsewhere are the patterns of both kinds.
func (o Options) elsewhere() []string { return slices.Concat(o.ApplicationNamespaces, o.SetNamespaces) }

// wrongPatterns says what is wrong with patterns of namespaces, each by itself and
// together.
func (o Options) wrongPatterns() (errs []error) {
	applications, err := project.NewNamespaces(o.ApplicationNamespaces)
	if err != nil {
		errs = append(errs, fmt.Errorf("%s: %w", ApplicationsFlag, err))
	}
	if _, err := project.NewNamespaces(o.SetNamespaces); err != nil {
		errs = append(errs, fmt.Errorf("%s: %w", SetsFlag, err))
	}
	for _, pattern := range o.elsewhere() {
		if pattern == "" || strings.ContainsAny(pattern, ",\"\n") {
			errs = append(errs, fmt.Errorf("%s: %q: a pattern that is empty, or has a comma, a quote or a line break in it, cannot be given by a flag", ApplicationsFlag, pattern))
		}
	}
	for _, name := range o.SetNamespaces {
		if len(o.ApplicationNamespaces) > 0 && checkNamespace(name) == nil && !applications.Has(name) {
			errs = append(errs, fmt.Errorf("%s: the Applications of ApplicationSets stay in namespace %s: name it by %s, too", SetsFlag, name, ApplicationsFlag))
		}
	}
	return errs
}
