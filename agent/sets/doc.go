// Package sets keeps the Applications of ApplicationSets as their generators say, in the
// cluster. What is to be made, changed and deleted is package appset's to say; here it is
// asked for whenever there is a reason to, and done.
//
// Start with [New]; Run makes passes. A pass asks nobody for anything that has not
// changed: repositories are watched by package git, and Applications, sets, projects and
// clusters by the API server's watches.
//
// A pass that waits for a server keeps none waiting that does not ask that one, too.
//
// Whatever fails, fails before anything is done: no Application is made, changed or
// deleted by a pass in which a generator, a template or a repository cannot be read
// (SEMANTICS.md 1.9).
package sets
