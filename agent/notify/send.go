package notify

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/argoproj/notifications-engine/pkg/services"
	"github.com/sirupsen/logrus"
	"github.com/tidelock-io/tidelock/secrets/crash"
)

type destination = services.Destination

const (
	// sendTimeout is how long a receiver may take.
	sendTimeout = 30 * time.Second
	// maxHanging is how many sends of one service may not come back, for the libraries
	// that do it know no time limit. Then nothing more is sent to it until one does.
	maxHanging = 4
)

// errSilent says that a receiver has not answered in time. It may have got the message.
var errSilent = errors.New("the receiver does not answer in time: it is not asked again, for it may have got the message")

// A sender sends by services, and knows which of them hang.
type sender struct {
	timeout time.Duration
	hanging sync.Map // *atomic.Int32 by the lane
}

// send renders a letter and sends it.
func (s *sender) send(ctx context.Context, l *letter) error {
	n, err := l.config.Render(ctx, l.Vars, l.To, l.Templates)
	if err != nil {
		return &permanent{err}
	}
	return s.deliver(ctx, l.config, n, l.To, l.lane())
}

// deliver sends what was rendered. It comes back in time, whatever the service does.
func (s *sender) deliver(ctx context.Context, c *Config, n *services.Notification, to destination, lane string) error {
	service := c.services[to.Service]
	if service == nil {
		return &permanent{fmt.Errorf("there is no service %s any more", to.Service)}
	}
	counter, _ := s.hanging.LoadOrStore(lane, &atomic.Int32{})
	hanging := counter.(*atomic.Int32)
	if hanging.Load() >= maxHanging {
		return fmt.Errorf("%d sends before have not come back yet", maxHanging)
	}
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	sent := make(chan error, 1)
	hanging.Add(1)
	go func() { // it cannot be made to end, so nobody waits for its end
		defer hanging.Add(-1)
		sent <- crash.Guard("send a notification", func() error { return service.Send(*n, to) })
	}()
	select {
	case err := <-sent:
		return err
	case <-ctx.Done():
		return errSilent
	}
}

// permanent is an error that is there the next time, too.
type permanent struct{ error }

func (p *permanent) Unwrap() error { return p.error }

// again says that a message may be sent again after an error: the receiver has refused
// it, or was not reached. After others it may have got it.
func again(err error) bool {
	var never *permanent
	var crashed *crash.Error
	if errors.As(err, &never) || errors.As(err, &crashed) {
		return false
	}
	var refused *refusal
	if errors.As(err, &refused) {
		return !refused.final()
	}
	var dialled *net.OpError
	var name *net.DNSError
	if errors.As(err, &dialled) && dialled.Op == "dial" || errors.As(err, &name) {
		return true
	}
	var network net.Error
	for _, lost := range []error{errSilent, io.EOF, io.ErrUnexpectedEOF, syscall.ECONNRESET, syscall.EPIPE, context.Canceled} {
		if errors.Is(err, lost) {
			return false
		}
	}
	return !errors.As(err, &network) || !network.Timeout()
}

// quiet keeps the engine's services from logging, for they log what they send and to
// which address, and from ending the process, as one of them does when it is badly
// configured. What they have to say is in their errors, too.
var quiet = sync.OnceFunc(func() {
	log := logrus.StandardLogger()
	log.SetOutput(io.Discard)
	log.ExitFunc = func(int) {
		panic(errors.New("the service cannot be used as it is configured")) //nolint:forbidigo // deliver recovers it
	}
})

// Send renders templates for a recipient and sends them, once.
func (c *Config) Send(ctx context.Context, vars map[string]any, to destination, names []string) error {
	quiet()
	s := sender{timeout: sendTimeout}
	err := s.send(ctx, &letter{Message: Message{To: to, Templates: names, Vars: vars}, config: c})
	if err != nil {
		return fmt.Errorf("send to %s %s: %w", to.Service, strings.TrimSpace(to.Recipient), c.clean(err))
	}
	return nil
}
