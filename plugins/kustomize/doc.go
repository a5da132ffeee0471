// Package kustomize is the built-in renderer of Kustomize overlays: what
// `kustomize build` gives, in its order, from the commit's tree.
//
// Start with [Plugin]. It runs kustomize's own library over an in-memory view
// of the tree ([files]), in which the kustomization to render is edited as
// Argo CD does with `kustomize edit` ([options]).
//
// What lies outside of the repository comes from the host: remote bases and
// files are mounted when the kustomization that names them is read, and stand in
// its text as paths ([files.mount]); charts are rendered by the helm plugin and
// stand in it as a component ([files.inflate]). Which of the two an https address
// is of, a repository or a single file, is told by the address alone ([isFile]):
// kustomize asks the server. Functions that are programs or containers are
// refused. An error is put in a person's words, with file and line and the
// kustomizations that led there ([files.explain]).
package kustomize
