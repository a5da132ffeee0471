package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/tidelock-io/tidelock/secrets"
)

const (
	sha  = "6113728f27ae82c7b1a177c8d03f9e96e0adf246"
	sha2 = "0b6a1d2e5e2ffb2a1f4b6a83c1d5f5b40f3f9a77"
)

// hash signs a body as most servers do.
func hash(body, secret string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(body))
	return hex.EncodeToString(mac.Sum(nil))
}

// A request is what a server sends.
type request struct {
	method, query, body string
	header              map[string]string
}

func (q request) with(name, value string) request {
	header := map[string]string{name: value}
	for k, v := range q.header {
		if k != name {
			header[k] = v
		}
	}
	q.header = header
	return q
}

func (q request) basic(user, password string) request {
	r := &http.Request{Header: http.Header{}}
	r.SetBasicAuth(user, password)
	return q.with("Authorization", r.Header.Get("Authorization"))
}

// send returns the code, what was announced, and what was told of the request.
func send(h *Webhook, q request) (code int) {
	method := q.method
	if method == "" {
		method = http.MethodPost
	}
	r := httptest.NewRequest(method, "/api/webhook"+q.query, strings.NewReader(q.body))
	for name, value := range q.header {
		r.Header[http.CanonicalHeaderKey(name)] = []string{value}
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Code
}

// hook is a Webhook that writes down what it is told.
func hook(keys map[string]string) (h *Webhook, announced, told *strings.Builder) {
	announced, told = &strings.Builder{}, &strings.Builder{}
	var mu sync.Mutex // guards both while requests are served
	return New(Config{
		Secret: func(key string) secrets.Value { return secrets.New([]byte(keys[key])) },
		Announced: func(a Announcement) {
			mu.Lock()
			defer mu.Unlock()
			fmt.Fprint(announced, strings.Join(a.URLs, " "))
			for _, more := range []string{a.Ref, a.SHA} {
				if more != "" {
					fmt.Fprint(announced, " ", more)
				}
			}
			for word, so := range map[string]bool{" published": a.Published, " pulls": a.Pulls, " listing": a.Listing} {
				if so {
					fmt.Fprint(announced, word)
				}
			}
			if a.ID != "" {
				fmt.Fprint(announced, " number ", a.ID)
			}
			if a.Signed {
				fmt.Fprint(announced, " signed")
			}
			fmt.Fprintln(announced)
		},
		Told: func(provider, outcome string) {
			mu.Lock()
			defer mu.Unlock()
			fmt.Fprint(told, provider, " ", outcome)
		},
	}), announced, told
}

// Payloads have the shape of those that the servers document, with some of what
// nobody reads.
var (
	github = request{header: map[string]string{"X-GitHub-Event": "push", "Content-Type": "application/json"}, body: `{"ref":"refs/heads/main",
"before":"0000000000000000000000000000000000000000","after":"` + sha + `","created":false,"forced":false,"commits":[{"id":"` + sha + `","added":["a"]}],
"repository":{"id":35129377,"full_name":"acme/Infra","clone_url":"https://github.com/acme/Infra.git","ssh_url":"git@github.com:acme/Infra.git",
"html_url":"https://github.com/acme/Infra","default_branch":"main"},"pusher":{"name":"jane"}}`}
	gitea = request{header: map[string]string{"X-Gitea-Event": "push", "X-Gogs-Event": "push", "X-GitHub-Event": "push"}, body: `{"ref":"refs/tags/v1.0.0",
"before":"0000000000000000000000000000000000000000","after":"` + sha + `","compare_url":"","commits":[],"total_commits":0,
"repository":{"id":7,"full_name":"acme/infra","html_url":"https://gitea.example/acme/infra","ssh_url":"ssh://git@gitea.example:2222/acme/infra.git",
"clone_url":"https://gitea.example/acme/infra.git"},"pusher":{"login":"jane"}}`}
	gogs = request{header: map[string]string{"X-Gogs-Event": "push", "X-Gogs-Delivery": "1"}, body: `{"ref":"refs/heads/main","before":"` + sha2 + `","after":"` + sha + `",
"repository":{"html_url":"http://gogs.example/acme/infra","ssh_url":"gogs@gogs.example:acme/infra.git","clone_url":"http://gogs.example/acme/infra.git"}}`}
	gitlab = request{header: map[string]string{"X-Gitlab-Event": "Push Hook"}, body: `{"object_kind":"push","event_name":"push","before":"` + sha2 + `","after":"` + sha + `",
"ref":"refs/heads/main","checkout_sha":"` + sha + `","user_name":"Jane","project_id":15,"project":{"id":15,"name":"infra","web_url":"https://gitlab.example/acme/infra",
"git_ssh_url":"ssh://git@gitlab.example:2222/acme/infra.git","git_http_url":"https://gitlab.example/acme/infra.git"},"commits":[],"total_commits_count":1}`}
	bitbucket = request{header: map[string]string{"X-Event-Key": "repo:push", "X-Hook-UUID": "d4b5a5c6-0b7e-4a40-8f9d-1a2b3c4d5e6f"}, body: `{"push":{"changes":[
{"forced":false,"created":false,"closed":false,"old":{"type":"branch","name":"main","target":{"hash":"` + sha2 + `"}},"new":{"type":"branch","name":"main","target":{"hash":"` + sha + `"}}},
{"created":true,"old":null,"new":{"type":"annotated_tag","name":"v1","target":{"hash":"` + sha + `"}}},
{"closed":true,"new":null,"old":{"type":"branch","name":"old","target":{"hash":"` + sha2 + `"}}}]},
"repository":{"type":"repository","full_name":"acme/infra","links":{"html":{"href":"https://bitbucket.org/acme/infra"}}},"actor":{"nickname":"jane"}}`}
	bitbucketServer = request{header: map[string]string{"X-Event-Key": "repo:refs_changed"}, body: `{"eventKey":"repo:refs_changed","date":"2026-01-01T00:00:00+0000",
"repository":{"slug":"infra","project":{"key":"ACME"},"links":{"clone":[{"href":"https://bitbucket.example/scm/acme/infra.git","name":"http"},
{"href":"ssh://git@bitbucket.example:7999/acme/infra.git","name":"ssh"}],"self":[{"href":"https://bitbucket.example/projects/ACME/repos/infra/browse"}]}},
"changes":[{"ref":{"id":"refs/heads/main","displayId":"main","type":"BRANCH"},"refId":"refs/heads/main","fromHash":"` + sha2 + `","toHash":"` + sha + `","type":"UPDATE"}]}`}
	azure = request{header: map[string]string{"X-Vss-Activityid": "1"}, body: `{"subscriptionId":"0","notificationId":2,"eventType":"git.push","publisherId":"tfs",
"resource":{"commits":[],"refUpdates":[{"name":"refs/heads/main","oldObjectId":"` + sha2 + `","newObjectId":"` + sha + `"}],
"repository":{"name":"infra","url":"https://dev.azure.com/acme/_apis/git/repositories/0","defaultBranch":"refs/heads/main","remoteUrl":"https://dev.azure.com/acme/web/_git/infra"},
"pushId":4},"resourceVersion":"1.0"}`}
	ghcr = request{header: map[string]string{"X-GitHub-Event": "package"}, body: `{"action":"published","package":{"id":1,"name":"Charts/web","namespace":"acme","ecosystem":"CONTAINER",
"package_type":"CONTAINER","owner":{"login":"Acme"},"package_version":{"container_metadata":{"tag":{"name":"1.0.0","digest":"sha256:0"}}}}}`}
	distribution = request{header: map[string]string{"Content-Type": "application/vnd.docker.distribution.events.v2+json"}, body: `{"events":[
{"id":"1","action":"push","target":{"mediaType":"application/octet-stream","digest":"sha256:0","repository":"charts/web","url":"https://registry.example/v2/charts/web/blobs/sha256:0"},"request":{"host":"registry.example","method":"PUT"}},
{"id":"2","action":"push","target":{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"sha256:1","repository":"charts/web","url":"https://registry.example/v2/charts/web/manifests/sha256:1","tag":"1.0.0"},"request":{"host":"registry.example"}},
{"id":"3","action":"pull","target":{"repository":"charts/other"},"request":{"host":"registry.example"}}]}`}
	harbor = request{query: "?type=harbor", body: `{"type":"PUSH_ARTIFACT","occur_at":1700000000,"operator":"jane","event_data":{"resources":[{"digest":"sha256:0","tag":"1.0.0",
"resource_url":"harbor.example/charts/web:1.0.0"}],"repository":{"name":"web","namespace":"charts","repo_full_name":"charts/web","repo_type":"private"}}}`}
	dockerHub = request{query: "?type=dockerhub", body: `{"push_data":{"pushed_at":1700000000,"pusher":"jane","tag":"1.0.0"},"callback_url":"https://registry.hub.docker.com/u/acme/web/hook/1/",
"repository":{"name":"web","namespace":"acme","repo_name":"acme/web","status":"Active"}}`}
)

// TestAnnounced: what each server tells of, without a secret.
func TestAnnounced(t *testing.T) {
	const hub = "https://github.com/acme/Infra.git refs/heads/main " + sha
	for _, tt := range []struct {
		name string
		send request
		want string
	}{
		{"github", github, hub + " listing\n"},
		{"github in a form", request{
			header: map[string]string{"X-GitHub-Event": "push", "Content-Type": "application/x-www-form-urlencoded; charset=utf-8"},
			body:   "payload=%7B%22ref%22%3A%22refs%2Fheads%2Fmain%22%2C%22after%22%3A%22" + sha + "%22%2C%22repository%22%3A%7B%22clone_url%22%3A%22https%3A%2F%2Fgithub.com%2Facme%2FInfra.git%22%7D%7D",
		}, hub + "\n"},
		{"github of a branch that was there", request{header: github.header, body: strings.Replace(github.body, deleted, sha2, 1)}, hub + "\n"},
		{"github ping", github.with("X-GitHub-Event", "ping"), ""},
		{"gitea", gitea, "https://gitea.example/acme/infra.git refs/tags/v1.0.0 " + sha + "\n"},
		{"gitea of an issue", gitea.with("X-Gitea-Event", "issues"), ""},
		{"gogs", gogs, "http://gogs.example/acme/infra.git refs/heads/main " + sha + "\n"},
		{"gitlab", gitlab, "https://gitlab.example/acme/infra.git refs/heads/main " + sha + "\n"},
		{"gitlab tag", request{header: map[string]string{"X-Gitlab-Event": "Tag Push Hook"}, body: strings.NewReplacer(`"push"`, `"tag_push"`, "refs/heads/main", "refs/tags/v1").Replace(gitlab.body)},
			"https://gitlab.example/acme/infra.git refs/tags/v1 " + sha + "\n"},
		{"gitlab system hook", request{header: map[string]string{"X-Gitlab-Event": "System Hook"}, body: strings.Replace(gitlab.body, `"object_kind":"push",`, "", 1)},
			"https://gitlab.example/acme/infra.git refs/heads/main " + sha + "\n"},
		{"gitlab of a job", request{header: map[string]string{"X-Gitlab-Event": "Job Hook"}, body: `{"object_kind":"build","ref":"main"}`}, ""},
		{"bitbucket", bitbucket, "https://bitbucket.org/acme/infra refs/heads/main " + sha + "\nhttps://bitbucket.org/acme/infra refs/tags/v1\nhttps://bitbucket.org/acme/infra refs/heads/old " + deleted + "\n"},
		{"bitbucket of a fork", bitbucket.with("X-Event-Key", "repo:fork"), ""},
		{"bitbucketserver", bitbucketServer, "https://bitbucket.example/scm/acme/infra.git ssh://git@bitbucket.example:7999/acme/infra.git refs/heads/main " + sha + "\n"},
		{"bitbucketserver test", bitbucketServer.with("X-Event-Key", "diagnostics:ping"), ""},
		{"azuredevops", azure, "https://dev.azure.com/acme/web/_git/infra https://acme.visualstudio.com/web/_git/infra ssh://git@ssh.dev.azure.com/v3/acme/web/infra refs/heads/main " + sha + "\n"},
		{"azuredevops without updates", request{header: azure.header, body: `{"eventType":"git.push","resource":{"refUpdates":[],"repository":{"remoteUrl":"https://dev.azure.com/acme/web/_git/infra"}}}`}, ""},
		{"azuredevops of a work item", request{header: azure.header, body: `{"eventType":"workitem.created"}`}, ""},
		{"ghcr", ghcr, "oci://ghcr.io/acme/charts/web published\n"},
		{"ghcr npm", request{header: ghcr.header, body: strings.ReplaceAll(ghcr.body, "CONTAINER", "NPM")}, ""},
		{"ghcr as before", request{header: map[string]string{"X-GitHub-Event": "registry_package"}, body: strings.Replace(ghcr.body, `"package":`, `"registry_package":`, 1)}, "oci://ghcr.io/acme/charts/web published\n"},
		{"registry", distribution, "oci://registry.example/charts/web published\n"},
		{"registry without events", request{header: distribution.header, body: `{"events":[]}`}, ""},
		{"harbor", harbor, "oci://harbor.example/charts/web published\n"},
		{"harbor pull", request{query: harbor.query, body: strings.Replace(harbor.body, "PUSH", "PULL", 1)}, ""},
		{"dockerhub", dockerHub, "oci://docker.io/acme/web oci://registry-1.docker.io/acme/web oci://index.docker.io/acme/web published\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h, announced, told := hook(nil)
			if code := send(h, tt.send); code != http.StatusOK {
				t.Errorf("code %d", code)
			}
			if got := announced.String(); got != tt.want {
				t.Errorf("announced\n%swant\n%s", got, tt.want)
			}
			provider, _, _ := strings.Cut(tt.name, " ")
			if want := provider + map[bool]string{true: " ignored", false: " taken"}[tt.want == ""]; told.String() != want {
				t.Errorf("told %q, want %q", told, want)
			}
		})
	}
}

// TestSigned: with a secret set, what does not know it is refused before anybody reads
// it, and what knows it is told of as signed.
func TestSigned(t *testing.T) {
	for _, tt := range []struct {
		name  string
		keys  map[string]string
		right request
		wrong []request
	}{
		{"github", map[string]string{"webhook.github.secret": "open"}, github.with("X-Hub-Signature-256", "sha256="+hash(github.body, "open")), []request{
			github, github.with("X-Hub-Signature-256", "sha256="+hash(github.body, "Open")), github.with("X-Hub-Signature-256", "sha256="+hash(github.body+" ", "open")),
			github.with("X-Hub-Signature-256", hash(github.body, "open")), github.with("X-Hub-Signature-256", "sha256=xyz"), github.with("X-Hub-Signature-256", "sha256="),
			github.with("X-Hub-Signature", "sha1="+hash(github.body, "open")),
		}},
		{"gitea", map[string]string{"webhook.gitea.secret": "open"}, gitea.with("X-Gitea-Signature", hash(gitea.body, "open")), []request{
			gitea, gitea.with("X-Gitea-Signature", hash(gitea.body, "other")), gitea.with("X-Hub-Signature-256", "sha256="+hash(gitea.body, "open")),
		}},
		{"gitea as Argo CD has it", map[string]string{"webhook.gogs.secret": "open"}, gitea.with("X-Gitea-Signature", hash(gitea.body, "open")), []request{gitea}},
		{"gogs", map[string]string{"webhook.gogs.secret": "open"}, gogs.with("X-Gogs-Signature", hash(gogs.body, "open")), []request{gogs, gogs.with("X-Gogs-Signature", hash(gogs.body, ""))}},
		{"gitlab", map[string]string{"webhook.gitlab.secret": "open"}, gitlab.with("X-Gitlab-Token", "open"), []request{gitlab, gitlab.with("X-Gitlab-Token", "ope"), gitlab.with("X-Gitlab-Token", "open1")}},
		{"bitbucket", map[string]string{"webhook.bitbucket.uuid": "{d4b5a5c6-0b7e-4a40-8f9d-1a2b3c4d5e6f}"}, bitbucket, []request{bitbucket.with("X-Hook-UUID", "d4b5a5c6")}},
		{"bitbucket signed", map[string]string{"webhook.bitbucket.uuid": "d4b5a5c6-0b7e-4a40-8f9d-1a2b3c4d5e6f", "webhook.bitbucket.secret": "open"},
			bitbucket.with("X-Hub-Signature", "sha256="+hash(bitbucket.body, "open")), []request{
				bitbucket, bitbucket.with("X-Hub-Signature", "sha256="+hash(bitbucket.body, "other")),
				bitbucket.with("X-Hub-Signature", "sha256="+hash(bitbucket.body, "open")).with("X-Hook-UUID", "other"),
			}},
		{"bitbucketserver", map[string]string{"webhook.bitbucketserver.secret": "open"}, bitbucketServer.with("X-Hub-Signature", "sha256="+hash(bitbucketServer.body, "open")), []request{bitbucketServer}},
		{"azuredevops", map[string]string{"webhook.azuredevops.username": "jane", "webhook.azuredevops.password": "open"}, azure.basic("jane", "open"), []request{
			azure, azure.basic("jane", "other"), azure.basic("joe", "open"), azure.basic("", ""),
		}},
		{"azuredevops by password", map[string]string{"webhook.azuredevops.password": "open"}, azure.basic("anybody", "open"), []request{azure, azure.basic("anybody", "")}},
		{"ghcr", map[string]string{"webhook.ghcr.secret": "open"}, ghcr.with("X-Hub-Signature-256", "sha256="+hash(ghcr.body, "open")), []request{ghcr}},
		{"ghcr by github's", map[string]string{"webhook.github.secret": "open"}, ghcr.with("X-Hub-Signature-256", "sha256="+hash(ghcr.body, "open")), []request{ghcr}},
		{"registry", map[string]string{"webhook.registry.secret": "open"}, distribution.with("Authorization", "Bearer open"), []request{distribution, distribution.with("Authorization", "Bearer ope")}},
		{"registry by password", map[string]string{"webhook.registry.secret": "open"}, distribution.basic("x", "open"), []request{distribution.basic("open", "x")}},
		{"harbor", map[string]string{"webhook.harbor.secret": "open"}, harbor.with("Authorization", "open"), []request{harbor, harbor.with("Authorization", "close")}},
		{"dockerhub", map[string]string{"webhook.dockerhub.secret": "open"}, request{query: "?type=dockerhub&secret=open", body: dockerHub.body}, []request{dockerHub}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h, announced, _ := hook(tt.keys)
			if code := send(h, tt.right); code != http.StatusOK || strings.Count(announced.String(), " signed\n") != strings.Count(announced.String(), "\n") || announced.Len() == 0 {
				t.Errorf("code %d, announced %q", code, announced)
			}
			announced.Reset()
			for i, wrong := range tt.wrong {
				for _, body := range []string{wrong.body, "{"} {
					if code := send(h, request{query: wrong.query, header: wrong.header, body: body}); code != http.StatusForbidden {
						t.Errorf("wrong %d: code %d", i, code)
					}
				}
			}
			// Who has recorded a request can send it again, and gains nothing by it.
			if code := send(h, tt.right); code != http.StatusOK || strings.Contains(announced.String(), " signed") {
				t.Errorf("sent again: code %d, announced %q", code, announced)
			}
		})
	}
}

// TestKeys: every secret that a provider asks for is among those that are named.
func TestKeys(t *testing.T) {
	asked := map[string]bool{}
	for _, p := range providers {
		p.verify(httptest.NewRequest(http.MethodPost, "/", nil), nil, func(key string) secrets.Value {
			asked[key] = true
			return secrets.Value{}
		})
	}
	for _, key := range Keys {
		if !asked[key] {
			t.Errorf("nobody asks for %s", key)
		}
		delete(asked, key)
	}
	if len(asked) > 0 {
		t.Errorf("not named: %v", asked)
	}
}

// TestRefused: what is no announcement, and what is too much.
func TestRefused(t *testing.T) {
	for _, tt := range []struct {
		name string
		send request
		code int
		told string
	}{
		{"GET", request{method: "GET", header: github.header}, 405, "github refused"},
		{"unknown", request{body: github.body}, 400, "unknown unknown"},
		{"rubbish", request{header: github.header, body: "{"}, 400, "github malformed"},
		{"nothing", request{header: github.header}, 400, "github malformed"},
		{"no repository", request{header: github.header, body: `{"ref":"refs/heads/main","after":"` + sha + `"}`}, 400, "github malformed"},
		{"no commit", request{header: github.header, body: strings.ReplaceAll(github.body, sha, "x")}, 400, "github malformed"},
		{"no ref", request{header: github.header, body: strings.ReplaceAll(github.body, "refs/heads/main", "main")}, 400, "github malformed"},
		{"gitlab without a commit", request{header: gitlab.header, body: `{"object_kind":"push","ref":"refs/heads/main","project":{"web_url":"https://gitlab.example/a"}}`}, 400, "gitlab malformed"},
		{"bitbucket without sides", request{header: bitbucket.header, body: `{"push":{"changes":[{}]}}`}, 400, "bitbucket malformed"},
		{"bitbucket of no repository", request{header: bitbucket.header, body: `{"push":{"changes":[{"new":{"type":"branch","name":"main"}}]}}`}, 400, "bitbucket malformed"},
		{"azure of no repository", request{header: azure.header, body: `{"eventType":"git.push","resource":{"refUpdates":[{"name":"refs/heads/main","newObjectId":"` + sha + `"}]}}`}, 400, "azuredevops malformed"},
		{"registry of no host", request{header: distribution.header, body: `{"events":[{"action":"push","target":{"repository":"a"}}]}`}, 400, "registry malformed"},
		{"harbor of nothing", request{query: harbor.query, body: `{"type":"PUSH_ARTIFACT"}`}, 400, "harbor malformed"},
		{"too large", request{header: github.header, body: strings.Repeat(" ", 1<<20+1)}, 413, "github too-large"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h, announced, told := hook(nil)
			h.config.MaxBytes = 1 << 20
			if code := send(h, tt.send); code != tt.code || announced.Len() > 0 || told.String() != tt.told {
				t.Errorf("code %d, announced %q, told %q; want %d and %q", code, announced, told, tt.code, tt.told)
			}
			if h.memory.left != max(maxMemory, 2*50<<20+2) {
				t.Errorf("%d bytes of memory are left over", h.memory.left)
			}
		})
	}
}

// TestLimited: of what nobody has signed, only so many requests are read at all; what
// is signed goes on.
func TestLimited(t *testing.T) {
	h, announced, _ := hook(map[string]string{"webhook.gitlab.secret": "open"})
	limit := 0
	for i := range 20 * unsignedAtOnce {
		if send(h, github) == http.StatusTooManyRequests {
			limit = i
			break
		}
	}
	if limit < unsignedAtOnce {
		t.Errorf("limited after %d requests, want at least %d", limit, unsignedAtOnce)
	}
	announced.Reset()
	if code := send(h, gitlab.with("X-Gitlab-Token", "open")); code != http.StatusOK || announced.Len() == 0 {
		t.Errorf("signed: code %d, announced %q", code, announced)
	}
}

// TestCrowd: senders that dawdle take up a few slots and little memory, and no more.
func TestCrowd(t *testing.T) {
	h := New(Config{Secret: func(string) secrets.Value { return secrets.Value{} }, Announced: func(Announcement) {}})
	hold, done := make(chan struct{}), make(chan struct{}, atOnce)
	ping := func(body io.Reader) int {
		r := httptest.NewRequest(http.MethodPost, "/api/webhook", body)
		r.Header.Set("X-GitHub-Event", "ping")
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w.Code
	}
	for range atOnce {
		began := make(chan struct{})
		go func() {
			first := true
			ping(readerFunc(func([]byte) (int, error) {
				if first {
					close(began)
					first = false
				}
				<-hold
				return 0, io.EOF
			}))
			done <- struct{}{}
		}()
		<-began
	}
	if code := ping(strings.NewReader("")); code != http.StatusServiceUnavailable {
		t.Errorf("got %d", code)
	}
	close(hold)
	for range atOnce {
		<-done
	}
	h.unsigned.SetBurst(2 * atOnce)
	if code := ping(strings.NewReader("{}")); code == http.StatusServiceUnavailable {
		t.Errorf("got %d", code)
	}
}

// TestMemory: bodies share what memory there is, and give it back.
func TestMemory(t *testing.T) {
	h, _, told := hook(nil)
	h.memory.left = 64 << 10
	if code := send(h, request{header: github.header, body: strings.Repeat(" ", 100<<10)}); code != http.StatusServiceUnavailable || told.String() != "github busy" {
		t.Errorf("code %d, told %q", code, told)
	}
	if code := send(h, github); code != http.StatusOK || h.memory.left != 64<<10 {
		t.Errorf("code %d, %d bytes left", code, h.memory.left)
	}
}

// FuzzParse: no body makes the parsers fail but by an error, and what is announced is
// well formed.
func FuzzParse(f *testing.F) {
	for i, seed := range []request{azure, gitea, gogs, ghcr, github, gitlab, bitbucket, bitbucketServer, distribution, harbor, dockerHub} {
		f.Add(uint8(i), seed.header["X-Event-Key"], seed.header["Content-Type"], seed.body)
	}
	f.Fuzz(func(t *testing.T, which uint8, key, contentType, body string) {
		p := providers[int(which)%len(providers)]
		r := &http.Request{Header: http.Header{}}
		for _, name := range []string{"X-Event-Key", "X-Github-Event", "X-Gitea-Event", "X-Gogs-Event"} {
			r.Header.Set(name, "push")
		}
		r.Header["X-Event-Key"], r.Header["Content-Type"] = []string{key}, []string{contentType}
		list, err := p.parse(r, []byte(body))
		if err != nil && list != nil {
			t.Error("an error, and announcements")
		}
		for _, a := range list {
			if len(a.URLs) == 0 || a.Published == (a.Ref != "") || a.Ref != "" && !strings.HasPrefix(a.Ref, "refs/") || a.SHA != "" && len(a.SHA) != 40 {
				t.Errorf("announced %+v", a)
			}
		}
	})
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }
