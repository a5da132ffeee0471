package forgetest

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// A Hook is an announcement, signed.
type Hook struct {
	Product string
	header  map[string]string
	body    []byte
}

// Send sends it. Any answer but that it was taken is an error.
func (h Hook) Send(ctx context.Context, webhook string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, webhook, bytes.NewReader(h.body))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	for name, value := range h.header {
		request.Header.Set(name, value)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(response.Body, 1000))
		return fmt.Errorf("webhook of %s: %s: %s", h.Product, response.Status, bytes.TrimSpace(text))
	}
	return nil
}

// An event is what happens to a pull request, in the words of each product.
type event struct{ github, gitea, giteaEvent, gitlab string }

var (
	opened   = event{"opened", "opened", "pull_request", "open"}
	pushed   = event{"synchronize", "synchronized", "pull_request_sync", "update"}
	labelled = event{"labeled", "label_updated", "pull_request_label", "update"}
	closed   = event{"closed", "closed", "pull_request", "close"}
)

// hubRepository is a repository as GitHub's and Gitea's announcements have it.
func hubRepository(r *Repository) object {
	web := strings.TrimSuffix(r.CloneURL, ".git")
	return object{"id": r.id, "full_name": r.Owner + "/" + r.Name, "clone_url": r.CloneURL, "html_url": web, "default_branch": r.Default}
}

// Who has sent it is worded by each in its own way, as much else is: no two announcements
// are the same text, which would be taken for one that is sent again.
var (
	githubSender = object{"login": "ada", "type": "User"}
	giteaSender  = object{"login": "ada", "username": "ada"}
)

func labProject(r *Repository) object {
	return object{"id": r.id, "git_http_url": r.CloneURL, "web_url": strings.TrimSuffix(r.CloneURL, ".git"), "path_with_namespace": r.Owner + "/" + r.Name}
}

// pullHooks announce what has happened to a pull request.
func (f *Forge) pullHooks(r *Repository, e event, number int) ([]Hook, error) {
	hub := func(action string, sender object) object {
		return object{"sender": sender, "action": action, "number": number, "repository": hubRepository(r), "pull_request": object{"number": number, "updated_at": f.now()}}
	}
	lab := object{
		"object_kind": "merge_request", "project": labProject(r),
		"object_attributes": object{"iid": number, "action": e.gitlab, "updated_at": f.now()},
	}
	return f.sign("pull_request", hub(e.github, githubSender), e.giteaEvent, hub(e.gitea, giteaSender), "Merge Request Hook", lab)
}

// Push announces that a branch is at another commit. No commit before, or after, is a
// branch that is new, or gone.
func (f *Forge) Push(owner, name, branch, before, after string) ([]Hook, error) {
	r, ok := f.at(func(r *Repository) bool { return r.Owner == owner && r.Name == name })
	if !ok {
		return nil, fmt.Errorf("there is no repository %s/%s", owner, name)
	}
	none := strings.Repeat("0", 40)
	if before == "" {
		before = none
	}
	if after == "" {
		after = none
	}
	push := func(more object) object {
		all := object{"ref": "refs/heads/" + branch, "before": before, "after": after}
		for key, value := range more {
			all[key] = value
		}
		return all
	}
	hub := func(sender object) object {
		return push(object{"repository": hubRepository(&r), "sender": sender})
	}
	lab := push(object{"object_kind": "push", "project": labProject(&r)})
	return f.sign("push", hub(githubSender), "push", hub(giteaSender), "Push Hook", lab)
}

// now tells one announcement from the other: what comes twice is taken as nobody's.
func (f *Forge) now() string { return fmt.Sprintf("%s #%d", time.Now().Format(time.RFC3339), f.events) }

// sign signs what each product announces. Gitea sends GitHub's headers, too.
func (f *Forge) sign(githubEvent string, githubBody object, giteaEvent string, giteaBody object, gitlabEvent string, gitlabBody object) ([]Hook, error) {
	all := []Hook{
		{Product: "GitHub", header: map[string]string{"X-GitHub-Event": githubEvent}},
		{Product: "Gitea", header: map[string]string{"X-Gitea-Event": giteaEvent, "X-Gitea-Event-Type": giteaEvent, "X-Gogs-Event": githubEvent, "X-GitHub-Event": githubEvent}},
		{Product: "GitLab", header: map[string]string{"X-Gitlab-Event": gitlabEvent, "X-Gitlab-Token": f.secret}},
	}
	for i, body := range []object{githubBody, giteaBody, gitlabBody} {
		text, err := json.Marshal(body)
		if err != nil {
			return nil, err
		}
		all[i].body = text
		if all[i].Product != "GitLab" {
			all[i].header["X-Hub-Signature-256"] = "sha256=" + f.signature(text)
		}
		if all[i].Product == "Gitea" {
			all[i].header["X-Gitea-Signature"] = f.signature(text)
		}
	}
	return all, nil
}

func (f *Forge) signature(body []byte) string {
	mac := hmac.New(sha256.New, []byte(f.secret))
	mac.Write(body)
	return hex.EncodeToString(mac.Sum(nil))
}
