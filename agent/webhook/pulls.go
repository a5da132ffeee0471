package webhook

import (
	"net/http"
	"slices"
)

// The actions that change what a generator of pull requests yields: which there are, what
// they are at, their titles, targets and labels. Comments and reviews do not.
var (
	// hubActions are those of GitHub and Gitea:
	// https://docs.github.com/webhooks/webhook-events-and-payloads#pull_request
	hubActions = []string{
		"opened", "closed", "reopened", "edited", "synchronize", "labeled", "unlabeled",
		"synchronized", "label_updated", "label_cleared",
	}
	// gitlabActions are those of merge requests:
	// https://docs.gitlab.com/user/project/integrations/webhook_events/#merge-request-events
	gitlabActions = []string{"open", "close", "reopen", "update", "merge"}
)

// pullRequest makes the announcement of a pull request, if it tells enough; it announces
// nothing if the action changes nothing.
func pullRequest(counted []string, action string, urls ...string) (Announcement, bool) {
	a := Announcement{URLs: distinct(urls), Pulls: slices.Contains(counted, action)}
	return a, len(a.URLs) > 0
}

// parseHubChange reads what has happened to a pull request, or to a repository as a whole.
func parseHubChange(r *http.Request, body []byte, event string) ([]Announcement, error) {
	var e struct {
		Action     string        `json:"action"`
		Repository hubRepository `json:"repository"`
	}
	if err := decode(r, body, &e); err != nil {
		return nil, err
	}
	a, ok := pullRequest(hubActions, e.Action, e.Repository.addresses()...)
	if event == "repository" {
		a.Pulls, a.Listing = false, true
	}
	return one(a, ok)
}
