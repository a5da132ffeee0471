package install

import (
	"fmt"
	"strings"
)

// Flags are those of tidelock install that ask for the options, each behind a space;
// those of the namespace and the image are left out.
func (o Options) Flags() string {
	var all strings.Builder
	say := func(given bool, format string, args ...any) {
		if given {
			fmt.Fprintf(&all, " "+format, args...)
		}
	}
	say(o.Replicas > 1, "--replicas %d", o.Replicas)
	say(o.confined(), "--scope %s%s", namespacesScope, strings.Join(o.Namespaces, ","))
	say(o.sealing() != o.anywhere(), "--sealed-secrets-namespace %s", o.sealing())
	say(len(o.ApplicationNamespaces) > 0, "--%s '%s'", ApplicationsFlag, strings.Join(o.ApplicationNamespaces, ","))
	say(len(o.SetNamespaces) > 0, "--%s '%s'", SetsFlag, strings.Join(o.SetNamespaces, ","))
	say(o.Impersonate, "--impersonate")
	say(o.Shadow, "--shadow")
	say(o.ShadowDryRuns, "--shadow-dry-runs")
	say(o.KeepNamespace && !o.Shadow, "--no-namespace")
	say(o.Monitoring, "--monitoring")
	return all.String()
}

// anywhere is where sealing keys are if nobody says so.
func (o Options) anywhere() string {
	o.SealingNamespace = ""
	return o.sealing()
}
