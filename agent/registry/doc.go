// Package registry turns what is not in Git into a git.Tree: charts of Helm
// repositories and of OCI registries, OCI artifacts of manifests, and single
// files over https.
//
// Start with Store, which is shaped like git.Store: Resolve asks the server what
// a revision stands for, Known answers from memory, Tree gives the files. A
// revision is a chart's version, or the digest of an artifact or a file; a
// version constraint chooses the greatest version. A Watcher polls what the store
// was asked for, one request at a time for each repository.
//
// Servers are not trusted: all that they send has a limit, digests are checked,
// archives are unpacked in memory and may hold no more than files, and
// credentials go to the scheme, host and port alone that they are for.
package registry
