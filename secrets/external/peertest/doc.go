// Package peertest compares what package external makes of an ExternalSecret with
// what external-secrets' own controller makes of it, on a real API server.
package peertest
