package webhook

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/tidelock-io/tidelock/secrets"
)

// errVague says that an event leaves out what was pushed, or to where.
var errVague = errors.New("push event without repository, ref or commit")

// one is a list of an announcement, or an error if it tells too little. It is empty if
// nothing that counts has happened.
func one(a Announcement, ok bool) ([]Announcement, error) {
	switch {
	case !ok:
		return nil, errVague
	case a.Ref == "" && !a.Published && !a.Pulls && !a.Listing:
		return nil, nil
	}
	return []Announcement{a}, nil
}

// hubPush is the event of GitHub, which Gitea and Gogs have copied:
// https://docs.github.com/webhooks/webhook-events-and-payloads#push
type hubPush struct {
	Ref        string        `json:"ref"`
	Before     string        `json:"before"`
	After      string        `json:"after"`
	Repository hubRepository `json:"repository"`
}

type hubRepository struct {
	CloneURL string `json:"clone_url"`
	SSHURL   string `json:"ssh_url"`
	HTMLURL  string `json:"html_url"`
}

func (r hubRepository) addresses() []string { return []string{r.CloneURL, r.SSHURL, r.HTMLURL} }

func parseHub(header string) func(r *http.Request, body []byte) ([]Announcement, error) {
	return func(r *http.Request, body []byte) ([]Announcement, error) {
		switch event := r.Header.Get(header); {
		case event == "push":
			return parseHubPush(r, body)
		case event == "repository" || strings.HasPrefix(event, "pull_request"):
			return parseHubChange(r, body, event)
		}
		return nil, nil
	}
}

func parseHubPush(r *http.Request, body []byte) ([]Announcement, error) {
	var e hubPush
	if err := decode(r, body, &e); err != nil {
		return nil, err
	}
	if e.After == "" {
		return nil, errVague
	}
	a, ok := push(e.Ref, e.After, e.Repository.addresses()...)
	a.Listing = a.turns(e.Before)
	return one(a, ok)
}

var (
	parseGitHub = parseHub("X-GitHub-Event")
	parseGitea  = parseHub("X-Gitea-Event")
	parseGogs   = parseHub("X-Gogs-Event")
)

// verifyGitLab compares the token, which GitLab sends as it is.
func verifyGitLab(r *http.Request, _ []byte, secret func(string) secrets.Value) (demanded, ok bool) {
	want := firstOf(secret, "webhook.gitlab.secret")
	return want != nil, want != nil && same(r.Header.Get("X-Gitlab-Token"), want)
}

// parseGitLab reads the events of projects, groups and systems:
// https://docs.gitlab.com/user/project/integrations/webhook_events/
func parseGitLab(r *http.Request, body []byte) ([]Announcement, error) {
	var e struct {
		Kind   string `json:"object_kind"`
		Event  string `json:"event_name"` // of system hooks
		Ref    string `json:"ref"`
		Before string `json:"before"`
		After  string `json:"after"`
		Merge  struct {
			Action string `json:"action"`
		} `json:"object_attributes"`
		Project struct {
			ID   json.Number `json:"id"`
			HTTP string      `json:"git_http_url"`
			SSH  string      `json:"git_ssh_url"`
			Web  string      `json:"web_url"`
		} `json:"project"`
	}
	if err := decode(r, body, &e); err != nil {
		return nil, err
	}
	if e.Kind == "merge_request" {
		a, ok := pullRequest(gitlabActions, e.Merge.Action, e.Project.HTTP, e.Project.SSH, e.Project.Web)
		a.ID = e.Project.ID.String()
		return one(a, ok)
	}
	if kind := e.Kind + e.Event; !strings.HasPrefix(kind, "push") && !strings.HasPrefix(kind, "tag_push") {
		return nil, nil
	}
	if e.After == "" {
		return nil, errVague
	}
	a, ok := push(e.Ref, e.After, e.Project.HTTP, e.Project.SSH, e.Project.Web)
	a.Listing = a.turns(e.Before)
	return one(a, ok)
}

// verifyBitbucket checks the identity of the hook, the signature of its body, or both,
// as secrets say.
func verifyBitbucket(r *http.Request, body []byte, secret func(string) secrets.Value) (demanded, ok bool) {
	demanded, ok = signedSHA256("X-Hub-Signature", "webhook.bitbucket.secret")(r, body, secret)
	uuid := firstOf(secret, "webhook.bitbucket.uuid")
	if uuid == nil {
		return demanded, ok
	}
	known := same(strings.Trim(r.Header.Get("X-Hook-UUID"), "{}"), []byte(strings.Trim(string(uuid), "{}")))
	return true, known && (ok || !demanded)
}

// turns says that a branch is new or gone, by what it was before.
func (a Announcement) turns(before string) bool {
	return strings.HasPrefix(a.Ref, "refs/heads/") && (before == deleted || a.SHA == deleted)
}

// refKinds are what Bitbucket calls the kinds of refs.
var refKinds = map[string]string{
	"branch": "refs/heads/", "named_branch": "refs/heads/", "tag": "refs/tags/", "annotated_tag": "refs/tags/",
}

// deleted is the commit of a ref that is gone.
const deleted = "0000000000000000000000000000000000000000"

// parseBitbucket reads those of the cloud:
// https://support.atlassian.com/bitbucket-cloud/docs/event-payloads/#Push
func parseBitbucket(r *http.Request, body []byte) ([]Announcement, error) {
	type side struct {
		Type   string `json:"type"`
		Name   string `json:"name"`
		Target struct {
			Hash string `json:"hash"`
		} `json:"target"`
	}
	var e struct {
		Push struct {
			Changes []struct{ New, Old *side } `json:"changes"`
		} `json:"push"`
		Repository struct {
			FullName string `json:"full_name"`
			Links    struct {
				HTML struct {
					Href string `json:"href"`
				} `json:"html"`
			} `json:"links"`
		} `json:"repository"`
	}
	if r.Header.Get("X-Event-Key") != "repo:push" {
		return nil, nil
	}
	if err := decode(r, body, &e); err != nil {
		return nil, err
	}
	address := ""
	if e.Repository.FullName != "" {
		address = "https://bitbucket.org/" + e.Repository.FullName
	}
	var all []Announcement
	for _, c := range e.Push.Changes {
		at, sha := c.New, ""
		switch {
		case at == nil && c.Old == nil:
			return nil, errVague
		case at == nil:
			at, sha = c.Old, deleted
		case refKinds[at.Type] == "refs/heads/": // that of a tag is the commit behind it
			sha = at.Target.Hash
		}
		if refKinds[at.Type] == "" || at.Name == "" {
			return nil, errVague
		}
		a, ok := push(refKinds[at.Type]+at.Name, sha, address, e.Repository.Links.HTML.Href)
		if !ok {
			return nil, errVague
		}
		all = append(all, a)
	}
	return all, nil
}

// parseBitbucketServer reads those of Bitbucket Server and Data Center:
// https://confluence.atlassian.com/bitbucketserver/event-payload-938025882.html
func parseBitbucketServer(r *http.Request, body []byte) ([]Announcement, error) {
	var e struct {
		Changes []struct {
			RefID  string `json:"refId"`
			ToHash string `json:"toHash"`
			Ref    struct {
				ID string `json:"id"`
			} `json:"ref"`
		} `json:"changes"`
		Repository struct {
			Links struct {
				Clone []struct {
					Href string `json:"href"`
				} `json:"clone"`
			} `json:"links"`
		} `json:"repository"`
	}
	if r.Header.Get("X-Event-Key") != "repo:refs_changed" {
		return nil, nil
	}
	if err := decode(r, body, &e); err != nil {
		return nil, err
	}
	var urls []string
	for _, link := range e.Repository.Links.Clone {
		urls = append(urls, link.Href)
	}
	var all []Announcement
	for _, c := range e.Changes {
		ref := c.RefID
		if ref == "" {
			ref = c.Ref.ID
		}
		a, ok := push(ref, c.ToHash, urls...)
		if !ok {
			return nil, errVague
		}
		all = append(all, a)
	}
	return all, nil
}

func sentByAzure(r *http.Request) bool { return r.Header.Get("X-Vss-Activityid") != "" }

// verifyAzure compares user and password, of which either may be unset.
func verifyAzure(r *http.Request, _ []byte, secret func(string) secrets.Value) (demanded, ok bool) {
	user, password := firstOf(secret, "webhook.azuredevops.username"), firstOf(secret, "webhook.azuredevops.password")
	if user == nil && password == nil {
		return false, false
	}
	shownUser, shownPassword, _ := r.BasicAuth()
	sameUser := same(shownUser, user)
	samePassword := same(shownPassword, password)
	return true, (sameUser || user == nil) && (samePassword || password == nil)
}

// parseAzure reads https://learn.microsoft.com/azure/devops/service-hooks/events#code-pushed
func parseAzure(r *http.Request, body []byte) ([]Announcement, error) {
	var e struct {
		Type     string `json:"eventType"`
		Resource struct {
			Updates []struct {
				Name string `json:"name"`
				New  string `json:"newObjectId"`
			} `json:"refUpdates"`
			Repository struct {
				RemoteURL string `json:"remoteUrl"`
				SSHURL    string `json:"sshUrl"`
			} `json:"repository"`
		} `json:"resource"`
	}
	if err := decode(r, body, &e); err != nil {
		return nil, err
	}
	if e.Type != "git.push" {
		return nil, nil
	}
	urls := append(azureAddresses(e.Resource.Repository.RemoteURL), e.Resource.Repository.SSHURL)
	var all []Announcement
	for _, update := range e.Resource.Updates {
		a, ok := push(update.Name, update.New, urls...)
		if !ok {
			return nil, errVague
		}
		all = append(all, a)
	}
	return all, nil
}

// azureAddresses are the ways to write an address of Azure DevOps: by the host of
// now, by that of an organisation, as it was before, and by SSH.
func azureAddresses(address string) []string {
	all := []string{address}
	u, err := url.Parse(address)
	if err != nil {
		return all
	}
	var organisation string
	path := strings.Trim(u.Path, "/")
	if host := strings.ToLower(u.Hostname()); host == "dev.azure.com" {
		organisation, path, _ = strings.Cut(path, "/")
	} else {
		organisation, _ = strings.CutSuffix(host, ".visualstudio.com")
		if organisation == host {
			return all // a server of one's own
		}
	}
	project, repository, ok := strings.Cut(path, "/_git/")
	if !ok {
		project, repository = strings.TrimPrefix(path, "_git/"), strings.TrimPrefix(path, "_git/") // the project's own
	}
	return append(all,
		"https://dev.azure.com/"+organisation+"/"+path, "https://"+organisation+".visualstudio.com/"+path,
		"ssh://git@ssh.dev.azure.com/v3/"+organisation+"/"+project+"/"+repository,
	)
}
