package testenv

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/yaml"
)

// An AuditLog counts requests. The API server's metrics have no user in their
// labels and would count kube-controller-manager's requests too; its audit log
// tells users apart and costs it microseconds a request.
type AuditLog struct {
	path   string
	user   string // of whom the requests are counted, "" of all
	offset int64
}

// Of counts the requests of one user, from the start of the log on.
func (l *AuditLog) Of(user string) *AuditLog { return &AuditLog{path: l.path, user: user} }

// Requests are numbers of requests by verb and resource, as "apply deployments"
// or "watch secrets". Server-side apply is "apply" here, or "dry-run". What was
// refused for want of a right is "forbidden patch deployments".
type Requests map[string]int

// Total is the number of all of them.
func (r Requests) Total() (n int) {
	for _, count := range r {
		n += count
	}
	return n
}

// String lists them, most frequent first.
func (r Requests) String() string {
	keys := slices.SortedFunc(maps.Keys(r), func(a, b string) int {
		if d := r[b] - r[a]; d != 0 {
			return d
		}
		return strings.Compare(a, b)
	})
	for i, key := range keys {
		keys[i] = fmt.Sprintf("%d %s", r[key], key)
	}
	return strings.Join(keys, ", ")
}

// newAuditLog returns a log in dir, and the path of the policy that records the
// metadata of what users ask for, what they send of some resources, and nothing else.
func newAuditLog(dir string, users []string, sent ...schema.GroupResource) (log *AuditLog, policy string, err error) {
	policy = filepath.Join(dir, "audit-policy.yaml")
	var rules []any
	for _, of := range sent {
		resources := []any{map[string]any{"group": of.Group, "resources": []string{of.Resource}}}
		rules = append(rules, map[string]any{"level": "Request", "users": users, "resources": resources})
	}
	content, err := yaml.Marshal(map[string]any{
		"apiVersion": "audit.k8s.io/v1",
		"kind":       "Policy",
		"omitStages": []string{"RequestReceived"},
		"rules": append(rules,
			map[string]any{"level": "Metadata", "users": users},
			map[string]any{"level": "None"},
		),
	})
	if err != nil {
		return nil, "", err
	}
	return &AuditLog{path: filepath.Join(dir, "audit.jsonl")}, policy, os.WriteFile(policy, content, 0o600)
}

// Next counts the requests since the last call, or since the start of the log. A
// watch counts when it begins, all else when it is answered.
func (l *AuditLog) Next() (Requests, error) {
	requests, _, err := l.NextBut(func(string, string) bool { return false })
	return requests, err
}

// NextBut is Next, and counts requests apart of which a function says so, which is told
// what was asked for, as in Requests, and the name of the object.
func (l *AuditLog) NextBut(apart func(request, name string) bool) (requests, others Requests, err error) {
	requests, others = Requests{}, Requests{}
	file, err := os.Open(l.path)
	if errors.Is(err, fs.ErrNotExist) {
		return requests, others, nil
	}
	if err != nil {
		return nil, nil, err
	}
	defer file.Close()
	if _, err := file.Seek(l.offset, io.SeekStart); err != nil {
		return nil, nil, err
	}
	lines := bufio.NewReaderSize(file, 64<<10)
	for {
		line, err := lines.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return requests, others, nil // half a line is read next time
		}
		if err != nil {
			return nil, nil, err
		}
		l.offset += int64(len(line))
		request, name, err := readAudit(line, l.user)
		switch {
		case err != nil:
			return nil, nil, fmt.Errorf("audit log %s: %w", l.path, err)
		case request == "":
		case apart(request, name):
			others[request]++
		default:
			requests[request]++
		}
	}
}

// readAudit returns the request that a line tells of, and the name of what it was for;
// "" if it is to be counted by another line, or is of another user.
func readAudit(line []byte, user string) (request, name string, err error) {
	var event struct {
		Stage      string `json:"stage"`
		Verb       string `json:"verb"`
		RequestURI string `json:"requestURI"`
		User       struct {
			Username string `json:"username"`
		} `json:"user"`
		Status struct {
			Code int `json:"code"`
		} `json:"responseStatus"`
		ObjectRef struct {
			Resource    string `json:"resource"`
			Subresource string `json:"subresource"`
			Name        string `json:"name"`
		} `json:"objectRef"`
	}
	if err := json.Unmarshal(line, &event); err != nil {
		return "", "", err
	}
	if user != "" && event.User.Username != user {
		return "", "", nil
	}
	forbidden := event.Status.Code == http.StatusForbidden
	watch := event.Verb == "watch" && !forbidden
	if watch != (event.Stage == "ResponseStarted") {
		return "", "", nil
	}
	uri, err := url.ParseRequestURI(event.RequestURI)
	if err != nil {
		return "", "", err
	}
	what := uri.Path
	if event.ObjectRef.Resource != "" {
		what = event.ObjectRef.Resource
		if event.ObjectRef.Subresource != "" {
			what += "/" + event.ObjectRef.Subresource
		}
	}
	if forbidden {
		return "forbidden " + event.Verb + " " + what, event.ObjectRef.Name, nil
	}
	return requestVerb(event.Verb, uri.Query()) + " " + what, event.ObjectRef.Name, nil
}

// requestVerb tells server-side apply from other patches, and a dry run from
// what counts.
func requestVerb(verb string, query url.Values) string {
	switch {
	case query.Get("dryRun") != "":
		return "dry-run"
	case verb == "patch" && query.Get("fieldManager") != "" && query.Has("force"):
		return "apply"
	}
	return verb
}
