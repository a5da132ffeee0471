// Package testenv starts the real parts that tests, demonstrations and
// measurements run against: a Kubernetes control plane, Git repositories over
// HTTP and the agent as a process of its own. Nothing in it stands in for
// anything.
//
// A run begins with [Build], then [StartCluster], [StartGit] and [StartAgent].
// [Until] waits for what the cluster shows, by a watch; [Cluster.Record] keeps
// all of it. [Cluster.StartFaults] is an API server that fails at times.
// [SOPSKey] and [SealingKey] make the encrypted files of a repository.
// [StartVault] is a HashiCorp Vault. [Canaries] says whether a secret stands
// where it must not.
//
// Each part keeps its files in the directory that it is given and leaves no
// process behind: the kernel ends a part whose starter was killed.
package testenv
