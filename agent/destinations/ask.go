package destinations

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/tidelock-io/tidelock/agent/keyring"
)

// maxVersion bounds what a server says of its version.
const maxVersion = 64 << 10

// Ask asks a cluster for its version, once: "1.37.2". Its error is about the Secret, or
// says why the cluster does not answer.
func Ask(ctx context.Context, s keyring.ClusterSecret, commands []string, timeout time.Duration) (version string, err error) {
	login, err := readSecret(&s, commands)
	if err != nil {
		return "", err
	}
	inner, idle, err := login.dial(timeout, nil)
	if err != nil {
		return "", fmt.Errorf("%w %s: %w", ErrSecret, s.Secret, err)
	}
	defer idle()
	w := newWire(login.server.Host)
	w.replace(inner, idle)
	w.opens()
	ctx, cancel := context.WithTimeoutCause(ctx, timeout, fmt.Errorf("no answer within %s", timeout))
	defer cancel()
	response, err := ask(ctx, w, login)
	if err != nil {
		return "", unanswered(err)
	}
	defer response.Body.Close()
	var said struct{ GitVersion string }
	if json.NewDecoder(io.LimitReader(response.Body, maxVersion)).Decode(&said) != nil {
		return "", nil // it answers, and may not say
	}
	return strings.TrimPrefix(said.GitVersion, "v"), nil
}

// ErrLogin says that a cluster answers, and does not take what its Secret logs in with.
var ErrLogin = errors.New("it refuses the login")

func (l *login) refused() error {
	return fmt.Errorf("%w of Secret %s (401 Unauthorized)", ErrLogin, l.secret)
}

// unanswered is why a cluster was of no use.
func unanswered(err error) error {
	if errors.Is(err, ErrLogin) {
		return fmt.Errorf("%w: %w", ErrUnreachable, err)
	}
	return fmt.Errorf("%w: %s", ErrUnreachable, plain(err))
}

// ask asks for what is cheapest. The answer's body is to be closed.
func ask(ctx context.Context, w *wire, l *login) (*http.Response, error) {
	r, err := http.NewRequestWithContext(probe(ctx), http.MethodGet, l.server.JoinPath("version").String(), nil)
	if err != nil {
		return nil, err
	}
	response, err := w.RoundTrip(r)
	if err != nil {
		return nil, causeOf(ctx, err)
	}
	switch code := response.StatusCode; {
	case code == http.StatusUnauthorized:
		err = l.refused()
	case code >= http.StatusInternalServerError, code >= http.StatusMultipleChoices && code < http.StatusBadRequest:
		err = fmt.Errorf("it answers %s", response.Status)
	}
	if err != nil {
		_ = response.Body.Close()
		return nil, err
	}
	return response, nil
}
