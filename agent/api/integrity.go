package api

// SignatureKey names a GPG key that may sign commits.
type SignatureKey struct {
	KeyID string `json:"keyID"`
}

// SourceIntegrity says which proofs of origin sources must carry.
type SourceIntegrity struct {
	Git *GitIntegrity `json:"git"`
}

// GitIntegrity is the policies for Git repositories.
type GitIntegrity struct {
	Policies []GitIntegrityPolicy `json:"policies"`
}

// GitIntegrityPolicy is the rule for some repositories.
type GitIntegrityPolicy struct {
	Repos []GitIntegrityRepo `json:"repos"`
	GPG   *GPGPolicy         `json:"gpg"`
}

// GitIntegrityRepo selects repositories by a glob over their addresses.
type GitIntegrityRepo struct {
	URL string `json:"url"`
}

// GPGPolicy says what must be signed, and by which keys.
type GPGPolicy struct {
	Mode GPGMode  `json:"mode"`
	Keys []string `json:"keys"`
}

// GPGMode says what must be signed.
type GPGMode string

// The GPG modes: nothing, the commit synced, or all its ancestry.
const (
	GPGModeNone   GPGMode = "none"
	GPGModeHead   GPGMode = "head"
	GPGModeStrict GPGMode = "strict"
)
