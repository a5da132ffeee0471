package destinations

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/tidelock-io/tidelock/agent/keyring"
	"golang.org/x/sync/errgroup"
	authorizationv1 "k8s.io/api/authorization/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// maxReview bounds what a server says of one right.
const maxReview = 256 << 10

// questions is how many rights a cluster is asked for at once.
const questions = 8

// May asks a cluster, once, which rights the login of its Secret has, in the order in
// which they are named. Its error is as that of [Ask].
func May(ctx context.Context, s keyring.ClusterSecret, commands []string, timeout time.Duration, rights []authorizationv1.ResourceAttributes) ([]bool, error) {
	login, err := readSecret(&s, commands)
	if err != nil {
		return nil, err
	}
	inner, idle, err := login.dial(timeout, nil)
	if err != nil {
		return nil, fmt.Errorf("%w %s: %w", ErrSecret, s.Secret, err)
	}
	defer idle()
	w := newWire(login.server.Host)
	w.replace(inner, idle)
	w.opens()
	ctx, cancel := context.WithTimeoutCause(ctx, timeout, fmt.Errorf("no answer within %s", timeout))
	defer cancel()
	allowed := make([]bool, len(rights))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(questions)
	for i := range rights {
		g.Go(func() (err error) {
			allowed[i], err = may(ctx, w, login, &rights[i])
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, unanswered(err)
	}
	return allowed, nil
}

// may asks for one right.
func may(ctx context.Context, w *wire, l *login, right *authorizationv1.ResourceAttributes) (bool, error) {
	review := &authorizationv1.SelfSubjectAccessReview{
		TypeMeta: metav1.TypeMeta{APIVersion: authorizationv1.SchemeGroupVersion.String(), Kind: "SelfSubjectAccessReview"},
		Spec:     authorizationv1.SelfSubjectAccessReviewSpec{ResourceAttributes: right},
	}
	body, err := json.Marshal(review)
	if err != nil {
		return false, err
	}
	address := l.server.JoinPath("apis", authorizationv1.GroupName, "v1", "selfsubjectaccessreviews").String()
	r, err := http.NewRequestWithContext(probe(ctx), http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return false, err
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept", "application/json")
	response, err := w.RoundTrip(r)
	if err != nil {
		return false, causeOf(ctx, err)
	}
	defer response.Body.Close()
	switch code := response.StatusCode; {
	case code == http.StatusUnauthorized:
		return false, l.refused()
	case code != http.StatusCreated:
		return false, fmt.Errorf("it answers %s when it is asked for rights", response.Status)
	}
	if err := json.NewDecoder(io.LimitReader(response.Body, maxReview)).Decode(review); err != nil {
		return false, fmt.Errorf("read what it says of rights: %w", err)
	}
	return review.Status.Allowed, nil
}
