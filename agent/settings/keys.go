package settings

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/tidelock-io/tidelock/agent/diff"
)

// The keys that the agent acts on, beside those of customizations.
const (
	keyExclusions     = "resource.exclusions"
	keyInclusions     = "resource.inclusions"
	keyCompareOptions = "resource.compareoptions"
	keyInstallation   = "installationID"
	keyImpersonate    = "application.sync.impersonation.enabled"
	keyEnforce        = "application.sync.impersonation.enforced"
	keyTracking       = "application.resourceTrackingMethod"
	keyLabel          = "application.instanceLabelKey"
	keyInterval       = "timeout.reconciliation"
	keyJitter         = "timeout.reconciliation.jitter"
	keyHard           = "timeout.hard.reconciliation"
	keyInCluster      = "cluster.inClusterEnabled"
)

// key reads one key. What nobody acts on is noted.
func (r *reading) key(key, text string) {
	at := place{name: key, text: text}
	switch key {
	case keyExclusions:
		if e, ok := r.take(at, func() (entry, error) { return readKinds(text) }); ok {
			r.settings.Kinds.Exclusions = e.kinds
		}
	case keyInclusions:
		if e, ok := r.take(at, func() (entry, error) { return readKinds(text) }); ok {
			r.settings.Kinds.Inclusions = e.kinds
		}
	case keyCompareOptions:
		r.compareOptions(at)
	case keyInstallation:
		r.settings.Installation = strings.TrimSpace(text)
	case keyImpersonate:
		e, ok := r.take(at, func() (entry, error) { return readFlag(text) })
		r.settings.Impersonate = e.flag || !ok // what cannot be read must not give more rights
	case keyEnforce:
		if e, ok := r.take(at, func() (entry, error) { return readFlag(text) }); ok && !e.flag {
			r.note("%s has no effect: with impersonation, what no ServiceAccount is named for is always refused", key)
		}
	case keyInCluster:
		if e, ok := r.take(at, func() (entry, error) { return readFlag(text) }); ok {
			r.settings.InClusterDisabled = !e.flag
		}
	case keyInterval, keyJitter, keyHard:
		if e, ok := r.take(at, func() (entry, error) { return readSpan(text) }); ok {
			r.span(key, e.span)
		}
	case keyLabel:
		r.settings.Label = strings.TrimSpace(text)
		r.note("%s has no effect: objects are tracked by annotation", key)
	case keyTracking:
		r.settings.Tracking = strings.TrimSpace(text)
		if text != "" && text != "annotation" {
			r.note("%s %.40q has no effect: objects are tracked by annotation", key, text)
		}
	default:
		if key != oldKey && !strings.HasPrefix(key, customizations) {
			r.note("%s is not acted on", key)
		}
	}
}

// span takes note of a part of the pace.
func (r *reading) span(key string, span time.Duration) {
	switch key {
	case keyInterval:
		r.settings.interval = &span
	case keyJitter:
		r.settings.jitter = &span
	case keyHard:
		r.settings.hard = span
	}
}

func readFlag(text string) (entry, error) {
	flag, err := strconv.ParseBool(strings.TrimSpace(text))
	if err != nil {
		return entry{}, fmt.Errorf("%.40q is neither true nor false", text)
	}
	return entry{flag: flag}, nil
}

// kindRule is diff.KindRule as the ConfigMap has it.
type kindRule struct {
	APIGroups []string `yaml:"apiGroups"`
	Kinds     []string `yaml:"kinds"`
	Clusters  []string `yaml:"clusters"`
}

// readKinds reads a list of exclusions or inclusions; it is never nil, for an
// empty list of exclusions is in the place of the usual ones.
func readKinds(text string) (entry, error) {
	var rules []kindRule
	if err := decode(text, &rules); err != nil {
		return entry{}, err
	}
	kinds := make([]diff.KindRule, len(rules))
	for i, rule := range rules {
		if len(rule.APIGroups)+len(rule.Kinds)+len(rule.Clusters) == 0 {
			return entry{}, fmt.Errorf("rule %d names neither apiGroups nor kinds nor clusters, and would be about all", i+1)
		}
		for _, globs := range [][]string{rule.APIGroups, rule.Kinds, rule.Clusters} {
			if err := checkGlobs(globs...); err != nil {
				return entry{}, fmt.Errorf("rule %d: %w", i+1, err)
			}
		}
		kinds[i] = diff.KindRule(rule)
	}
	return entry{kinds: kinds}, nil
}

// compareOptions are checked, and noted where they ask for what server-side apply
// does otherwise.
func (r *reading) compareOptions(at place) {
	var options struct {
		Status    string `yaml:"ignoreResourceStatusField"`
		Roles     *bool  `yaml:"ignoreAggregatedRoles"`
		OnUpdates *bool  `yaml:"ignoreDifferencesOnResourceUpdates"`
	}
	err := decode(at.text, &options)
	switch options.Status {
	case "", "all":
	case "crd", "none", "off", "false":
		r.note("%s: ignoreResourceStatusField %s has no effect: the status of an object is its controller's, and is never compared", at.name, options.Status)
	default:
		err = errors.Join(err, fmt.Errorf("ignoreResourceStatusField %.40q is none of all, crd and none", options.Status))
	}
	if options.Roles != nil && !*options.Roles {
		r.note("%s: ignoreAggregatedRoles false has no effect: the rules of an aggregated role are its controller's, and are never compared", at.name)
	}
	if options.OnUpdates != nil && !*options.OnUpdates {
		r.note("%s: ignoreDifferencesOnResourceUpdates false has no effect: what is ignored causes no refresh", at.name)
	}
	if err != nil {
		r.settings.Problems = append(r.settings.Problems, at.problem(err))
	}
}
