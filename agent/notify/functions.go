package notify

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/tidelock-io/tidelock/agent/api"
)

// A Commit is what a commit says of itself.
type Commit struct {
	Message string
	Author  string
	Date    time.Time
	Tags    []string
}

// Describe tells of a commit of a repository, with the credentials of an Application.
type Describe func(ctx context.Context, app *api.Application, repoURL, sha string) (Commit, error)

// functionsOf are Argo CD's functions. Those that fail return an error, by which the
// template or the condition fails.
func functionsOf(m Moment) map[string]map[string]any {
	return map[string]map[string]any{
		"time": times(),
		"strings": {
			"ReplaceAll": strings.ReplaceAll, "ToUpper": strings.ToUpper, "ToLower": strings.ToLower,
		},
		"sync": {"GetInfoItem": infoItem},
		"repo": {
			"RepoURLToHTTPS": toHTTPS, "FullNameByRepoURL": fullName, "QueryEscape": url.QueryEscape,
			"GetCommitMetadata": m.describe,
			"GetAppDetails":     m.details,
		},
	}
}

func times() map[string]any {
	all := map[string]any{
		"Now":        time.Now,
		"Parse":      func(text string) (time.Time, error) { return time.Parse(time.RFC3339, text) },
		"Nanosecond": time.Nanosecond, "Microsecond": time.Microsecond, "Millisecond": time.Millisecond,
		"Second": time.Second, "Minute": time.Minute, "Hour": time.Hour,
	}
	for name, layout := range map[string]string{
		"Layout": time.Layout, "ANSIC": time.ANSIC, "UnixDate": time.UnixDate, "RubyDate": time.RubyDate,
		"RFC822": time.RFC822, "RFC822Z": time.RFC822Z, "RFC850": time.RFC850, "RFC1123": time.RFC1123, "RFC1123Z": time.RFC1123Z,
		"RFC3339": time.RFC3339, "RFC3339Nano": time.RFC3339Nano, "Kitchen": time.Kitchen,
		"Stamp": time.Stamp, "StampMilli": time.StampMilli, "StampMicro": time.StampMicro, "StampNano": time.StampNano,
	} {
		all[name] = layout
	}
	return all
}

// infoItem is an entry of the info of an Application's operation.
func infoItem(app map[string]any, name string) (string, error) {
	status, _ := app["status"].(map[string]any)
	state, _ := status["operationState"].(map[string]any)
	operation, _ := state["operation"].(map[string]any)
	infos, _ := operation["info"].([]any)
	for _, item := range infos {
		if info, _ := item.(map[string]any); info["name"] == name {
			value, _ := info["value"].(string)
			return value, nil
		}
	}
	return "", fmt.Errorf("the operation has no info %q", name)
}

// describe looks in each of the Application's repositories.
func (m Moment) describe(sha string) (found Commit, err error) {
	if m.Commit == nil {
		return Commit{}, errors.New("commits are not looked at here")
	}
	err = errors.New("the Application has no source")
	for _, source := range m.App.Spec.AllSources() {
		if found, err = m.Commit(context.Background(), m.App, source.RepoURL, sha); err == nil {
			return found, nil
		}
	}
	return Commit{}, err
}

// repository reads the address of a Git repository, as git and scp write it.
func repository(address string) (*url.URL, error) {
	if host, path, ok := strings.Cut(address, ":"); ok && !strings.Contains(address, "://") && !strings.Contains(host, "/") {
		if at := strings.LastIndex(host, "@"); at >= 0 {
			host = host[at+1:]
		}
		return &url.URL{Scheme: "ssh", Host: host, Path: "/" + strings.TrimPrefix(path, "/")}, nil
	}
	u, err := url.Parse(address)
	if err != nil {
		return nil, errors.New("it is no address of a repository")
	}
	return u, nil
}

// toHTTPS is the address of a repository for a browser.
func toHTTPS(address string) (string, error) {
	u, err := repository(address)
	if err != nil {
		return "", err
	}
	u.Scheme, u.User = "https", nil
	return u.String(), nil
}

// fullName is OWNER/NAME of a repository.
func fullName(address string) (string, error) {
	u, err := repository(address)
	if err != nil {
		return "", err
	}
	path := strings.TrimSuffix(u.Path, ".git")
	if parts := strings.FieldsFunc(path, func(r rune) bool { return r == '/' }); len(parts) >= 2 {
		return parts[0] + "/" + parts[1], nil
	}
	return path, nil
}
