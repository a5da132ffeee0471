package api

// Source is where manifests come from and how they are rendered. At most one of
// Helm, Kustomize, Directory and Plugin may be set; if none is, the kind is detected
// from the files.
type Source struct {
	// RepoURL is the address of a Git repository, a Helm repository or an OCI
	// registry (oci://…). A chart in a registry is written without oci://.
	RepoURL string `json:"repoURL"`
	// Path is a directory of the repository.
	Path string `json:"path,omitempty"`
	// TargetRevision is for Git a branch, tag, commit, ref or semver range over tags,
	// for Helm a version or semver range. Empty is HEAD.
	TargetRevision string           `json:"targetRevision,omitempty"`
	Helm           *HelmSource      `json:"helm,omitempty"`
	Kustomize      *KustomizeSource `json:"kustomize,omitempty"`
	Directory      *DirectorySource `json:"directory,omitempty"`
	Plugin         *PluginSource    `json:"plugin,omitempty"`
	// Chart names a chart and makes this a Helm repository's source.
	Chart string `json:"chart,omitempty"`
	// Ref names this source so that sibling sources can write $ref/path in their
	// value files. Without a Path such a source yields no manifests.
	Ref string `json:"ref,omitempty"`
	// Name addresses one source of several on the command line.
	Name string `json:"name,omitempty"`
	// TagPrefix keeps only tags that start so before a semver range is applied to the rest.
	TagPrefix string `json:"tagPrefix,omitempty"`
}

// SourceType is the kind of renderer that a source needs.
type SourceType string

// The source types, as status.sourceType shows them.
const (
	SourceTypeHelm      SourceType = "Helm"
	SourceTypeKustomize SourceType = "Kustomize"
	SourceTypeDirectory SourceType = "Directory"
	SourceTypePlugin    SourceType = "Plugin"
)

// DirectorySource sets how plain manifests are read.
type DirectorySource struct {
	Recurse bool           `json:"recurse,omitempty"`
	Jsonnet *JsonnetSource `json:"jsonnet,omitempty"`
	// Exclude and Include are globs over paths below the source's path.
	Exclude string `json:"exclude,omitempty"`
	Include string `json:"include,omitempty"`
	// DisableExtensionFilter lets in files that end in other than .yaml, .yml, .json and .jsonnet.
	DisableExtensionFilter bool `json:"disableExtensionFilter,omitempty"`
}

// JsonnetSource sets the inputs of Jsonnet files.
type JsonnetSource struct {
	ExtVars []JsonnetVar `json:"extVars,omitempty"`
	// TLAs are top-level arguments.
	TLAs []JsonnetVar `json:"tlas,omitempty"`
	Libs []string     `json:"libs,omitempty"`
}

// JsonnetVar is a string, or an expression if Code is set.
type JsonnetVar struct {
	Name  string `json:"name"`
	Value string `json:"value"`
	Code  bool   `json:"code,omitempty"`
}

// PluginSource selects and parameterizes a config management plugin.
type PluginSource struct {
	// Name is the plugin's name, or name-version; empty means the first whose
	// discovery matches.
	Name       string            `json:"name,omitempty"`
	Env        []EnvVar          `json:"env,omitempty"`
	Parameters []PluginParameter `json:"parameters,omitempty"`
}

// EnvVar is one variable of a plugin's environment.
type EnvVar struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// PluginParameter carries one value: a string, a map or a list. For each of them
// empty is a value, and nil is none.
type PluginParameter struct {
	Name   string            `json:"name,omitempty"`
	String *string           `json:"string,omitempty"`
	Map    map[string]string `json:"map,omitzero"`
	Array  []string          `json:"array,omitzero"`
}
