// Package git turns a repository and a revision into a Tree: the files of one
// commit, read straight from the object store, never checked out.
//
// Start with Store: Resolve asks the server what a revision stands for, Tree
// opens the commit, fetching it first if the mirror lacks it: it alone, until
// somebody needs history. However many applications share a repository, it has
// one mirror and one fetch at a time.
// A Recorder wraps a Tree and notes every read as a Fact; Facts.Hold tells
// whether those reads would give the same on another commit. A Watcher polls
// what the store was asked for, and package webhook tells it of pushes at once.
// Verify proves that a commit or a tag is signed as a project demands.
// Files of Git LFS and submodules are fetched when a Tree is read there (see Repo).
// Dir gives the same Tree over a plain directory, for the command line, Archive
// over the files of a chart or an artifact.
//
// Nothing here runs a git binary: the agent's image has none.
package git
