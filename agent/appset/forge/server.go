package forge

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/tidelock-io/tidelock/agent/appset"
	"github.com/tidelock-io/tidelock/secrets"
)

// A server is one API, and how to log in to it.
type server struct {
	product string // as people call it
	base    *url.URL
	client  *http.Client
	options Options
	accept  string
	// header and scheme show the token: "Authorization: Bearer ...".
	header, scheme string
	token          secrets.Value
	secret         string // where the token is from, for people
	own            bool   // the connections are nobody else's
}

func (s *server) close() {
	if s.own {
		s.client.CloseIdleConnections()
	}
}

// get asks for one thing. The path is escaped already.
func (s *server) get(ctx context.Context, path string, query url.Values, into any) (http.Header, error) {
	return s.call(ctx, request{method: http.MethodGet, path: path, query: query}, into)
}

// A request is a question to a server. The path is escaped already.
type request struct {
	method, path string
	query        url.Values
	body         []byte
	known        string // what the server called an answer that is at hand, by an ETag
}

// call asks a server. There is no header if the answer is the one that is known.
func (s *server) call(ctx context.Context, r request, into any) (http.Header, error) {
	address := s.base.String() + r.path
	if len(r.query) > 0 {
		address += "?" + r.query.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, r.method, address, bytes.NewReader(r.body))
	if err != nil {
		return nil, fmt.Errorf("%s: %.80q is no address", s.product, r.path)
	}
	req.Header.Set("User-Agent", s.options.UserAgent)
	req.Header.Set("Accept", s.accept)
	if r.body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if r.known != "" {
		req.Header.Set("If-None-Match", r.known)
	}
	if token := s.shown(); token != "" {
		req.Header.Set(s.header, s.scheme+token)
	}
	res, err := s.client.Do(req)
	if err != nil {
		return nil, fmt.Errorf("ask %s at %s: %w", s.product, s.base.Host, within(err))
	}
	defer res.Body.Close()
	text, err := io.ReadAll(io.LimitReader(res.Body, s.options.MaxAnswer+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("ask %s at %s: %w", s.product, s.base.Host, within(err))
	case res.StatusCode == http.StatusNotModified && r.known != "":
		return nil, nil
	case int64(len(text)) > s.options.MaxAnswer:
		return nil, fmt.Errorf("%w: %s at %s answers %s with more than %d bytes", appset.ErrLimit, s.product, s.base.Host, r.path, s.options.MaxAnswer)
	case res.StatusCode/100 != 2:
		return nil, s.refused(res, r.path, text)
	}
	if err := json.Unmarshal(text, into); err != nil {
		return nil, fmt.Errorf("%s at %s answers %s with something else than was asked for, which most likely is no API; check its address", s.product, s.base.Host, r.path)
	}
	return res.Header, nil
}

// shown is the token as it is shown. A line's end is often in a Secret by mistake.
func (s *server) shown() string { return strings.TrimSpace(string(s.token.Reveal())) }

// within is an error without the address that it repeats.
func within(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}
