// Package secrets holds the type in which secret bytes travel: [Value], which
// never prints. Start there.
//
// The stages that make Values live below: sealed opens SealedSecrets, external
// asks the external-secrets plugin, and resolve is the step of the pipeline
// that decides which of them to use, or to leave an object to its controller.
package secrets
