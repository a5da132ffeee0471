package api

// PullRequestGenerator yields the open pull requests of a repository. One provider is
// set.
type PullRequestGenerator struct {
	Github          *PullRequestGithub          `json:"github,omitempty"`
	Gitlab          *PullRequestGitlab          `json:"gitlab,omitempty"`
	Gitea           *PullRequestGitea           `json:"gitea,omitempty"`
	BitbucketServer *PullRequestBitbucketServer `json:"bitbucketServer,omitempty"`
	// Filters: a pull request that passes any of them is yielded.
	Filters             []PullRequestFilter     `json:"filters,omitempty"`
	RequeueAfterSeconds *int64                  `json:"requeueAfterSeconds,omitempty"`
	Template            *ApplicationSetTemplate `json:"template,omitempty"`
	Bitbucket           *PullRequestBitbucket   `json:"bitbucket,omitempty"`
	AzureDevOps         *PullRequestAzureDevOps `json:"azuredevops,omitempty"`
	Values              map[string]string       `json:"values,omitempty"`
	// ContinueOnRepoNotFoundError takes a missing repository for an empty one.
	ContinueOnRepoNotFoundError bool `json:"continueOnRepoNotFoundError,omitempty"`
}

// PullRequestFilter holds if each of its regular expressions matches.
type PullRequestFilter struct {
	BranchMatch       *string `json:"branchMatch,omitempty"`
	TargetBranchMatch *string `json:"targetBranchMatch,omitempty"`
	TitleMatch        *string `json:"titleMatch,omitempty"`
}

// PullRequestGithub is a repository at GitHub. Labels must all be on a pull request;
// so for other providers.
type PullRequestGithub struct {
	Owner         string     `json:"owner"`
	Repo          string     `json:"repo"`
	API           string     `json:"api,omitempty"`
	TokenRef      *SecretRef `json:"tokenRef,omitempty"`
	AppSecretName string     `json:"appSecretName,omitempty"`
	Labels        []string   `json:"labels,omitempty"`
}

// PullRequestGitlab is a project at GitLab.
type PullRequestGitlab struct {
	Project  string     `json:"project"`
	API      string     `json:"api,omitempty"`
	TokenRef *SecretRef `json:"tokenRef,omitempty"`
	Labels   []string   `json:"labels,omitempty"`
	// PullRequestState is a state of merge requests; empty is all.
	PullRequestState string        `json:"pullRequestState,omitempty"`
	Insecure         bool          `json:"insecure,omitempty"`
	CARef            *ConfigMapRef `json:"caRef,omitempty"`
}

// PullRequestGitea is a repository at a Gitea server.
type PullRequestGitea struct {
	Owner    string     `json:"owner"`
	Repo     string     `json:"repo"`
	API      string     `json:"api"`
	TokenRef *SecretRef `json:"tokenRef,omitempty"`
	Insecure bool       `json:"insecure,omitempty"`
	Labels   []string   `json:"labels,omitempty"`
}

// PullRequestBitbucketServer is a repository at a Bitbucket server.
type PullRequestBitbucketServer struct {
	Project     string                `json:"project"`
	Repo        string                `json:"repo"`
	API         string                `json:"api"`
	BasicAuth   *BitbucketBasicAuth   `json:"basicAuth,omitempty"`
	BearerToken *BitbucketBearerToken `json:"bearerToken,omitempty"`
	Insecure    bool                  `json:"insecure,omitempty"`
	CARef       *ConfigMapRef         `json:"caRef,omitempty"`
}

// PullRequestBitbucket is a repository at Bitbucket Cloud.
type PullRequestBitbucket struct {
	Owner       string                `json:"owner"`
	Repo        string                `json:"repo"`
	API         string                `json:"api,omitempty"`
	BasicAuth   *BitbucketBasicAuth   `json:"basicAuth,omitempty"`
	BearerToken *BitbucketBearerToken `json:"bearerToken,omitempty"`
}

// PullRequestAzureDevOps is a repository at Azure DevOps.
type PullRequestAzureDevOps struct {
	Organization string     `json:"organization"`
	Project      string     `json:"project"`
	Repo         string     `json:"repo"`
	API          string     `json:"api,omitempty"`
	TokenRef     *SecretRef `json:"tokenRef,omitempty"`
	Labels       []string   `json:"labels,omitempty"`
}

// providers returns how many providers are set.
func (g *PullRequestGenerator) providers() int {
	return count(g.Github != nil, g.Gitlab != nil, g.Gitea != nil,
		g.BitbucketServer != nil, g.Bitbucket != nil, g.AzureDevOps != nil)
}
