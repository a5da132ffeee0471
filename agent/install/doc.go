// Package install is what a cluster needs to run Tidelock: definitions, rights, a
// Deployment and what belongs to it, as one set of objects, from which the command
// line, the Helm chart and the kustomization are all written.
//
// Start with [Objects]. It is a function of its options.
package install
