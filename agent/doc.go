// Package agent is the in-cluster agent: it decides when to look at which
// Application, and runs what has to run. What a look is, is package reconcile's.
//
// The flow, and where each step lives:
//
//		commit ─► tree ─► manifests ─► secrets ─► changes ─► plan ─► apply ─► status
//		git                render        secrets    diff       plan    apply    reconcile
//		                   plugins                  cluster
//
//	  - git: mirrors, revisions, and Tree, the files of one commit
//	  - cluster: what is live, known by watches and kept as records
//	  - diff, health, plan: pure functions of what the others found
//	  - apply: the only writer to a destination cluster
//	  - reconcile: one pass over one Application; writes its status
//	  - keyring: repository credentials and keys, followed in the cluster
//	  - api: Argo CD's objects
//	  - metrics: what Prometheus reads
//
// Start with [Agent].
package agent
