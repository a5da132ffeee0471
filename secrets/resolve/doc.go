// Package resolve is the secrets stage of the pipeline: manifests go in, and the
// same come out with SealedSecrets and ExternalSecrets replaced by the Secrets
// that their controllers would have made, wherever those controllers are not.
//
// A SealedSecret whose kind is served, and whose controller is not there, stays
// in the set beside its Secret: its status says what came of it, and a controller
// that comes may take the Secret over, which is annotated for that.
//
// Start with [Stage] and its Run. The rule of which to resolve and which to
// leave is in mode.go.
package resolve
