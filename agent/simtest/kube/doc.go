// Package kube is a Kubernetes API server in memory, for tests: as faithful as
// the engine depends on it, and no more. It is an http.RoundTripper, so that real
// clients talk to it without a network, in the fake time of testing/synctest too.
//
// It knows resource versions, uids, generations, server-side apply with
// managedFields (by the very code of the real one), dry runs, merge, JSON and
// strategic patches, finalizers, the three propagations of deletion,
// preconditions, selectors, listings as streams, bookmarks, and watches that go
// on from a resource version or are told 410 Gone. In controllers.go are those of
// Deployments, Jobs, namespaces and CustomResourceDefinitions, and the garbage
// collector.
//
// Start with [New]. Nobody is asked for rights, and nothing is admitted or
// mutated but by what validate and fillDefaults say.
package kube
