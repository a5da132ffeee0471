package webhook

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/tidelock-io/tidelock/secrets"
)

// sentByGHCR are GitHub's events of its registry.
func sentByGHCR(r *http.Request) bool {
	event := r.Header.Get("X-GitHub-Event")
	return event == "package" || event == "registry_package"
}

// parseGHCR reads https://docs.github.com/webhooks/webhook-events-and-payloads#package
func parseGHCR(r *http.Request, body []byte) ([]Announcement, error) {
	type packaged struct {
		Name  string `json:"name"`
		Type  string `json:"package_type"`
		Owner struct {
			Login string `json:"login"`
		} `json:"owner"`
	}
	var e struct {
		Action     string   `json:"action"`
		Package    packaged `json:"package"`
		Registered packaged `json:"registry_package"`
	}
	if err := decode(r, body, &e); err != nil {
		return nil, err
	}
	p := e.Package
	if p.Name == "" {
		p = e.Registered
	}
	if e.Action != "published" && e.Action != "updated" || !strings.EqualFold(p.Type, "container") {
		return nil, nil
	}
	if p.Owner.Login == "" || p.Name == "" {
		return nil, errVague
	}
	return one(published("ghcr.io", strings.ToLower(p.Owner.Login+"/"+p.Name)))
}

// sentByRegistry are the notifications of the registry that others are built on:
// https://distribution.github.io/distribution/about/notifications/
func sentByRegistry(r *http.Request) bool {
	return strings.HasPrefix(r.Header.Get("Content-Type"), "application/vnd.docker.distribution.events.")
}

func parseRegistry(r *http.Request, body []byte) ([]Announcement, error) {
	var e struct {
		Events []struct {
			Action string `json:"action"`
			Target struct {
				Repository string `json:"repository"`
				URL        string `json:"url"`
			} `json:"target"`
			Request struct {
				Host string `json:"host"`
			} `json:"request"`
		} `json:"events"`
	}
	if err := decode(r, body, &e); err != nil {
		return nil, err
	}
	var all []Announcement
	seen := map[string]bool{}
	for _, event := range e.Events {
		if event.Action != "push" && event.Action != "mount" {
			continue
		}
		host := event.Request.Host
		if host == "" {
			host = hostOf(event.Target.URL)
		}
		a, ok := published(host, event.Target.Repository)
		if !ok {
			return nil, errVague
		}
		if !seen[a.URLs[0]] { // a push of an image is an event for each of its parts
			seen[a.URLs[0]] = true
			all = append(all, a)
		}
	}
	return all, nil
}

// parseHarbor reads https://goharbor.io/docs/main/working-with-projects/project-configuration/configure-webhooks/
func parseHarbor(r *http.Request, body []byte) ([]Announcement, error) {
	var e struct {
		Type string `json:"type"`
		Data struct {
			Resources []struct {
				URL string `json:"resource_url"`
			} `json:"resources"`
			Repository struct {
				FullName string `json:"repo_full_name"`
			} `json:"repository"`
		} `json:"event_data"`
	}
	if err := decode(r, body, &e); err != nil {
		return nil, err
	}
	if e.Type != "PUSH_ARTIFACT" {
		return nil, nil
	}
	if len(e.Data.Resources) == 0 {
		return nil, errVague
	}
	return one(published(hostOf(e.Data.Resources[0].URL), e.Data.Repository.FullName))
}

// hostOf is that of an address, with or without a scheme.
func hostOf(address string) string {
	if !strings.Contains(address, "://") {
		address = "oci://" + address
	}
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return u.Host
}

// verifyDockerHub compares what whoever has set it up wrote into the address, for
// Docker Hub signs nothing.
func verifyDockerHub(r *http.Request, _ []byte, secret func(string) secrets.Value) (demanded, ok bool) {
	want := firstOf(secret, "webhook.dockerhub.secret")
	return want != nil, want != nil && same(r.URL.Query().Get("secret"), want)
}

// parseDockerHub reads https://docs.docker.com/docker-hub/repos/manage/webhooks/
func parseDockerHub(r *http.Request, body []byte) ([]Announcement, error) {
	var e struct {
		Repository struct {
			RepoName string `json:"repo_name"`
		} `json:"repository"`
	}
	if err := decode(r, body, &e); err != nil {
		return nil, err
	}
	name := e.Repository.RepoName
	if name == "" {
		return nil, errVague
	}
	if !strings.Contains(name, "/") {
		name = "library/" + name
	}
	a, _ := published("docker.io", name)
	a.URLs = append(a.URLs, "oci://registry-1.docker.io/"+name, "oci://index.docker.io/"+name)
	return []Announcement{a}, nil
}
