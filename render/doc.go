// Package render turns one source of an Application into a manifest.Set: it
// chooses the renderer, lets it read the commit through a tree that records
// every read and decrypts SOPS files on the way, and keeps the result until
// something that was read changes.
//
// Start with Engine.RenderAll, which is all that the agent and the command line
// call. A pass is one render without the cache; view is what a plugin sees.
//
// A Shelf takes it from one process to the next, but for what had to do with a secret.
//
// What comes out is as Git states it: no namespace is filled in, no secret of
// a controller resolved. Secrets are in memory only.
package render
