package api

// Annotations of managed objects.
const (
	// AnnotationTrackingID says which application an object belongs to; see [TrackingID].
	AnnotationTrackingID = "argocd.argoproj.io/tracking-id"
	// AnnotationInstallationID tells agents that share a cluster apart.
	AnnotationInstallationID = "argocd.argoproj.io/installation-id"
	// AnnotationSyncWave is an integer; lower waves are applied first.
	AnnotationSyncWave = "argocd.argoproj.io/sync-wave"
	// AnnotationHook is a list of [HookType], AnnotationHookDeletePolicy of [HookDeletePolicy].
	AnnotationHook             = "argocd.argoproj.io/hook"
	AnnotationHookDeletePolicy = "argocd.argoproj.io/hook-delete-policy"
	// AnnotationSyncOptions and AnnotationCompareOptions are lists; see [ParseSyncOptions].
	// AnnotationCompareOptions may also be on an Application.
	AnnotationSyncOptions    = "argocd.argoproj.io/sync-options"
	AnnotationCompareOptions = "argocd.argoproj.io/compare-options"
	// AnnotationIgnoreHealthCheck "true" keeps the object out of the application's health.
	AnnotationIgnoreHealthCheck = "argocd.argoproj.io/ignore-healthcheck"
	// AnnotationIgnoreResourceUpdates "true" lets configured updates not cause a refresh.
	AnnotationIgnoreResourceUpdates = "argocd.argoproj.io/ignore-resource-updates"
	// AnnotationIgnoreRestartPolicy "true" judges any Pod as one that runs on.
	AnnotationIgnoreRestartPolicy = "argocd.argoproj.io/ignore-restart-policy"
	// AnnotationLinkPrefix starts the names of annotations that hold a link for people.
	AnnotationLinkPrefix = "link.argocd.argoproj.io/"
	// AnnotationIgnoreDefaultLinks "true" shows no links but those of annotations.
	AnnotationIgnoreDefaultLinks = "argocd.argoproj.io/ignore-default-links"
)

// Annotations of Helm's that are honoured on managed objects.
const (
	AnnotationHelmHook             = "helm.sh/hook"
	AnnotationHelmHookWeight       = "helm.sh/hook-weight"
	AnnotationHelmHookDeletePolicy = "helm.sh/hook-delete-policy"
	// AnnotationHelmResourcePolicy "keep" forbids deletion.
	AnnotationHelmResourcePolicy = "helm.sh/resource-policy"
	HelmResourcePolicyKeep       = "keep"
)

// Annotations of Applications.
const (
	// AnnotationRefresh asks for a comparison now: [RefreshNormal] or [RefreshHard].
	// The agent removes it when it has served it.
	AnnotationRefresh          = "argocd.argoproj.io/refresh"
	AnnotationRefreshTimestamp = "argocd.argoproj.io/refresh-timestamp"
	// AnnotationHydrate is to the source hydrator what AnnotationRefresh is to the agent.
	AnnotationHydrate          = "argocd.argoproj.io/hydrate"
	AnnotationHydrateTimestamp = "argocd.argoproj.io/hydrate-timestamp"
	// AnnotationSkipReconcile "true" makes the agent leave the Application, or all
	// those of a cluster's secret, alone.
	AnnotationSkipReconcile = "argocd.argoproj.io/skip-reconcile"
	// AnnotationManifestGeneratePaths is a list, split by semicolons, of the paths
	// that the manifests depend on.
	AnnotationManifestGeneratePaths = "argocd.argoproj.io/manifest-generate-paths"
	// AnnotationDeletionApproved is an RFC 3339 time: the consent to deletions that
	// were asked for before it.
	AnnotationDeletionApproved = "argocd.argoproj.io/deletion-approved"
	// AnnotationManagedByURL is the address of the user interface to link to.
	AnnotationManagedByURL = "argocd.argoproj.io/managed-by-url"
	// AnnotationNoticePrefix starts the names of annotations that hold a banner for people.
	AnnotationNoticePrefix = "notice.argocd.argoproj.io/"
	// AnnotationClientSideApplyMigrationManager names the field manager to migrate from.
	AnnotationClientSideApplyMigrationManager = "argocd.argoproj.io/client-side-apply-migration-manager"
	// AnnotationSubscribePrefix starts the names of annotations that subscribe to
	// notifications; AnnotationNotified holds which were sent.
	AnnotationSubscribePrefix = "notifications.argoproj.io/subscribe."
	AnnotationNotified        = "notified.notifications.argoproj.io"
)

// AnnotationApplicationSetRefresh "true" on an ApplicationSet asks for a pass now.
const AnnotationApplicationSetRefresh = "argocd.argoproj.io/application-set-refresh"

// Values of AnnotationRefresh and AnnotationHydrate. Hard drops caches first.
const (
	RefreshNormal = "normal"
	RefreshHard   = "hard"
)

// Our own annotations of Applications, for settings that Argo CD does not have.
const (
	// AnnotationWait "true" gates the last wave on health too.
	AnnotationWait = "tidelock.io/wait"
	// AnnotationApprove is the hash of a held plan: the consent to that plan. It is
	// on the Application, or in the operation.info of one operation; `tidelock sync
	// --approve` writes both. Without AnnotationRequireApproval the hash names the
	// deletions of the plan, which alone are held then.
	//
	// It names a plan at a revision, and is not used up: what undoes the very steps
	// that were approved is healed by the same steps, without another approval. A
	// newer commit, or one step more or less, is another plan.
	//
	// On an ApplicationSet the hash names the Applications whose deletion is held.
	AnnotationApprove = "tidelock.io/approve"
	// AnnotationRequireApproval, on an AppProject or an Application, lets no sync
	// apply, delete, or run a hook before somebody has approved of its very plan, by
	// AnnotationApprove; self-heal included, which is then a sync of the whole.
	// Either object suffices: an Application cannot take back what its project
	// demands. Any value but "false" demands it, so that no slip of the pen opens
	// what was to be closed. Dry runs need no approval, nor does the deletion of the
	// Application.
	//
	// The hash names the commits and sources, the sync options, and each step: phase,
	// wave, action, object, and what Git makes of the object. It does not name the
	// values of Secrets: those in Git are named by the commit, those of a provider may
	// change at any time.
	//
	// An operation is asked for its approval when it begins, and keeps it to its end,
	// retries and restarts of the agent included, as long as it is of the same commits
	// and sources: these it is bound to, so that a newer commit waits for its end.
	//
	// Who may approve is whoever may annotate the Application, and who may demand it
	// whoever may annotate the AppProject: the cluster's RBAC decides. Keep the right
	// to change Applications of a protected project from those who only commit; an
	// Application that is in Git itself is approved by whoever may commit that.
	AnnotationRequireApproval = "tidelock.io/require-approval"
	// AnnotationApproved, as an entry of operation.info, is the hash that an operation
	// was approved by when it began, or "deletions" if only these needed it. The agent
	// writes it; in what is asked for it has no meaning.
	AnnotationApproved = "tidelock.io/approved"
	// AnnotationHookKinds, as an entry of operation.info, are the kinds of the
	// operation's hooks, as in "Job.v1.batch Pod.v1.": the agent notes them before it
	// makes any, so that none is lost if it dies then.
	AnnotationHookKinds = "tidelock.io/hook-kinds"
	// AnnotationSealedSecrets and AnnotationExternalSecrets are [SecretsResolve] or
	// [SecretsApply]; if absent the agent decides by what the destination serves, and
	// of SealedSecrets by whether a Deployment of their controller is there, too.
	AnnotationSealedSecrets   = "tidelock.io/sealed-secrets"
	AnnotationExternalSecrets = "tidelock.io/external-secrets"
	// AnnotationAllowLeak lists keys, split by commas, whose decrypted values may show
	// in objects that are no Secrets: those which are no secret, in a file that was
	// encrypted with all it holds, as in "stage, hosts, smtp.host". A key is named by
	// its name or by its whole path, a file that is one value by its name; all keys of
	// a file or object by what messages call it: "web/values.yaml". A value is never
	// stated here. Who may annotate the Application thus decides what of its secrets
	// may be read by whoever may read its other objects.
	AnnotationAllowLeak = "tidelock.io/allow-leak"
	// AnnotationDependsOn lists the Applications, as NAME or NAMESPACE/NAME, that
	// must be Synced, Healthy and at rest before a sync of this one begins: an
	// automated one (self-heal, too) does not begin before; one that somebody asks
	// for waits, and says for what, unless its operation.info has
	// AnnotationIgnoreDependencies, or it is a dry run. A sync that has begun is
	// not held any more. NAME is in the namespace of the Application; what is in
	// another one counts if it is of the same project, or if the Application is in
	// the agent's namespace. Deletion waits for nobody: an Application goes even if
	// others depend on it, which then wait for one of its name.
	AnnotationDependsOn = "tidelock.io/depends-on"
	// AnnotationIgnoreDependencies "true", as an entry of operation.info, makes that
	// operation go ahead, whatever the Application depends on; `tidelock sync
	// --ignore-dependencies` writes it.
	AnnotationIgnoreDependencies = "tidelock.io/ignore-dependencies"
	// AnnotationSyncTimeout is how long an operation may take, retries included: a Go
	// duration. Without it, it may wait an hour for any one object.
	AnnotationSyncTimeout = "tidelock.io/sync-timeout"
	// AnnotationLookup lists the kinds that the charts of an Application may look up
	// in the destination, as in "v1/ConfigMap, apps/v1/Deployment"; none without it.
	// They see what the project would let the Application apply, with the rights that
	// it would be applied with. What was looked up is looked at again at each pass:
	// the Application is rendered anew if it has changed. Who may annotate the
	// Application thus lets those who write its charts read such objects.
	AnnotationLookup = "tidelock.io/lookup"
	// AnnotationValuesFrom lists what of Secrets and ConfigMaps the renderers of an
	// Application are given; see [ValuesFrom]. They are read in the Application's own
	// namespace, if AnnotationAllowValuesFrom of its project allows it.
	AnnotationValuesFrom = "tidelock.io/values-from"
	// AnnotationAllowValuesFrom, on an AppProject, lists what AnnotationValuesFrom of
	// its Applications may name, as in "Secret/api-*, ConfigMap/*"; nothing without it.
	// Secrets that are keys or credentials of the agent are refused, whatever it says.
	AnnotationAllowValuesFrom = "tidelock.io/allow-values-from"
	// AnnotationPostRender "kustomize" makes a chain of each source that Helm renders:
	// Kustomize then builds what Helm gave, with the source's kustomize block and with
	// the kustomization.yaml that lies beside a Chart.yaml in Git, if there is one. A
	// source that Helm does not render is as without it.
	AnnotationPostRender = "tidelock.io/post-render"
)

// PostRenderKustomize is the one value of AnnotationPostRender.
const PostRenderKustomize = "kustomize"

// IsChained says that the annotations of an Application have Kustomize build what
// Helm renders (see [AnnotationPostRender]).
func IsChained(annotations map[string]string) bool {
	return annotations[AnnotationPostRender] == PostRenderKustomize
}

// Our own annotations of managed objects.
const (
	// AnnotationOperation is on a hook: the operation, and its try, that made it.
	AnnotationOperation = "tidelock.io/operation"
	// AnnotationHookTimeout, on a hook or an Application, is how long a hook may
	// run: a Go duration.
	AnnotationHookTimeout = "tidelock.io/hook-timeout"
)

// AnnotationRolloutOn, on a Deployment, StatefulSet or DaemonSet, or on an
// Application for all of them, restarts pods when what they use has changed:
// "secrets", "secrets, configmaps", "configmaps", or "none", which takes a workload
// out. What they use is what the pod template refers to, of what the Application
// states; see package rollout.
const AnnotationRolloutOn = "tidelock.io/rollout-on"

// AnnotationRollout is on the pod template of such a workload: keyed digests of what
// its pods use. The agent writes it when it applies, as it writes whose an object is;
// `tidelock render` does not.
const AnnotationRollout = "tidelock.io/rollout"

// Values of AnnotationSealedSecrets and AnnotationExternalSecrets.
const (
	// SecretsResolve makes the Secret itself.
	SecretsResolve = "resolve"
	// SecretsApply applies the object and leaves it to its controller.
	SecretsApply = "apply"
)

// RequiresApproval says that the annotations of an AppProject or an Application
// demand approval of plans (see [AnnotationRequireApproval]).
func RequiresApproval(annotations map[string]string) bool {
	value, ok := annotations[AnnotationRequireApproval]
	return ok && value != "false"
}
