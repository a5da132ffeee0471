package forge

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// A Refusal is an answer that says no.
type Refusal struct {
	// Server and Path are what was asked.
	Server, Path string
	Status       int
	// Said is what the server says about it, on one line.
	Said string
	// Until is when it may be asked again, if it has been asked too often.
	Until time.Time
	hint  string
}

// Error says what was asked, what the answer is, and what can be done.
func (r *Refusal) Error() string {
	text := fmt.Sprintf("%s answers %s with status %d", r.Server, r.Path, r.Status)
	if r.Said != "" {
		text += " (" + r.Said + ")"
	}
	if r.hint != "" {
		text += "; " + r.hint
	}
	return text
}

func isNotFound(err error) bool {
	var r *Refusal
	return errors.As(err, &r) && r.Status == http.StatusNotFound
}

// refused reads an answer that says no.
func (s *server) refused(res *http.Response, path string, text []byte) error {
	r := &Refusal{Server: s.product + " at " + s.base.Host, Path: path, Status: res.StatusCode, Said: s.said(text), Until: until(res)}
	who := "no token is given"
	if s.secret != "" {
		who = "the token is that of " + s.secret
	}
	switch {
	case !r.Until.IsZero():
		r.hint = fmt.Sprintf("it was asked too often, and may be asked again at %s; %s", r.Until.UTC().Format(time.RFC3339), who)
	case res.StatusCode == http.StatusUnauthorized, res.StatusCode == http.StatusForbidden:
		r.hint = who + ", which may not do this or has ended"
		if s.secret == "" {
			r.hint = who + ": give one with tokenRef"
		}
	case res.StatusCode == http.StatusNotFound:
		r.hint = "there is none, or it may not be seen; " + who
	case res.StatusCode/100 == 3:
		r.hint = "write the address that it redirects to"
	}
	return r
}

// until reads when a server may be asked again: as GitHub says it, or as HTTP does.
func until(res *http.Response) time.Time {
	if res.StatusCode != http.StatusForbidden && res.StatusCode != http.StatusTooManyRequests {
		return time.Time{}
	}
	if after, err := strconv.ParseInt(res.Header.Get("Retry-After"), 10, 32); err == nil {
		if date, err := http.ParseTime(res.Header.Get("Date")); err == nil {
			return date.Add(time.Duration(after) * time.Second)
		}
	}
	for _, name := range []string{"X-RateLimit-Reset", "RateLimit-Reset"} {
		at, err := strconv.ParseInt(res.Header.Get(name), 10, 64)
		if err == nil && (res.StatusCode == http.StatusTooManyRequests || res.Header.Get("X-RateLimit-Remaining") == "0") {
			return time.Unix(at, 0)
		}
	}
	return time.Time{}
}

// said is a server's own word, as far as it can be shown: short, on one line, and
// without the token, should the server repeat it.
func (s *server) said(text []byte) string {
	var answer struct {
		Message any    `json:"message"`
		Error   string `json:"error"`
	}
	if json.Unmarshal(text, &answer) != nil {
		return ""
	}
	message, _ := answer.Message.(string)
	if message == "" {
		message = answer.Error
	}
	if token := s.shown(); token != "" {
		message = strings.ReplaceAll(message, token, "…")
	}
	message = strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return ' '
	}, message)
	message = strings.Join(strings.Fields(message), " ")
	if len(message) > 200 {
		message = strings.ToValidUTF8(message[:200], "") + "…"
	}
	return message
}
