package validate

// Rules of references from one object to another, which package references looks
// for. What may be made by others than this repository is a warning; what
// contradicts something that is rendered is an error.
const (
	RuleMissingClaim          = "missing-claim"
	RuleMissingClass          = "missing-class"
	RuleMissingConfigMap      = "missing-configmap"
	RuleMissingGateway        = "missing-gateway"
	RuleMissingKey            = "missing-key"
	RuleMissingPolicy         = "missing-policy"
	RuleMissingPort           = "missing-port"
	RuleMissingRole           = "missing-role"
	RuleMissingSecret         = "missing-secret"
	RuleMissingService        = "missing-service"
	RuleMissingServiceAccount = "missing-service-account"
	RuleMissingTarget         = "missing-target"
	RuleMisnamed              = "misnamed-reference"
	RuleSelectsNothing        = "selects-nothing"
)

var referenceRules = []Rule{
	{RuleMisnamed, Error, "a reference is to nothing that is rendered, and almost to something that is: a letter off, with another hash of a generator, or the Application has it in another namespace"},
	{RuleMissingClaim, Warning, "a pod uses a PersistentVolumeClaim that nothing here makes"},
	{RuleMissingClass, Warning, "a PriorityClass, RuntimeClass, IngressClass or GatewayClass is none of those of its kind that are rendered for the cluster; silent where none is, and of StorageClasses told by misnamed-reference only"},
	{RuleMissingConfigMap, Warning, "a pod uses a ConfigMap that nothing here makes"},
	{RuleMissingGateway, Warning, "a route's Gateway is made by nothing here"},
	{RuleMissingKey, Error, "a ConfigMap or Secret has not the key that a pod, a mount or a trigger takes from it"},
	{RuleMissingPolicy, Warning, "the binding of an admission policy names none of the policies that are rendered for the cluster; silent where none is"},
	{RuleMissingPort, Error, "an Ingress, route, webhook or monitor names a port that its Service has not, or a listener that its Gateway has not"},
	{RuleMissingRole, Warning, "a binding's Role is made by nothing here, or its ClusterRole is none of those that are rendered for the cluster; silent where none is"},
	{RuleMissingSecret, Warning, "a pod, ServiceAccount, Ingress or Gateway uses a Secret that nothing here makes: no manifest, SealedSecret, ExternalSecret, Certificate or operator's object; or a SecretProviderClass that is not there"},
	{RuleMissingService, Warning, "an Ingress, route, StatefulSet, webhook or APIService names a Service that nothing here makes"},
	{RuleMissingServiceAccount, Warning, "a pod runs as, or a binding is for, a ServiceAccount that nothing here makes"},
	{RuleMissingTarget, Warning, "an autoscaler's target, or the authentication of its trigger, is made by nothing here"},
	{RuleSelectsNothing, Warning, "a Service, PodDisruptionBudget, NetworkPolicy or monitor selects nothing that is rendered into its namespace; silent where others may make pods"},
}
