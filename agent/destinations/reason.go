package destinations

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
)

// unreachable words why a cluster does not answer, in the same words for the same reason:
// they stand in the status of all its Applications.
func (e *entry) unreachable(why error) error {
	return fmt.Errorf("%w: %s: %s: it is asked again and again, and its Applications go on when it answers", ErrUnreachable, e.shown(), plain(why))
}

// plain is an error without what differs each time, such as the port that a connection
// comes from, and without what is said anyway, such as the URL.
func plain(err error) string {
	var asked *url.Error
	if errors.As(err, &asked) {
		err = asked.Err
	}
	var network *net.OpError
	if errors.As(err, &network) {
		if network.Addr == nil {
			return fmt.Sprintf("%s: %v", network.Op, network.Err)
		}
		return fmt.Sprintf("%s %s: %v", network.Op, network.Addr, network.Err)
	}
	return err.Error()
}

// causeOf is why a request has failed: that of the context, if it was given up.
func causeOf(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}
