// Package policy judges objects by policies that are written for an API server:
// ValidatingAdmissionPolicies and their bindings.
//
// Start with [New] and [Compiler.Cluster]. Expressions are compiled and evaluated
// with the API server's own library, within its cost limits, on what it would see
// of an object that is created: with the defaults of Kubernetes' kinds and of custom
// ones. What cannot be known without a cluster is not guessed at:
//
//   - An expression that asks who the user is, or the authorizer, is left out.
//   - Policies see which items a Secret has. What depends on their values is left out.
//   - Of a namespace that is not rendered only its name is known. What depends on
//     its labels is left out.
//   - The operation is CREATE, and there is no oldObject.
//   - Parameters are those that are rendered for the same cluster, or lie beside the
//     policies. Where none of the kind does, nothing is judged.
package policy
