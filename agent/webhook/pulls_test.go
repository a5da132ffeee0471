package webhook

import (
	"strings"
	"testing"
)

var (
	githubPull = request{header: map[string]string{"X-GitHub-Event": "pull_request", "Content-Type": "application/json"}, body: `{"action":"opened","number":7,
"pull_request":{"id":1,"state":"open","title":"a","head":{"ref":"feature","sha":"` + sha + `"},"base":{"ref":"main"}},
"repository":{"id":35129377,"full_name":"acme/Infra","clone_url":"https://github.com/acme/Infra.git","ssh_url":"git@github.com:acme/Infra.git","html_url":"https://github.com/acme/Infra"}}`}
	giteaPull = request{header: map[string]string{"X-Gitea-Event": "pull_request_label", "X-Gitea-Event-Type": "pull_request_label", "X-Gogs-Event": "pull_request", "X-GitHub-Event": "pull_request"}, body: `{"action":"label_updated","number":7,
"pull_request":{"id":1,"labels":[{"name":"preview"}]},"repository":{"id":7,"full_name":"acme/infra","html_url":"https://gitea.example/acme/infra","clone_url":"https://gitea.example/acme/infra.git"}}`}
	gitlabMerge = request{header: map[string]string{"X-Gitlab-Event": "Merge Request Hook"}, body: `{"object_kind":"merge_request","event_type":"merge_request","user":{"id":1,"name":"Jane"},
"project":{"id":15,"name":"infra","web_url":"https://gitlab.example/acme/infra","git_ssh_url":"ssh://git@gitlab.example:2222/acme/infra.git","git_http_url":"https://gitlab.example/acme/infra.git"},
"object_attributes":{"id":99,"iid":1,"target_branch":"main","source_branch":"feature","state":"opened","action":"open"},"labels":[],"changes":{}}`}
	githubRepository = request{header: map[string]string{"X-GitHub-Event": "repository"}, body: `{"action":"created",
"repository":{"id":35129377,"full_name":"acme/new","clone_url":"https://github.com/acme/new.git","html_url":"https://github.com/acme/new"},"organization":{"login":"acme"}}`}
)

// action is a request about something else that has happened.
func (q request) action(was, now string) request {
	q.body = strings.ReplaceAll(q.body, `"action":"`+was+`"`, `"action":"`+now+`"`)
	return q
}

// TestPulls: what changes the list of pull requests, or of repositories and branches, is
// announced, by the rules of pushes; what does not is ignored.
func TestPulls(t *testing.T) {
	const secret = "hunter2hunter2"
	keys := map[string]string{"webhook.github.secret": secret, "webhook.gitea.secret": secret, "webhook.gitlab.secret": secret}
	const onGitHub, onGitLab = "https://github.com/acme/Infra.git", "https://gitlab.example/acme/infra.git"
	for _, tt := range []struct {
		name      string
		request   request
		keys      map[string]string
		code      int
		announced string
	}{
		{"opened", githubPull, nil, 200, onGitHub + " pulls"},
		{"closed", githubPull.action("opened", "closed"), nil, 200, onGitHub + " pulls"},
		{"pushed to", githubPull.action("opened", "synchronize"), nil, 200, onGitHub + " pulls"},
		{"labelled", githubPull.action("opened", "labeled"), nil, 200, onGitHub + " pulls"},
		{"assigned", githubPull.action("opened", "assigned"), nil, 200, ""},
		{"commented", githubPull.with("X-GitHub-Event", "pull_request_review_comment").action("opened", "created"), nil, 200, ""},
		{"of no repository", request{header: githubPull.header, body: `{"action":"opened"}`}, nil, 400, ""},
		{"cut off", request{header: githubPull.header, body: `{"action":"opened",`}, nil, 400, ""},
		{"unsigned", githubPull, keys, 403, ""},
		{"forged", githubPull.with("X-Hub-Signature-256", "sha256="+hash(githubPull.body, "guess")), keys, 403, ""},
		{"signed", githubPull.with("X-Hub-Signature-256", "sha256="+hash(githubPull.body, secret)), keys, 200, onGitHub + " pulls signed"},
		{"gitea", giteaPull, nil, 200, "https://gitea.example/acme/infra.git pulls"},
		{"gitea, signed", giteaPull.with("X-Gitea-Signature", hash(giteaPull.body, secret)), keys, 200, "https://gitea.example/acme/infra.git pulls signed"},
		{"gitea, pushed to", giteaPull.with("X-Gitea-Event", "pull_request_sync").action("label_updated", "synchronized"), nil, 200, "https://gitea.example/acme/infra.git pulls"},
		{"gitea, approved", giteaPull.with("X-Gitea-Event", "pull_request_approved").action("label_updated", "reviewed"), nil, 200, ""},
		{"gitlab", gitlabMerge, nil, 200, onGitLab + " pulls number 15"},
		{"gitlab, merged", gitlabMerge.action("open", "merge"), nil, 200, onGitLab + " pulls number 15"},
		{"gitlab, approved", gitlabMerge.action("open", "approved"), nil, 200, ""},
		{"gitlab, signed", gitlabMerge.with("X-Gitlab-Token", secret), keys, 200, onGitLab + " pulls number 15 signed"},
		{"gitlab, unsigned", gitlabMerge, keys, 403, ""},
		{"a repository", githubRepository, nil, 200, "https://github.com/acme/new.git listing"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h, announced, _ := hook(tt.keys)
			if code := send(h, tt.request); code != tt.code {
				t.Errorf("code %d, want %d", code, tt.code)
			}
			if got := strings.ReplaceAll(strings.TrimSpace(announced.String()), onlySSH(tt.request.body), ""); got != tt.announced {
				t.Errorf("announced %q, want %q", got, tt.announced)
			}
		})
	}
}

// onlySSH is the address of a repository that is another one than by HTTP.
func onlySSH(body string) string {
	if strings.Contains(body, ":2222/") {
		return " ssh://git@gitlab.example:2222/acme/infra.git"
	}
	return "\x00"
}

// TestPullsAgain: a request that is sent again is taken as if nobody had signed it.
func TestPullsAgain(t *testing.T) {
	const secret = "hunter2hunter2"
	h, announced, _ := hook(map[string]string{"webhook.github.secret": secret})
	for range 2 {
		send(h, githubPull.with("X-Hub-Signature-256", "sha256="+hash(githubPull.body, secret)))
	}
	if got := strings.Count(announced.String(), "signed"); got != 1 || strings.Count(announced.String(), "pulls") != 2 {
		t.Errorf("announced %q", announced)
	}
}
