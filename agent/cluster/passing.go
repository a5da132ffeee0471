package cluster

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/util/wait"
)

// Passing says that an error may be gone at the next try: the server's, or the
// network's. Not the client's own, and not a refusal.
func Passing(err error) bool {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return false
	}
	var status apierrors.APIStatus
	if errors.As(err, &status) {
		code := status.Status().Code
		return code >= http.StatusInternalServerError || code == http.StatusTooManyRequests
	}
	var network *url.Error
	return errors.As(err, &network) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
}

// How long, and how often, Reach tries. What restarts the agent if that is not
// enough only adds its own pauses.
const (
	reachWithin = time.Minute
	reachPause  = time.Second
)

// Reach is the first Discover, made again while the server or the network fails:
// an API server that restarts is no reason for the agent to end.
func (c *Cluster) Reach(ctx context.Context) error {
	var last error
	err := wait.PollUntilContextTimeout(ctx, reachPause, reachWithin, true, func(ctx context.Context) (bool, error) {
		switch err := c.Discover(ctx); {
		case err == nil:
			return true, nil
		case !Passing(err):
			return false, err
		default:
			last = err
			c.log.Warn("cannot tell what the cluster serves, and try again", "error", err)
			return false, nil
		}
	})
	if err != nil && last != nil {
		return last
	}
	return err
}
