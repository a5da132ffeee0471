package values

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"
	corev1client "k8s.io/client-go/kubernetes/typed/core/v1"
)

// A Follower answers from watches, and tells users when the content of what they use
// has changed. Its watches run while Run does. It is safe for concurrent use.
type Follower struct {
	client  corev1client.CoreV1Interface
	changed func(User)
	started chan *watched

	mu      sync.Mutex // guards all below
	watches map[Object]*watched
	uses    map[User][]Object
}

// NewFollower returns a Follower of nothing. Changed must not block.
func NewFollower(client corev1client.CoreV1Interface, changed func(User)) *Follower {
	return &Follower{
		client: client, changed: changed, started: make(chan *watched),
		watches: map[Object]*watched{}, uses: map[User][]Object{},
	}
}

// Run runs the watches until ctx ends.
func (f *Follower) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	for {
		select {
		case <-ctx.Done():
			return g.Wait()
		case w := <-f.started:
			g.Go(func() error {
				w.run(ctx)
				return nil
			})
		}
	}
}

// Use returns the content of each object, and follows these for the user, and no
// others, from now on. It waits for the first answer of the API server.
func (f *Follower) Use(ctx context.Context, user User, objects ...Object) (map[Object]Content, error) {
	fresh, all := f.follow(user, objects)
	if err := f.start(ctx, fresh); err != nil {
		return nil, err
	}
	contents := map[Object]Content{}
	for _, w := range all {
		select {
		case <-w.ready:
			contents[w.object] = w.now()
		case <-w.ended:
			return nil, fmt.Errorf("read %s: %w", w.object, errAbandoned)
		case <-ctx.Done():
			return nil, fmt.Errorf("read %s: %w", w.object, context.Cause(ctx))
		}
	}
	return contents, nil
}

// follow notes what a user uses, ends the watches that nobody needs any more, and
// returns all that the user needs, with those that are to be started.
func (f *Follower) follow(user User, objects []Object) (fresh, all []*watched) {
	f.mu.Lock()
	defer f.mu.Unlock()
	before := f.uses[user]
	if len(objects) == 0 {
		delete(f.uses, user)
	} else {
		f.uses[user] = slices.Clone(objects)
	}
	for _, o := range objects {
		w := f.watches[o]
		if w == nil {
			w = f.watch(o)
			f.watches[o], fresh = w, append(fresh, w)
		}
		all = append(all, w)
	}
	for _, o := range before {
		if w := f.watches[o]; w != nil && len(f.users(o)) == 0 {
			w.end()
			delete(f.watches, o)
		}
	}
	return fresh, all
}

// start hands watches to Run. What is left when ctx ends is abandoned.
func (f *Follower) start(ctx context.Context, fresh []*watched) error {
	for i, w := range fresh {
		select {
		case f.started <- w:
		case <-ctx.Done():
			f.abandon(fresh[i:])
			return fmt.Errorf("read %s: %w", w.object, context.Cause(ctx))
		}
	}
	return nil
}

// abandon forgets watches that were not started: the next user starts others.
func (f *Follower) abandon(fresh []*watched) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, w := range fresh {
		w.end()
		if f.watches[w.object] == w {
			delete(f.watches, w.object)
		}
	}
}

// errAbandoned: whoever was to start a watch has given up.
var errAbandoned = errors.New("its watch was given up before it began")

// users lists who uses an object. The caller holds f.mu.
func (f *Follower) users(o Object) (users []User) {
	for user, objects := range f.uses {
		if slices.Contains(objects, o) {
			users = append(users, user)
		}
	}
	return users
}

// tell tells the users of an object that it has changed.
func (f *Follower) tell(o Object) {
	f.mu.Lock()
	users := f.users(o)
	f.mu.Unlock()
	for _, user := range users {
		f.changed(user)
	}
}
