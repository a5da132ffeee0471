package validate

// Rules of secrets. Those of files are the caller's to report, with what packages
// scan and check find.
const (
	RuleSecretPlain       = "secret-plain"
	RuleSecretLeaked      = "secret-leaked"
	RuleSecretConfig      = "secret-config"
	RuleSecretUnencrypted = "secret-unencrypted"
	RuleSecretRecipients  = "secret-recipients"
	RuleSecretPart        = "secret-part"
	RuleSecretUnopened    = "secret-unopened"
	RuleSecretMalformed   = "secret-malformed"
	RuleSecretTwice       = "secret-twice"
	RuleSealedScope       = "sealed-scope"
	RuleSealedTemplate    = "sealed-template"
	RuleStore             = "secret-store"
	RuleStoreUnknown      = "secret-store-unknown"
	RuleStoreRefused      = "secret-store-refused"
	RuleRefresh           = "secret-refresh"
)

var secretRules = []Rule{
	{RuleSecretPlain, Error, "a Secret's manifest, a secretGenerator, or a value that a chart makes a Secret of holds a secret in clear; templates, placeholders such as change-me, public certificates, and Secrets without data are none"},
	{RuleSecretLeaked, Error, "a file holds what gitleaks' rules know as a credential; .gitleaks.toml, .gitleaksignore and gitleaks:allow count"},
	{RuleSecretConfig, Warning, "a ConfigMap has an entry that is called, or is, a credential"},
	{RuleSecretUnencrypted, Error, "a file that a creation rule with a path_regex is for is not encrypted, or lies in clear beside its encrypted form"},
	{RuleSecretRecipients, Error, "a SOPS file is encrypted for others than the nearest .sops.yaml says"},
	{RuleSecretPart, Warning, "another part of a SOPS file is encrypted than the nearest .sops.yaml says"},
	{RuleSecretUnopened, Error, "no key that is given (--recipients, --open) opens a SOPS file or a SealedSecret, or it was changed after it was encrypted"},
	{RuleSecretMalformed, Error, "a SOPS file, a SealedSecret, or a .sops.yaml cannot be read"},
	{RuleSecretTwice, Error, "a cluster gets the same Secret from several: Secrets, SealedSecrets, ExternalSecrets"},
	{RuleSealedScope, Error, "a SealedSecret is deployed under a name, or in a namespace, that its scope does not allow, or its scope is misspelt"},
	{RuleSealedTemplate, Error, "the template of a SealedSecret does not fit what is sealed, or what becomes of it"},
	{RuleStore, Error, "an ExternalSecret's store has almost the name of one that is there, or is there as another kind or in another namespace, or its reference is none"},
	{RuleStoreUnknown, Warning, "an ExternalSecret's store is not among those that its cluster gets from here; silent where it gets none from here"},
	{RuleStoreRefused, Error, "the conditions of a ClusterSecretStore do not allow an ExternalSecret's namespace; silent where they ask for labels of a namespace that is not here"},
	{RuleRefresh, Warning, "the refreshInterval of an ExternalSecret is none, has no effect, or asks its provider too often"},
}
