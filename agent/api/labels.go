package api

// LabelApp is on every object that an application manages, for watches to select by.
const LabelApp = "tidelock.io/app"

// LabelInstance is the usual label for the application that an object is part of.
const LabelInstance = "app.kubernetes.io/instance"

// LabelSecretType marks the Secrets that configure the agent, in the names that Argo
// CD gave them.
const LabelSecretType = "argocd.argoproj.io/secret-type"

// Values of LabelSecretType.
const (
	SecretTypeCluster         = "cluster"
	SecretTypeRepository      = "repository"
	SecretTypeRepoCreds       = "repo-creds"
	SecretTypeRepositoryWrite = "repository-write"
	SecretTypeRepoWriteCreds  = "repo-write-creds"
	SecretTypeSCMCreds        = "scm-creds"
)

// LabelTidelockSecretType marks the Secrets that configure what Argo CD does not have.
const LabelTidelockSecretType = "tidelock.io/secret-type"

// SecretTypeSOPSKey is the value of LabelTidelockSecretType for decryption keys.
const SecretTypeSOPSKey = "sops-key"

// SecretTypeRolloutKey is that of the key under which contents are digested that pods
// are restarted for.
const SecretTypeRolloutKey = "rollout-key"
