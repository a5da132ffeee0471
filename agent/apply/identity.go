package apply

import (
	"fmt"
	"sync"

	"k8s.io/client-go/rest"
)

// identities are the Appliers that write in the name of others, by user.
type identities struct {
	cfg *rest.Config

	mu sync.Mutex // guards by
	by map[string]*Applier
}

// As returns the Applier that writes in the name of a user, whose rights count;
// all share what is in flight. An empty user is the agent itself.
func (a *Applier) As(user string) (*Applier, error) {
	if user == "" {
		return a.self, nil
	}
	ids := a.identities
	ids.mu.Lock()
	defer ids.mu.Unlock()
	if known := ids.by[user]; known != nil {
		return known, nil
	}
	cfg := rest.CopyConfig(ids.cfg)
	cfg.Impersonate = rest.ImpersonationConfig{UserName: user}
	client, err := rest.RESTClientFor(cfg)
	if err != nil {
		return nil, fmt.Errorf("connect to the cluster as %s: %w", user, err)
	}
	as := *a.self
	as.client, as.user = client, user
	ids.by[user] = &as
	return &as, nil
}
