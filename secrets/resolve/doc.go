// Package resolve is the secrets stage of the pipeline: manifests go in, and the
// same come out with SealedSecrets and ExternalSecrets replaced by the Secrets
// that their controllers would have made, wherever those controllers are not.
//
// Start with [Stage] and its Run. The rule of which to resolve and which to
// leave is in mode.go.
package resolve
