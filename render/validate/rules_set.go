package validate

// Rules of ApplicationSets, which are the caller's to report: they are about what is
// made of them.
const (
	RuleSetApplication = "appset-application"
	RuleSetEmpty       = "appset-empty"
	RuleSetLint        = "appset-lint"
	RuleSetName        = "appset-name"
	RuleSetParameter   = "appset-parameter"
	RuleSetTemplate    = "appset-template"
)

var setRules = []Rule{
	{RuleSetApplication, Error, "an Application that an ApplicationSet makes cannot be acted on as it is"},
	{RuleSetEmpty, Warning, "a generator of an ApplicationSet finds nothing, or its selector drops all that it finds; silent where what it would find is not here"},
	{RuleSetLint, Warning, "a setting of an ApplicationSet that has no effect, or a rolling sync that never comes to some Applications"},
	{RuleSetName, Error, "an Application that an ApplicationSet makes has no name, one that is none, or one that another of the set has, too"},
	{RuleSetParameter, Error, "a template of an ApplicationSet names a parameter that is not there, and {{name}} or <no value> stays; silent in fields whose text may hold templates of others, such as values of charts and annotations"},
	{RuleSetTemplate, Error, "a template or a generator of an ApplicationSet cannot be read, or fails for some parameters: then it makes nothing at all"},
}
