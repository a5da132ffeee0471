// Package monitoring has the alerts and the dashboard of this directory checked by
// Prometheus' own parser and engine. It is a module of its own, so that nothing else
// depends on Prometheus.
package monitoring
