package validate

// Rules of policies, which package policy judges by.
const (
	RulePolicy           = "policy"
	RulePolicyWarning    = "policy-warning"
	RulePolicyInvalid    = "policy-invalid"
	RulePolicyType       = "policy-type"
	RulePolicyUnanswered = "policy-unanswered"
	RulePolicyUnbound    = "policy-unbound"
)

var policyRules = []Rule{
	{RulePolicy, Error, "a ValidatingAdmissionPolicy of --policies, or of what is rendered for the same cluster, denies an object; silent where it depends on the user, on values of Secrets, or on labels or parameters that are not here"},
	{RulePolicyInvalid, Error, "an expression of a ValidatingAdmissionPolicy does not compile"},
	{RulePolicyType, Error, "an expression of a ValidatingAdmissionPolicy cannot be right for any of the kinds that it is for: a field that none of them has"},
	{RulePolicyUnanswered, Warning, "an expression of a ValidatingAdmissionPolicy asks the authorizer, and is not evaluated"},
	{RulePolicyUnbound, Warning, "no binding puts a ValidatingAdmissionPolicy into force"},
	{RulePolicyWarning, Warning, "a ValidatingAdmissionPolicy whose binding says Warn or Audit has something against an object"},
}
