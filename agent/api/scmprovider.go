package api

// SCMProviderGenerator yields the repositories of an organization. One provider is set.
type SCMProviderGenerator struct {
	Github          *SCMGithub          `json:"github,omitempty"`
	Gitlab          *SCMGitlab          `json:"gitlab,omitempty"`
	Bitbucket       *SCMBitbucket       `json:"bitbucket,omitempty"`
	BitbucketServer *SCMBitbucketServer `json:"bitbucketServer,omitempty"`
	Gitea           *SCMGitea           `json:"gitea,omitempty"`
	AzureDevOps     *SCMAzureDevOps     `json:"azureDevOps,omitempty"`
	// Filters: a repository that passes any of them is yielded.
	Filters []SCMFilter `json:"filters,omitempty"`
	// CloneProtocol is ssh or https; empty is the provider's default.
	CloneProtocol       string                  `json:"cloneProtocol,omitempty"`
	RequeueAfterSeconds *int64                  `json:"requeueAfterSeconds,omitempty"`
	Template            *ApplicationSetTemplate `json:"template,omitempty"`
	Values              map[string]string       `json:"values,omitempty"`
	AWSCodeCommit       *SCMAWSCodeCommit       `json:"awsCodeCommit,omitempty"`
}

// SCMFilter holds if each of its conditions does. The matches are regular expressions.
type SCMFilter struct {
	RepositoryMatch *string  `json:"repositoryMatch,omitempty"`
	PathsExist      []string `json:"pathsExist,omitempty"`
	PathsDoNotExist []string `json:"pathsDoNotExist,omitempty"`
	LabelMatch      *string  `json:"labelMatch,omitempty"`
	BranchMatch     *string  `json:"branchMatch,omitempty"`
}

// SCMGithub is an organization or user at GitHub.
type SCMGithub struct {
	Organization string `json:"organization"`
	// API is the server's address, if it is not github.com; so for other providers.
	API      string     `json:"api,omitempty"`
	TokenRef *SecretRef `json:"tokenRef,omitempty"`
	// AppSecretName names a repository secret with a GitHub App's credentials.
	AppSecretName        string `json:"appSecretName,omitempty"`
	AllBranches          bool   `json:"allBranches,omitempty"`
	ExcludeArchivedRepos bool   `json:"excludeArchivedRepos,omitempty"`
}

// SCMGitlab is a group at GitLab.
type SCMGitlab struct {
	Group            string     `json:"group"`
	IncludeSubgroups bool       `json:"includeSubgroups,omitempty"`
	API              string     `json:"api,omitempty"`
	TokenRef         *SecretRef `json:"tokenRef,omitempty"`
	AllBranches      bool       `json:"allBranches,omitempty"`
	Insecure         bool       `json:"insecure,omitempty"`
	// IncludeSharedProjects is true if nil.
	IncludeSharedProjects *bool         `json:"includeSharedProjects,omitempty"`
	Topic                 string        `json:"topic,omitempty"`
	CARef                 *ConfigMapRef `json:"caRef,omitempty"`
	IncludeArchivedRepos  bool          `json:"includeArchivedRepos,omitempty"`
}

// SCMBitbucket is a workspace at Bitbucket Cloud.
type SCMBitbucket struct {
	Owner          string     `json:"owner"`
	User           string     `json:"user"`
	AppPasswordRef *SecretRef `json:"appPasswordRef"`
	AllBranches    bool       `json:"allBranches,omitempty"`
}

// SCMBitbucketServer is a project at a Bitbucket server.
type SCMBitbucketServer struct {
	Project     string                `json:"project"`
	API         string                `json:"api"`
	BasicAuth   *BitbucketBasicAuth   `json:"basicAuth,omitempty"`
	AllBranches bool                  `json:"allBranches,omitempty"`
	BearerToken *BitbucketBearerToken `json:"bearerToken,omitempty"`
	Insecure    bool                  `json:"insecure,omitempty"`
	CARef       *ConfigMapRef         `json:"caRef,omitempty"`
}

// SCMGitea is an owner at a Gitea server.
type SCMGitea struct {
	Owner                string     `json:"owner"`
	API                  string     `json:"api"`
	TokenRef             *SecretRef `json:"tokenRef,omitempty"`
	AllBranches          bool       `json:"allBranches,omitempty"`
	Insecure             bool       `json:"insecure,omitempty"`
	ExcludeArchivedRepos bool       `json:"excludeArchivedRepos,omitempty"`
}

// SCMAzureDevOps is a project at Azure DevOps.
type SCMAzureDevOps struct {
	Organization   string     `json:"organization"`
	API            string     `json:"api,omitempty"`
	TeamProject    string     `json:"teamProject"`
	AccessTokenRef *SecretRef `json:"accessTokenRef"`
	AllBranches    bool       `json:"allBranches,omitempty"`
}

// SCMAWSCodeCommit is the repositories of an AWS account.
type SCMAWSCodeCommit struct {
	TagFilters  []TagFilter `json:"tagFilters,omitempty"`
	Role        string      `json:"role,omitempty"`
	Region      string      `json:"region,omitempty"`
	AllBranches bool        `json:"allBranches,omitempty"`
}

// TagFilter selects by a tag and, if Value is not empty, its value.
type TagFilter struct {
	Key   string `json:"key"`
	Value string `json:"value,omitempty"`
}

// SecretRef points at one key of a Secret.
type SecretRef struct {
	SecretName string `json:"secretName"`
	Key        string `json:"key"`
}

// ConfigMapRef points at one key of a ConfigMap.
type ConfigMapRef struct {
	ConfigMapName string `json:"configMapName"`
	Key           string `json:"key"`
}

// BitbucketBasicAuth is a user and password.
type BitbucketBasicAuth struct {
	Username    string     `json:"username"`
	PasswordRef *SecretRef `json:"passwordRef"`
}

// BitbucketBearerToken is an access token.
type BitbucketBearerToken struct {
	TokenRef *SecretRef `json:"tokenRef"`
}

// providers returns how many providers are set.
func (g *SCMProviderGenerator) providers() int {
	return count(g.Github != nil, g.Gitlab != nil, g.Bitbucket != nil, g.BitbucketServer != nil,
		g.Gitea != nil, g.AzureDevOps != nil, g.AWSCodeCommit != nil)
}
