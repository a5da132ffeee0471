package main

import (
	"errors"
	"fmt"
	"math"
	"net"
	"strconv"
	"time"

	"github.com/tidelock-io/tidelock/agent/install"
	"github.com/tidelock-io/tidelock/agent/metrics"
	"github.com/tidelock-io/tidelock/agent/trace"
	"github.com/tidelock-io/tidelock/secrets/resolve"
)

// A setting check says what is wrong with one option, beyond what its flag reads.
type settingCheck struct {
	flag  string
	wrong func(o *agentOptions) error
}

// settingChecks are all of them. They ask nobody but the file system.
var settingChecks = []settingCheck{
	{"application-namespaces", func(o *agentOptions) error { return o.checkElsewhere(o.namespaces) }},
	{"applicationset-namespaces", func(o *agentOptions) error { return o.checkElsewhere(o.setNamespaces) }},
	{"applicationset-policy", func(o *agentOptions) error { return checkSetPolicy(o.setPolicy) }},
	{"allowed-scm-providers", func(o *agentOptions) error { return checkProviders(o.scmProviders) }},
	{destinationsFlag, func(o *agentOptions) error { return install.CheckNamespaces(o.destinations) }},
	{"sealed-secrets", func(o *agentOptions) error { _, err := resolve.ParseMode(o.sealedSecrets); return err }},
	{"shadow-dry-runs", func(o *agentOptions) error {
		if o.shadowDryRuns && !o.shadow {
			return fmt.Errorf("it is for --%s only", shadowFlag)
		}
		return nil
	}},
	{selfServiceFlag, func(o *agentOptions) error {
		if o.selfService && (len(o.destinations) > 0 || o.impersonate) {
			return fmt.Errorf("it takes the right to read ConfigMaps and Secrets of all namespaces, which an agent with --%s or --impersonate has not", destinationsFlag)
		}
		return nil
	}},
	{"listen", func(o *agentOptions) error { return checkAddress(o.listen) }},
	{"metrics-listen", func(o *agentOptions) error { return checkAddress(o.metricsListen) }},
	{"replicas-listen", func(o *agentOptions) error { return checkAddress(o.replicasListen) }},
	{"lease-duration", func(o *agentOptions) error { return checkSpan(o.leaseDuration, shortestLease) }},
	{"metrics-application-labels", func(o *agentOptions) error { return metrics.CheckLabels(o.metricsLabels) }},
	{"metrics-applicationset-labels", func(o *agentOptions) error { return metrics.CheckLabels(o.metricsSetLabels) }},
	{"metrics-cluster-labels", func(o *agentOptions) error { return metrics.CheckLabels(o.metricsClusterLabels) }},
	{"webhook-secret-file", func(o *agentOptions) error { _, err := readSecretFile(o.webhookSecret); return err }},
	{"poll-interval", func(o *agentOptions) error {
		if o.pollInterval == 0 {
			return nil
		}
		return checkSpan(o.pollInterval, time.Second)
	}},
	{"refresh-interval", func(o *agentOptions) error { return checkSpan(o.refresh, time.Second) }},
	{"sync-timeout", func(o *agentOptions) error { return checkSpan(o.syncTimeout, 0) }},
	{"cluster-timeout", func(o *agentOptions) error { return checkSpan(o.clusterTimeout, time.Second) }},
	{"log-level", func(o *agentOptions) error { _, err := parseLevel(o.logLevel); return err }},
	{"log-format", func(o *agentOptions) error { return checkFormat(o.logFormat) }},
	{"otlp-endpoint", func(o *agentOptions) error {
		if o.otlpEndpoint == "" {
			return nil
		}
		_, _, err := trace.Endpoint(o.otlpEndpoint)
		return err
	}},
	{"trace-ratio", func(o *agentOptions) error {
		if math.IsNaN(o.traceRatio) || o.traceRatio < 0 || o.traceRatio > 1 {
			return fmt.Errorf("%v is not from 0 to 1", o.traceRatio)
		}
		return nil
	}},
	{"debug-listen", func(o *agentOptions) error {
		if o.debugListen == "" {
			return nil
		}
		return checkLoopback(o.debugListen)
	}},
}

// check says what is wrong with the options, and where that is from.
func (o *agentOptions) check(from origins) error {
	var errs []error
	for _, c := range settingChecks {
		if err := c.wrong(o); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", from.name(c.flag), err))
		}
	}
	return errors.Join(errs...)
}

// level is from which on things are logged.
func (o *agentOptions) level() string {
	if o.debug {
		return "debug"
	}
	return o.logLevel
}

// mostSpan is longer than any interval that somebody means.
const mostSpan = 365 * 24 * time.Hour

func checkSpan(span, least time.Duration) error {
	switch {
	case span < least:
		return fmt.Errorf("%s is too short: give at least %s", span, least)
	case span > mostSpan:
		return fmt.Errorf("%s is more than a year", span)
	}
	return nil
}

// checkAddress wants an address with a port; its host may be empty.
func checkAddress(address string) error {
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		return fmt.Errorf("%.60q is no address such as :8080 or 127.0.0.1:8080", address)
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return fmt.Errorf("%.60q has no port from 0 to 65535", address)
	}
	return nil
}

func checkFormat(format string) error {
	if format != jsonFormat && format != textFormat {
		return fmt.Errorf("%.40q is neither %s nor %s", format, jsonFormat, textFormat)
	}
	return nil
}
