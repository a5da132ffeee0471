// Package pipeline makes the first half of the flow one value: from an
// Application to the objects it states, commit ─► tree ─► manifests ─► secrets.
//
// Start with [Pipeline.Desired]. It is what the agent runs in the cluster.
package pipeline
