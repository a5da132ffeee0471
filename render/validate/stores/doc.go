// Package stores looks at what a cluster makes Secrets of, all together: whether
// the stores of ExternalSecrets are there and may be used, and whether two objects
// make one Secret.
//
// Start with [Check].
package stores
