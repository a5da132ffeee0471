package validate

// Rules of what Applications say about each other, and to the engine. Package fleet of
// the agent finds them.
const (
	RuleAnnotationName    = "annotation-name"
	RuleAppOfApps         = "app-of-apps"
	RuleApplicationTwice  = "application-twice"
	RuleDefinitionOrder   = "definition-order"
	RuleDependencyCycle   = "dependency-cycle"
	RuleEmptyApplication  = "empty-application"
	RuleHook              = "hook"
	RuleImpersonation     = "impersonation"
	RuleNamespaceOwner    = "namespace-owner"
	RuleNotPermitted      = "not-permitted"
	RuleProjectLint       = "project-lint"
	RuleRepeatedObject    = "repeated-object"
	RuleSharedObject      = "shared-object"
	RuleSyncOption        = "sync-option"
	RuleSyncWindow        = "sync-window"
	RuleTracking          = "tracking"
	RuleUnknownCluster    = "unknown-cluster"
	RuleUnknownDependency = "unknown-dependency"
	RuleUnknownProject    = "unknown-project"
	RuleUnsupported       = "unsupported"
	RuleWaveOrder         = "wave-order"
)

// fleetRules are silent where what is missing may be in the cluster.
var fleetRules = []Rule{
	{RuleAnnotationName, Warning, "an annotation of tidelock.io that there is not, or almost one of argocd.argoproj.io: nobody reads it"},
	{RuleAppOfApps, Warning, "Applications that state each other, or themselves as another, or that are made where no agent looks"},
	{RuleApplicationTwice, Error, "two Applications have one name and namespace"},
	{RuleDefinitionOrder, Warning, "an object's kind is defined by another Application, and nothing says that this comes first"},
	{RuleDependencyCycle, Error, "Applications wait for each other (tidelock.io/depends-on)"},
	{RuleEmptyApplication, Warning, "an Application renders nothing, and there are manifests below its path: a pattern that no file fits, files further down without recurse; silent with allowEmpty"},
	{RuleHook, Error, "a word of a hook's annotations, a wave or a time limit that means nothing"},
	{RuleImpersonation, Warning, "an AppProject lists whom to impersonate, and none for an Application's destination"},
	{RuleNamespaceOwner, Error, "two Applications state one Namespace, or manage its labels and annotations otherwise"},
	{RuleNotPermitted, Error, "the AppProject does not permit an Application's source, destination or namespace, or an object that it states"},
	{RuleProjectLint, Warning, "a setting of an AppProject that has no effect, or another than it seems"},
	{RuleRepeatedObject, Warning, "an Application, or a file that nothing renders, states an object twice: the last one counts"},
	{RuleSharedObject, Error, "two Applications state one object of one cluster"},
	{RuleSyncOption, Warning, "a sync option of an object, or a word of tidelock.io/rollout-on, that there is not"},
	{RuleSyncWindow, Warning, "a sync window that never opens, never ends, matches nothing, or is always overruled"},
	{RuleTracking, Warning, "an object is marked as an Application's, which only the agent does"},
	{RuleUnknownCluster, Warning, "a destination that no cluster Secret names, where the repository has such Secrets"},
	{RuleUnknownDependency, Warning, "an Application waits for one that is not there, or that it may not see"},
	{RuleUnknownProject, Warning, "an AppProject that is not there, where the repository has others"},
	{RuleUnsupported, Warning, "a setting of an Application that this version does not act on"},
	{RuleWaveOrder, Error, "a first sync cannot end: something waits for what is applied only later"},
}
