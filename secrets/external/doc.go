// Package external resolves ExternalSecrets: it asks the plugin process that
// holds external-secrets' own code to fetch and template, shows that process no
// object but those which external-secrets would let it read, and keeps what it
// got until spec.refreshInterval has passed.
//
// Start with [Resolver]. The rules on what may be read are in policy.go.
package external
