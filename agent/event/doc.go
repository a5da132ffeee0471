// Package event tells of Applications by Kubernetes Events, which `kubectl
// describe` and dashboards show.
//
// Start with [Recorder].
package event
