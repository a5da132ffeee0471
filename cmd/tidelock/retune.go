package main

import (
	"slices"
	"strings"

	"github.com/tidelock-io/tidelock/agent/metrics"
	"github.com/tidelock-io/tidelock/agent/reconcile"
	"github.com/tidelock-io/tidelock/secrets/resolve"
)

// A retune has the parts work by a setting that is another one than before.
type retune func(p *parts, o *agentOptions)

// atOnce are the settings that may change while the agent runs, and what has to be done
// then. Each setting is here or in atStart, which is a test.
var atOnce = map[string]retune{
	"application-namespaces":         (*parts).retuneNamespaces,
	"applicationset-namespaces":      func(p *parts, o *agentOptions) { p.sets.Follow(o.setsElsewhere()) },
	"allowed-scm-providers":          (*parts).retuneSets,
	"scm-providers":                  (*parts).retuneSets,
	"tokenref-strict-mode":           (*parts).retuneSets,
	"debug":                          (*parts).retuneLog,
	"log-level":                      (*parts).retuneLog,
	"log-format":                     (*parts).retuneLog,
	"poll-interval":                  (*parts).retunePace,
	"refresh-interval":               (*parts).retunePace,
	"sync-timeout":                   (*parts).retunePace,
	"impersonate":                    (*parts).retunePace,
	"ignore-argocd":                  (*parts).retunePace,
	"sealed-secrets":                 (*parts).retuneRenders,
	"sealed-secrets-accept-v1-data":  (*parts).retuneRenders,
	"git-submodules":                 (*parts).retuneRenders,
	"new-git-file-globbing":          func(p *parts, o *agentOptions) { p.sets.Glob(o.globbing) },
	"applicationset-policy":          (*parts).retuneRules,
	"applicationset-policy-override": (*parts).retuneRules,
	"applicationset-dry-run":         (*parts).retuneRules,
	"progressive-syncs":              (*parts).retuneRules,
	"preserved-annotations":          (*parts).retuneRules,
	"preserved-labels":               (*parts).retuneRules,
	"metrics-application-labels":     (*parts).retuneMetrics,
	"metrics-application-conditions": (*parts).retuneMetrics,
	"metrics-applicationset-labels":  (*parts).retuneMetrics,
	"metrics-cluster-labels":         (*parts).retuneMetrics,
	"notifications":                  func(p *parts, o *agentOptions) { p.notifying.Store(o.notifications) },
	"trace-ratio":                    func(p *parts, o *agentOptions) { p.tracer.Sample(o.traceRatio) },
	"webhook-secret-file":            func(p *parts, o *agentOptions) { p.hookFile.follow(o.webhookSecret) },
}

// atStart are the settings that count from the next start of the agent on, and why.
var atStart = map[string]string{
	"allow-cluster-exec":       "clusters are logged in to by it",
	"cluster-timeout":          "connections are made with it",
	"kubeconfig":               "all connections are made by it",
	"lease-duration":           "the others go by it",
	"namespace":                "it says where the ConfigMap is",
	destinationsFlag:           "its rights go by it, and so does what is watched",
	"cache-dir":                "what is in it is in use",
	"debug-listen":             "sockets stay bound",
	"listen":                   "sockets stay bound",
	"metrics-listen":           "sockets stay bound",
	"otlp-endpoint":            "what is traced is under way to it",
	"plugin-dir":               "plugins are started with it",
	"plugin-scratch-dir":       "plugins are started with it",
	"replica-address":          "it is told to the others",
	"replicas-listen":          "sockets stay bound",
	"require-plugin-checksums": "plugins are started with it",
	requireSandboxFlag:         "plugins are started with it",
	"sealed-secrets-namespace": "its keys are followed",
	shadowFlag:                 "an agent looks on or works, and is installed for that",
	"shadow-dry-runs":          "clients are made with it",
	selfServiceFlag:            "what is followed goes by it",
	"sops-workload-identity":   "plugins are started with it",
}

// atStartText names them, as a text has it that is filled.
func atStartText() string {
	var names []string
	for name := range atStart {
		if !slices.Contains(beforehand, name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	var lines []string
	line := ""
	for i, name := range names {
		if i < len(names)-1 {
			name += ","
		}
		if line != "" && len(line)+1+len(name) > 86 {
			lines, line = append(lines, line), ""
		}
		line = strings.TrimPrefix(line+" "+name, " ")
	}
	return strings.Join(append(lines, line), "\n")
}

// retuned has the parts work by the settings that have changed.
func (p *parts) retuned(o *agentOptions, changed []string) {
	for _, name := range changed {
		atOnce[name](p, o)
	}
	p.agent.All()
}

// retuneNamespaces follows the Applications of other namespaces.
func (p *parts) retuneNamespaces(o *agentOptions) {
	p.applications.Follow(o.elsewhere())
	p.sets.All()
}

// retuneSets has what servers are asked and shown be decided anew.
func (p *parts) retuneSets(*agentOptions) { p.sets.Renew(nil, true) }

// retuneRules has ApplicationSets be kept by other rules.
func (p *parts) retuneRules(o *agentOptions) { p.sets.Rule(o.setRules()) }

// retuneLog leaves a level that was set by a signal or by hand as it is, unless it is
// the level that has changed.
func (p *parts) retuneLog(o *agentOptions) {
	p.logs.plain.Store(o.logFormat == textFormat)
	level, _ := parseLevel(o.level()) // it was checked
	if p.logs.asked.Swap(int64(level)) != int64(level) {
		p.logs.set(level, "the settings have changed")
	}
}

// retunePace is about when Applications are looked at, and how they are synced.
func (p *parts) retunePace(o *agentOptions) {
	p.engine.impersonate.Store(o.impersonate)
	p.reconciler.Tune(o.tuning())
	p.paced(p.engine.settings.Settings())
}

// tuning is what a Reconciler needs of them.
func (o *agentOptions) tuning() reconcile.Tuning {
	return reconcile.Tuning{Refresh: o.refresh, Insist: o.insistRefresh, SyncTimeout: o.syncTimeout, Impersonate: o.impersonate, IgnoreRivals: o.ignoreArgo}
}

// retuneRenders is about what becomes of files: all is rendered anew.
func (p *parts) retuneRenders(o *agentOptions) {
	p.tuneRenders(o)
	for _, app := range p.applications.List() {
		p.engine.pipeline.Renew(app, true)
	}
}

// tuneRenders has renders follow the settings.
func (p *parts) tuneRenders(o *agentOptions) {
	sealed, _ := resolve.ParseMode(o.sealedSecrets) // it was checked
	p.engine.pipeline.Secrets.Tune(sealed, o.sealedV1)
	p.engine.pipeline.NoSubmodules.Store(!o.submodules)
}

func (p *parts) retuneMetrics(o *agentOptions) { p.metrics.Tell(o.telling()) }

// telling is what metrics tell only on demand.
func (o *agentOptions) telling() metrics.Telling {
	return metrics.Telling{
		ApplicationLabels: o.metricsLabels, SetLabels: o.metricsSetLabels, ClusterLabels: o.metricsClusterLabels, Conditions: o.metricsConditions,
	}
}
