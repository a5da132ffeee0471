package git

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
)

// GitHub's webhooks: https://docs.github.com/webhooks/webhook-events-and-payloads#push

func sentByGitHub(header http.Header) bool { return header.Get("X-GitHub-Event") != "" }

func verifyGitHub(header http.Header, body, secret []byte) bool {
	digits, ok := strings.CutPrefix(header.Get("X-Hub-Signature-256"), "sha256=")
	signature, err := hex.DecodeString(digits)
	if !ok || err != nil {
		return false
	}
	mac := hmac.New(sha256.New, secret)
	mac.Write(body)
	return hmac.Equal(signature, mac.Sum(nil))
}

func parseGitHub(header http.Header, body []byte) (*Push, error) {
	if header.Get("X-GitHub-Event") != "push" {
		return nil, nil
	}
	// A webhook is set up to send JSON, or JSON in a form.
	if strings.HasPrefix(header.Get("Content-Type"), "application/x-www-form-urlencoded") {
		form, err := url.ParseQuery(string(body))
		if err != nil {
			return nil, err
		}
		body = []byte(form.Get("payload"))
	}
	var event struct {
		Ref        string `json:"ref"`
		After      string `json:"after"`
		Repository struct {
			CloneURL string `json:"clone_url"`
			SSHURL   string `json:"ssh_url"`
			HTMLURL  string `json:"html_url"`
		} `json:"repository"`
	}
	if err := json.Unmarshal(body, &event); err != nil {
		return nil, err
	}
	push := &Push{Ref: event.Ref, SHA: event.After}
	seen := map[string]bool{}
	for _, address := range []string{event.Repository.CloneURL, event.Repository.SSHURL, event.Repository.HTMLURL} {
		if name := Normalize(address); address != "" && !seen[name] {
			seen[name] = true
			push.URLs = append(push.URLs, address)
		}
	}
	if len(push.URLs) == 0 || !strings.HasPrefix(push.Ref, "refs/") || !fullSHA.MatchString(push.SHA) {
		return nil, errors.New("push event without repository, ref or commit")
	}
	return push, nil
}
