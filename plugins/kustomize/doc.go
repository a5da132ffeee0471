// Package kustomize is the built-in renderer of Kustomize overlays: what
// `kustomize build` gives, in its order, from the commit's tree.
//
// Start with [Plugin]. It runs kustomize's own library over an in-memory view
// of the tree ([files]), in which the kustomization to render is edited as
// Argo CD does with `kustomize edit` ([options]). What would need the network
// or another program is refused, by file and line ([check]).
package kustomize
