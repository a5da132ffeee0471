package forge_test

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/tidelock-io/tidelock/agent/appset"
	"github.com/tidelock-io/tidelock/agent/appset/forge"
	"github.com/tidelock-io/tidelock/secrets"
)

// planted is the token of all tests: whatever shows it is wrong.
const planted = "glpat-PLANTED-0123456789"

// objects are the Secrets and ConfigMaps of a namespace: items by "name/key".
type objects map[string]string

func (o objects) items(kind, name string) (map[string]string, error) {
	items := map[string]string{}
	for at, text := range o {
		if of, key, _ := strings.Cut(at, "/"); of == name {
			items[key] = text
		}
	}
	if len(items) == 0 {
		return nil, fmt.Errorf("there is no %s %s", kind, name)
	}
	return items, nil
}

func (o objects) Secret(_ context.Context, name string) (map[string]secrets.Value, error) {
	items, err := o.items("Secret", name)
	values := map[string]secrets.Value{}
	for key, text := range items {
		values[key] = secrets.New([]byte(text))
	}
	return values, err
}

func (o objects) ConfigMap(_ context.Context, name string) (map[string]string, error) {
	return o.items("ConfigMap", name)
}

// An answer of a server: its status, 200 if none, its headers and its body.
type answer struct {
	status int
	header map[string]string
	body   string
}

// A world is a server that answers by "PATH?QUERY", the query sorted, and what it was
// asked.
type world struct {
	*httptest.Server
	login string // a header's line that every request must have; "" demands none
	mu    sync.Mutex
	asked []string
}

func newWorld(t *testing.T, login string, answers map[string]answer) *world {
	t.Helper()
	w := &world{login: login}
	w.Server = httptest.NewServer(w.handler(answers))
	t.Cleanup(w.Close)
	return w
}

func (w *world) handler(answers map[string]answer) http.HandlerFunc {
	return func(out http.ResponseWriter, r *http.Request) {
		at := r.URL.EscapedPath()
		if r.Method != http.MethodGet {
			body, _ := io.ReadAll(r.Body)
			at = strings.TrimSpace(r.Method + " " + at + " " + string(body))
		}
		if r.URL.RawQuery != "" {
			at += "?" + r.URL.Query().Encode()
		}
		w.mu.Lock()
		w.asked = append(w.asked, at)
		w.mu.Unlock()
		name, value, _ := strings.Cut(w.login, ": ")
		if w.login != "" && r.Header.Get(name) != value {
			answers = map[string]answer{at: {status: http.StatusUnauthorized, body: `{"message": "Bad credentials"}`}}
		}
		is, ok := answers[at]
		if !ok {
			is = answer{status: http.StatusNotFound, body: `{"message": "Not Found"}`}
		}
		for name, value := range is.header {
			out.Header().Set(name, value)
		}
		if is.status != 0 {
			out.WriteHeader(is.status)
		}
		_, _ = io.WriteString(out, is.body)
	}
}

// requests are those so far, in the order of the alphabet: some are made side by side.
func (w *world) requests() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Sorted(slices.Values(w.asked))
}

func (w *world) host() string {
	u, _ := url.Parse(w.URL)
	return u.Host
}

// own is what the namespace of a set has in all tests.
func own(more ...objects) objects {
	all := objects{"token/value": planted + "\n"}
	for _, some := range more {
		maps.Copy(all, some)
	}
	return all
}

func answersFor(t *testing.T, o forge.Options, in objects) *forge.Answers {
	t.Helper()
	f := forge.New(o)
	t.Cleanup(f.Close)
	return f.For("previews", in, in)
}

func printPulls(pulls []appset.PullRequest) string {
	var b strings.Builder
	for _, p := range pulls {
		fmt.Fprintf(&b, "%d %q by %s: %s@%s into %s %v\n", p.Number, p.Title, p.Author, p.Branch, p.HeadSHA, p.TargetBranch, p.Labels)
	}
	return b.String()
}

func printRepositories(t *testing.T, all []appset.Repository, path string) string {
	t.Helper()
	var b strings.Builder
	for _, r := range all {
		fmt.Fprintf(&b, "%s/%s#%v %s %s@%s %v", r.Organization, r.Repository, r.ID, r.URL, r.Branch, r.SHA, r.Labels)
		if path != "" {
			has, err := r.HasPath(t.Context(), path)
			if err != nil {
				t.Fatal(err)
			}
			fmt.Fprintf(&b, " %s=%t", path, has)
		}
		fmt.Fprintln(&b)
	}
	return b.String()
}

// compare trims what tables are indented by.
func compare(t *testing.T, got, want string) {
	t.Helper()
	rows := strings.Split(strings.TrimSpace(want), "\n")
	for i := range rows {
		rows[i] = strings.TrimSpace(rows[i])
	}
	if want = strings.Join(rows, "\n"); strings.TrimSpace(got) != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if strings.Contains(got, planted) {
		t.Errorf("it shows the token:\n%s", got)
	}
}
