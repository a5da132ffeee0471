package sets

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/appset/forge"
	"k8s.io/apimachinery/pkg/types"
)

// errorInterval is how long it counts that a service gave no answer.
const errorInterval = time.Minute

// answers are what services have said to one set. A set is looked at for many reasons;
// services are asked only as often as its generators say, and when somebody asks for it.
type answers struct {
	uid types.UID
	by  map[string]answer // by what was asked
}

type answer struct {
	question     *api.Generator
	value        any
	err          error
	asked, until time.Time
	// closed is until when the service does not want to be asked: nothing but a person
	// has it asked before.
	closed time.Time
}

// doubtGap is between two questions of one set to a service that somebody causes by
// announcements without a signature.
const doubtGap = time.Minute

// Renew has the services asked again that the answers to generators are from which a
// function is true of; nil is all. If nobody has signed what the news are from, a service
// is asked once in a while, however many there are.
func (c *Controller) Renew(concerns func(*api.Generator) bool, signed bool) {
	now := c.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.renewals++
	for name, all := range c.answers {
		for key, a := range all.by {
			if concerns != nil && !concerns(a.question) {
				continue
			}
			until := now
			if doubted := a.asked.Add(doubtGap); !signed && doubted.After(now) {
				until = doubted
			}
			if a.closed.After(until) {
				until = a.closed
			}
			if until.Before(a.until) {
				a.until = until
				all.by[key] = a
				c.queue.AddAfter(name, until.Sub(now))
			}
		}
	}
}

// renewed counts the calls of Renew.
func (c *Controller) renewed() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.renewals
}

// remembered is an answer that counts still, or a new one.
func remembered[T any](ctx context.Context, p *pass, question *api.Generator, put func() (T, error)) (T, error) {
	interval := max(time.Second, forge.Interval(question))
	text, err := json.Marshal(question)
	if err != nil {
		var none T
		return none, err
	}
	key := string(text)
	known, ok := p.answered(key)
	if !ok || p.renew || !known.until.After(p.now.Time) {
		renewals := p.c.renewed()
		value, err := ask(ctx, p, forge.Server(question), put)
		if errors.Is(err, errCrowded) {
			return value, err
		}
		known = answer{question: question, value: value, err: err, asked: p.now.Time, until: p.now.Add(interval)}
		if err != nil {
			known.until = p.now.Add(min(interval, errorInterval))
		}
		if p.c.renewed() != renewals { // what was answered may be of before the news
			known.until = p.now.Time
		}
		if known.closed = closedUntil(err, p.now.Time); known.closed.After(known.until) {
			known.until = known.closed
		}
		p.remember(key, known)
	}
	p.again = min(p.again, max(time.Second, known.until.Sub(p.now.Time)))
	value, _ := known.value.(T)
	return value, known.err
}

// maxClosed bounds for how long a service may say that it is not to be asked.
const maxClosed = time.Hour

// closedUntil is when a service may be asked again that was asked too often.
func closedUntil(err error, now time.Time) time.Time {
	var refusal *forge.Refusal
	if !errors.As(err, &refusal) {
		return time.Time{}
	}
	if most := now.Add(maxClosed); refusal.Until.After(most) {
		return most
	}
	return refusal.Until
}

func (p *pass) answered(key string) (answer, bool) {
	p.c.mu.Lock()
	defer p.c.mu.Unlock()
	all := p.c.answers[p.name]
	if all == nil || all.uid != p.set.UID {
		return answer{}, false
	}
	a, ok := all.by[key]
	return a, ok
}

// remember keeps an answer, and drops those that do not count any more.
func (p *pass) remember(key string, a answer) {
	p.c.mu.Lock()
	defer p.c.mu.Unlock()
	all := p.c.answers[p.name]
	if all == nil || all.uid != p.set.UID {
		all = &answers{uid: p.set.UID, by: map[string]answer{}}
		p.c.answers[p.name] = all
	}
	for other, old := range all.by {
		if !old.until.After(p.now.Time) {
			delete(all.by, other)
		}
	}
	all.by[key] = a
}
