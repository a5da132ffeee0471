package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/destinations"
	"github.com/tidelock-io/tidelock/agent/install"
	"github.com/tidelock-io/tidelock/agent/keyring"
	"golang.org/x/sync/errgroup"
	authorizationv1 "k8s.io/api/authorization/v1"
)

// lookClusters asks each cluster that has a Secret, from here and with that login,
// whether it answers and what the login may do.
func (c *checker) lookClusters(ctx context.Context, a *area) {
	if c.ring == nil {
		return // see keys
	}
	if c.noClusters != nil {
		a.unread("the Secrets of clusters", c.noClusters)
		return
	}
	var g errgroup.Group
	g.SetLimit(asked)
	secrets := c.ring.ClusterSecrets()
	each := make([]area, len(secrets))
	for i, s := range secrets {
		g.Go(func() error {
			each[i].name = a.name
			c.lookClusterSecret(ctx, &each[i], s)
			return nil
		})
	}
	_ = g.Wait() // what is wrong is told
	for i := range each {
		a.take(&each[i])
	}
	c.lookGoals(a, secrets)
	if len(secrets) == 0 {
		a.ok("no other clusters")
	}
}

// lookClusterSecret asks one cluster, with a time limit of its own.
func (c *checker) lookClusterSecret(ctx context.Context, a *area, s keyring.ClusterSecret) {
	if s.Server == api.InClusterServer {
		a.ok("Secret %s names the agent's own cluster %s", s.Secret, s.Name)
		return
	}
	if c.offline {
		a.add(stateUnknown, fmt.Sprintf("cluster %s was not asked", nameOfCluster(s)), "")
		return
	}
	commands, _ := c.flags.GetStringSlice("allow-cluster-exec")
	if command := destinations.Program(s); slices.Contains(commands, command) {
		a.add(stateUnknown, fmt.Sprintf("cluster %s was not asked: its Secret %s logs in by a program, %s, that the agent may run", nameOfCluster(s), s.Secret, command),
			"tidelock clusters --allow-cluster-exec "+command+" runs it here")
		return
	}
	timeout, _ := c.flags.GetDuration("cluster-timeout")
	timeout = max(min(timeout, c.timeout/2), time.Second)
	version, err := destinations.Ask(ctx, s, nil, timeout)
	if err != nil {
		c.sayCluster(a, s, err)
		return
	}
	c.lookClusterRights(ctx, a, s, version, timeout)
}

// nameOfCluster is what people call it.
func nameOfCluster(s keyring.ClusterSecret) string {
	if s.Name != "" {
		return s.Name
	}
	return s.Server
}

// sayCluster says why a cluster was of no use.
func (c *checker) sayCluster(a *area, s keyring.ClusterSecret, err error) {
	switch {
	case errors.Is(err, destinations.ErrSecret):
		a.wrong("correct the Secret: no Application for the cluster is synced", "%v", err)
	case errors.Is(err, destinations.ErrLogin):
		a.wrong("put a login that holds into Secret "+s.Secret, "cluster %s refuses its credentials: %v", nameOfCluster(s), err)
	default:
		a.wrong("look at its server, its proxy and the network; from the agent's Pod it may be otherwise than from here", "cluster %s cannot be reached from here: %v", nameOfCluster(s), err)
	}
}

// lookClusterRights asks a cluster for each right that the agent needs there.
func (c *checker) lookClusterRights(ctx context.Context, a *area, s keyring.ClusterSecret, version string, timeout time.Duration) {
	o := install.Options{Namespaces: s.OnlyNamespaces(), Impersonate: c.options.Impersonate, Shadow: c.options.Shadow, ShadowDryRuns: c.options.ShadowDryRuns}
	rights := install.DestinationRights(o)
	questions := make([]authorizationv1.ResourceAttributes, len(rights))
	for i, r := range rights {
		questions[i] = *attributes(r)
	}
	allowed, err := destinations.May(ctx, s, nil, timeout, questions)
	if err != nil {
		c.sayCluster(a, s, err)
		return
	}
	var lacking, special []string
	for i, r := range rights {
		switch {
		case allowed[i]:
		case r.Verb == "escalate" || r.Verb == "bind" || r.Verb == "impersonate":
			special = append(special, r.String())
		default:
			lacking = append(lacking, r.String())
		}
	}
	name := nameOfCluster(s)
	if len(special) > 0 {
		a.warn("it is needed for Roles that grant more than the login has itself, and for spec.destinationServiceAccounts; without, such Applications fail", "cluster %s does not let the login of Secret %s %s", name, s.Secret, listedNames(special))
	}
	if len(lacking) > 0 {
		a.wrong("bind the account of Secret "+s.Secret+" to a ClusterRole there that may, such as Argo CD's argocd-manager-role", "cluster %s does not let the login of Secret %s %s", name, s.Secret, listedNames(lacking))
		return
	}
	a.ok("cluster %s answers, and its login may do what Applications need: Kubernetes %s", name, orDash(version))
}

// lookGoals looks for Applications whose cluster nobody knows.
func (c *checker) lookGoals(a *area, secrets []keyring.ClusterSecret) {
	unknown := remarks{}
	for i := range c.apps {
		to := c.apps[i].Spec.Destination.Resolved()
		if to.Server == api.InClusterServer || to.Server == "" && to.Name == "" || knownCluster(to, secrets) {
			continue
		}
		unknown.add(c.named(&c.apps[i]), strings.TrimSpace("there is no Secret of a cluster "+to.Name+to.Server+", which spec.destination names"))
	}
	unknown.say("Application", func(format string, args ...any) {
		a.wrong("add a Secret with label "+api.LabelSecretType+": "+api.SecretTypeCluster+", or correct the destination", format, args...)
	})
}

func knownCluster(to api.Destination, secrets []keyring.ClusterSecret) bool {
	for _, s := range secrets {
		if to.Server != "" && s.Server == strings.TrimRight(to.Server, "/") || to.Server == "" && s.Name == to.Name {
			return true
		}
	}
	return false
}
