package git

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/tidelock-io/tidelock/secrets"
)

const pushSHA = "6113728f27ae82c7b1a177c8d03f9e96e0adf246"

const pushEvent = `{"ref":"refs/heads/main","before":"0000000000000000000000000000000000000000","after":"` + pushSHA + `",
"repository":{"clone_url":"https://github.com/acme/Infra.git","ssh_url":"git@github.com:acme/Infra.git","html_url":"https://github.com/acme/Infra"}}`

func TestWebhook(t *testing.T) {
	sign := func(body, secret string) string {
		mac := hmac.New(sha256.New, []byte(secret))
		mac.Write([]byte(body))
		return "sha256=" + hex.EncodeToString(mac.Sum(nil))
	}
	const notified = "https://github.com/acme/Infra.git refs/heads/main " + pushSHA + "\n"
	for _, tt := range []struct {
		name, method, event, signature, body, secret string
		code                                         int
		want                                         string
	}{
		{"push", "POST", "push", "", pushEvent, "", 200, notified},
		{"signed push", "POST", "push", sign(pushEvent, "hunter22"), pushEvent, "hunter22", 200, notified},
		{"ping", "POST", "ping", "", `{"zen":"x"}`, "", 200, ""},
		{"another event", "POST", "issues", "", `{}`, "", 200, ""},
		{"unsigned", "POST", "push", "", pushEvent, "hunter22", 403, ""},
		{"signed by another", "POST", "push", sign(pushEvent, "hunter23"), pushEvent, "hunter22", 403, ""},
		{"other body", "POST", "push", sign(pushEvent, "hunter22"), pushEvent + " ", "hunter22", 403, ""},
		{"unsigned rubbish is not parsed", "POST", "push", "", "{", "hunter22", 403, ""},
		{"signature no hex", "POST", "push", "sha256=xyz", pushEvent, "hunter22", 403, ""},
		{"signature by SHA-1", "POST", "push", "sha1=00", pushEvent, "hunter22", 403, ""},
		{"GET", "GET", "push", "", "", "", 405, ""},
		{"unknown provider", "POST", "", "", pushEvent, "", 400, ""},
		{"rubbish", "POST", "push", "", "{", "", 400, ""},
		{"no repository", "POST", "push", "", `{"ref":"refs/heads/main","after":"` + pushSHA + `"}`, "", 400, ""},
		{"no commit", "POST", "push", "", strings.ReplaceAll(pushEvent, pushSHA, "x"), "", 400, ""},
		{"too large", "POST", "push", "", strings.Repeat(" ", maxPayload+1), "", 413, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var got strings.Builder
			h := NewWebhook(map[string]secrets.Value{"github": secrets.New([]byte(tt.secret))}, func(url, ref, sha string) {
				fmt.Fprintln(&got, url, ref, sha)
			})
			r := httptest.NewRequest(tt.method, "/api/webhook", strings.NewReader(tt.body))
			if tt.event != "" {
				r.Header.Set("X-GitHub-Event", tt.event)
			}
			r.Header.Set("X-Hub-Signature-256", tt.signature)
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			if w.Code != tt.code || got.String() != tt.want {
				t.Errorf("got %d and %q, want %d and %q", w.Code, &got, tt.code, tt.want)
			}
		})
	}
}

// Senders that dawdle take up a few slots and no more.
func TestWebhookCrowd(t *testing.T) {
	h := NewWebhook(nil, func(string, string, string) {})
	hold, done := make(chan struct{}), make(chan struct{}, maxWebhooks)
	request := func(body io.Reader) int {
		r := httptest.NewRequest(http.MethodPost, "/api/webhook", body)
		r.Header.Set("X-GitHub-Event", "ping")
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w.Code
	}
	for range maxWebhooks {
		began := make(chan struct{})
		go func() {
			first := true
			request(readerFunc(func([]byte) (int, error) {
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
	if code := request(strings.NewReader("")); code != http.StatusServiceUnavailable {
		t.Errorf("got %d", code)
	}
	close(hold)
	for range maxWebhooks {
		<-done
	}
	if code := request(strings.NewReader("")); code != http.StatusOK {
		t.Errorf("got %d", code)
	}
}

func FuzzWebhook(f *testing.F) {
	f.Add("push", "application/json", pushEvent)
	f.Add("push", "application/x-www-form-urlencoded", "payload=%7B%7D")
	f.Add("ping", "", "")
	f.Fuzz(func(t *testing.T, event, contentType, body string) {
		h := NewWebhook(nil, func(url, ref, sha string) {
			if url == "" || !strings.HasPrefix(ref, "refs/") || len(sha) != 40 {
				t.Errorf("notified of %q %q %q", url, ref, sha)
			}
			SameRepo(url, "https://github.com/acme/infra")
		})
		r := httptest.NewRequest(http.MethodPost, "/api/webhook", strings.NewReader(body))
		r.Header["X-Github-Event"] = []string{event}
		r.Header["Content-Type"] = []string{contentType}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code >= 500 {
			t.Errorf("code %d", w.Code)
		}
	})
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }
