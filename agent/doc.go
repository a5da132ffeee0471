// Package agent is the in-cluster agent: it decides when to look at which
// Application, and runs what has to run. What a look is, is package reconcile's.
//
// The flow, and the room of each step:
//
//	commit ─► tree ─► manifests ─► secrets ─► changes ─► plan ─► apply ─► status
//	git, registry     render       secrets    diff       plan    apply    reconcile
//
// The rooms:
//
//   - api: Argo CD's objects
//   - git: mirrors, revisions, and Tree, the files of one commit
//   - registry: the same of charts, OCI artifacts and single files
//   - pipeline: the first half of the flow, from an Application to what it states
//   - cluster: what is live, known by watches and kept as records
//   - destinations: the clusters that Applications are for, and whether they answer
//   - diff, health, plan, project, window: pure functions of what the others found;
//     health/script: health checks that administrators wrote
//   - appset: the Applications that ApplicationSets make; pure, too;
//     appset/forge: what GitHub, GitLab, Gitea and plugins answer to generators
//   - sets: keeps these Applications in the cluster as ApplicationSets say
//   - blast: what a range of commits does to the objects of Applications; pure, too
//   - fleet: what Applications say about each other before any cluster has them; pure, too
//   - depend: which Applications wait for which; pure, too
//   - apply: the only writer to a destination cluster
//   - served: what a cluster serves, with its schemas
//   - rehearsal: what an API server of its own says of objects; controlplane runs it
//   - reconcile: one pass over one Application; writes its status
//   - readonly: keeps clients from writing, for agents that look on at Argo CD
//   - rival: whether Argo CD works on the same Applications
//   - shadow: what we would say of Applications beside what Argo CD says; pure, too
//   - migrate: how a cluster goes from Argo CD to this agent; pure, too
//   - keyring: repository credentials and keys, followed in the cluster
//   - webhook: announcements of pushes, and of what was published
//   - settings: what administrators set for all Applications
//   - shard: which of several replicas works on what; peers: what these ask each other
//   - metrics: what Prometheus reads
//   - notify: what people are told of Applications, by mail, chat and webhook
//   - trace: how a commit goes through the flow, for OpenTelemetry
//   - traffic: what is asked of API servers, and for whom
//   - probe: whether the agent lives, and whether it is ready
//   - memory: how much of it there is
//   - install: the objects that an installation consists of; pure, too
//
// Start with [Agent].
package agent
