// Package rollout finds out which workloads have to restart because what their pods
// use has changed: a Secret that was rotated, a ConfigMap if they follow those, too.
//
// Each workload that opted in (api.AnnotationRolloutOn) gets a mark on its pod
// template (api.AnnotationRollout): a keyed digest of each thing that it uses. A mark
// is a function of the data and of one key of the installation, so that it is the same
// after a restart of the agent, in another replica and in the next version; a value
// that was read again, and is the same, changes nothing.
//
// Start with [Workloads], then [Owned.Mark]. All of it is pure.
package rollout
