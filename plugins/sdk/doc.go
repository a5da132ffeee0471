// Package sdk is what the author of a Tidelock plugin imports: three small
// contracts, and Serve.
//
// A plugin is a program of its own. Tidelock starts it, keeps it running, asks
// it to work over gRPC on a private unix socket, and kills it when a call takes
// too long. It never sees the disk: files come through [Tree], from the
// repository at one commit, and each read is recorded, so that Tidelock calls
// the plugin again only when something it read has changed.
//
// Start with [Renderer]; a complete one is:
//
//	func main() { sdk.Serve(sdk.Plugin{Name: "cue", Renderer: renderer{}}) }
//
// The wire format lives in package wire and is nobody's business but this
// package's and the host's. The built-in plugins take the same road as yours.
package sdk
