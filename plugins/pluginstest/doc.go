// Package pluginstest is the one suite that every plugin passes, built in or
// not, through the real host and in real processes.
//
// Start with [Main], which lets a test binary serve the plugin under test, then
// [Renderer] for the rules that hold for all, and [Golden] for what yours makes
// of a tree.
package pluginstest
