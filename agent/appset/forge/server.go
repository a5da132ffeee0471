package forge

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strconv"
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
	return s.call(ctx, http.MethodGet, path, query, nil, into)
}

func (s *server) call(ctx context.Context, method, path string, query url.Values, body []byte, into any) (http.Header, error) {
	address := s.base.String() + path
	if len(query) > 0 {
		address += "?" + query.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, method, address, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("%s: %.80q is no address", s.product, path)
	}
	req.Header.Set("User-Agent", s.options.UserAgent)
	req.Header.Set("Accept", s.accept)
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
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
	case int64(len(text)) > s.options.MaxAnswer:
		return nil, fmt.Errorf("%w: %s at %s answers %s with more than %d bytes", appset.ErrLimit, s.product, s.base.Host, path, s.options.MaxAnswer)
	case res.StatusCode/100 != 2:
		return nil, s.refused(res, path, text)
	}
	if err := json.Unmarshal(text, into); err != nil {
		return nil, fmt.Errorf("%s at %s answers %s with something else than was asked for, which most likely is no API; check its address", s.product, s.base.Host, path)
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

// list asks for all pages. A list that is too long is an error, not a part of it.
func list[T any](ctx context.Context, s *server, path string, query url.Values) ([]T, error) {
	var all []T
	query = maps.Clone(query)
	for page := 1; page <= s.options.MaxPages; page++ {
		query.Set("page", strconv.Itoa(page))
		var some []T
		header, err := s.get(ctx, path, query, &some)
		if err != nil {
			return nil, err
		}
		all = append(all, some...)
		if len(some) == 0 || !more(header, len(all)) {
			return all, nil
		}
	}
	return nil, fmt.Errorf("%w: %s at %s has more than %d pages of %s", appset.ErrLimit, s.product, s.base.Host, s.options.MaxPages, path)
}

// more says whether a list has further pages. Where they are is not taken from the
// answer: servers name themselves otherwise than they are reached.
func more(header http.Header, have int) bool {
	for _, links := range header.Values("Link") {
		if strings.Contains(links, `rel="next"`) {
			return true
		}
	}
	total, err := strconv.Atoi(header.Get("X-Total-Count"))
	return header.Get("X-Next-Page") != "" || err == nil && total > have
}
