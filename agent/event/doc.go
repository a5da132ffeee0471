// Package event tells of Applications and ApplicationSets by Kubernetes Events, which `kubectl
// describe` and dashboards show.
//
// Start with [Recorder].
package event
