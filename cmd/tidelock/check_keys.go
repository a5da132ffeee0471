package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/secrets/recipients"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// lookKeys looks at what decrypts.
func (c *checker) lookKeys(ctx context.Context, a *area) {
	for _, err := range c.noKeys {
		a.add(stateUnknown, err.Error(), "")
	}
	if c.ring == nil {
		return
	}
	for _, err := range c.ring.Unusable() {
		a.wrong("put a whole key into the entry, in the format that its name says", "%v", err)
	}
	count := map[string]int{}
	for _, r := range c.ring.Recipients() {
		if r.Kind == recipients.Sealing {
			count[r.Kind]++
		} else {
			count["SOPS"]++
		}
	}
	a.ok("%s", numberOf(count["SOPS"], "recipient", "recipients")+" of SOPS")
	c.lookSealed(ctx, a, count[recipients.Sealing])
	c.lookExternal(ctx, a)
}

func numberOf(n int, one, more string) string { return fmt.Sprintf("%d %s", n, plural(n, one, more)) }

// lookSealed looks whether somebody opens SealedSecrets, if there are any.
func (c *checker) lookSealed(ctx context.Context, a *area, keys int) {
	users := c.using("bitnami.com", "SealedSecret")
	namespace := c.options.SealingNamespace
	switch served := c.serves(ctx, "bitnami.com/v1alpha1"); {
	case keys > 0:
		a.ok("%s of the sealed-secrets controller in namespace %s", numberOf(keys, "key", "keys"), namespace)
	case served && c.ring.Controlled(schema.GroupKind{Group: "bitnami.com", Kind: "SealedSecret"}):
		a.ok("the sealed-secrets controller opens SealedSecrets")
	case len(users) > 0:
		a.wrong("put the controller's keys into that namespace, or name theirs with --sealed-secrets-namespace of the agent",
			"Applications state SealedSecrets (%s), no controller is there, and namespace %s has no key with which the agent could open them", listedNames(users), namespace)
	case served:
		a.warn("scale the controller up, or name the namespace of its keys with --sealed-secrets-namespace of the agent",
			"SealedSecrets are served, no controller is there, and namespace %s has no key", namespace)
	default:
		a.ok("no SealedSecrets")
	}
}

// lookExternal looks whether somebody resolves ExternalSecrets, if there are any.
func (c *checker) lookExternal(ctx context.Context, a *area) {
	users := c.using("external-secrets.io", "ExternalSecret")
	if !c.serves(ctx, "external-secrets.io/v1") && !c.serves(ctx, "external-secrets.io/v1beta1") {
		if len(users) > 0 {
			a.ok("the agent resolves the ExternalSecrets of %s", listedNames(users))
			return
		}
		a.ok("no ExternalSecrets")
		return
	}
	list, err := c.kube.AppsV1().Deployments("").List(ctx, metav1.ListOptions{LabelSelector: "app.kubernetes.io/name=external-secrets"})
	switch {
	case err != nil:
		a.unread("whether the external-secrets controller runs", err)
	case len(list.Items) == 0:
		a.warn("install the controller, or set annotation tidelock.io/external-secrets: resolve on Applications",
			"ExternalSecrets are served, so that they are left to their controller, and none with its chart's label is there")
	default:
		a.ok("the external-secrets controller resolves ExternalSecrets")
	}
}

// using are the Applications that have had an object of a kind.
func (c *checker) using(group, kind string) (names []string) {
	for i := range c.apps {
		if slices.ContainsFunc(c.apps[i].Status.Resources, func(r api.ResourceStatus) bool { return r.Group == group && r.Kind == kind }) {
			names = append(names, c.named(&c.apps[i]))
		}
	}
	return names
}

// serves says that the cluster serves a version of a group.
func (c *checker) serves(ctx context.Context, version string) bool {
	_, err := c.kube.Discovery().ServerResourcesForGroupVersionWithContext(ctx, version)
	return err == nil
}

// lookLocal looks at what this machine has.
func (c *checker) lookLocal(ctx context.Context, a *area) {
	c.lookGit(ctx, a)
	c.lookLocalKeys(a)
	c.lookPlugins(ctx, a)
}

// lookLocalKeys looks at what decrypts here.
func (c *checker) lookLocalKeys(a *area) {
	keys, err := localAgeKeys()
	if err != nil {
		a.wrong("correct the file or the variable that it names", "keys of SOPS cannot be read: %v", err)
		return
	}
	good := 0
	for _, key := range keys {
		if _, err := recipients.Of(key); err != nil {
			a.wrong("put a whole key there", "%s: %v", key.Name, err)
			continue
		}
		good++
	}
	if len(keys) == 0 {
		a.warn("name one with SOPS_AGE_KEY_FILE, or put it into "+filepath.Join(configHome(), "sops", "age", "keys.txt")+"; PGP keys are gpg's, and asked for when a file needs them",
			"there is no age key on this machine")
		return
	}
	a.ok("%s of age or SSH", numberOf(good, "key", "keys"))
}

// configHome is where programs have their settings.
func configHome() string {
	dir, err := os.UserConfigDir()
	if err != nil {
		return "~/.config"
	}
	return dir
}

// lookPlugins starts each plugin.
func (c *checker) lookPlugins(ctx context.Context, a *area) {
	p, err := newHost(quietLogger(), c.plugins)
	if err != nil {
		a.wrong("see tidelock plugin list --help", "plugins cannot be read: %v", err)
		return
	}
	defer func() { _ = p.Close() }() // they have done nothing
	all, err := p.show(ctx, func(...string) bool { return true })
	if err != nil {
		a.unread("the plugins", err)
		return
	}
	loose := map[string][]string{}
	for _, s := range all {
		switch {
		case s.State == pluginBroken && s.Name == externalPlugin:
			a.wrong("put "+externalProgram+" of the same release beside tidelock: without it no ExternalSecret is resolved", "plugin %s: %s", s.Name, s.Error)
		case s.State != pluginWorks:
			a.wrong("tidelock plugin test "+s.Name+" tells more", "plugin %s is %s: %s", s.Name, s.State, s.Error)
		default:
			a.ok("plugin %s, confined by %s", s.Name, orDash(strings.Join(s.ConfinedBy, ", ")))
		}
		for _, what := range s.NotConfinedBy {
			loose[what] = append(loose[what], s.Name)
		}
		for _, text := range s.Warnings {
			a.warn("", "plugin %s: %s", s.Name, text)
		}
	}
	for what, names := range loose {
		a.warn("a newer kernel has it; --require-sandbox refuses to work without", "the kernel lacks a part of the sandbox of plugins (%s): %s", listedNames(names), what)
	}
}
