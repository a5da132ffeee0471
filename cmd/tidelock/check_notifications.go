package main

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/tidelock-io/tidelock/agent/keyring"
	"github.com/tidelock-io/tidelock/agent/notify"
)

// lookNotifications reads what is notified of as the agent does, and looks for
// subscriptions that nobody will ever be told by.
func (c *checker) lookNotifications(_ context.Context, a *area) {
	if on, err := c.flags.GetBool("notifications"); err == nil && !on {
		a.ok("nobody is notified: --notifications=false")
		return
	}
	if c.ring == nil {
		return // see keys
	}
	for _, err := range c.noNotifications {
		a.unread("what is notified of", err)
	}
	if len(c.noNotifications) > 0 {
		return
	}
	data, secret, _ := c.ring.Notifications()
	config := notify.Compile(notify.Source{ConfigMap: data, Secret: secret})
	for _, mistake := range config.Mistakes {
		a.wrong("correct the entry: tidelock notifications triggers -f FILE tries it before it is applied", "%v", mistake)
	}
	subscribers := c.lookSubscriptions(a, config)
	switch services := config.Services(); {
	case len(data) == 0 && subscribers == 0:
		a.ok("nobody is notified: there is no ConfigMap %s, and no subscription", keyring.NotificationsConfigMap)
	case len(services) == 0:
		a.warn("write an entry service.TYPE into it", "ConfigMap %s has no service, so that nobody is notified", keyring.NotificationsConfigMap)
	case len(config.Mistakes) == 0:
		a.ok("ConfigMap %s: %s; %s notified of Applications", keyring.NotificationsConfigMap, listedNames(services), numberOf(subscribers, "recipient is", "recipients are"))
	}
}

// lookSubscriptions says what subscriptions lack, and counts the recipients of the
// others.
func (c *checker) lookSubscriptions(a *area, config *notify.Config) int {
	broken := map[string]remarks{"Application": {}, "AppProject": {}}
	told := map[string]bool{}
	judge := func(kind, name string, labels map[string]string, annotations map[string]string) {
		by, mistakes := config.Destinations(labels, annotations)
		broken[kind].add(name, mistakes...)
		for _, trigger := range slices.Sorted(maps.Keys(by)) {
			if config.Trigger(trigger) == nil {
				broken[kind].add(name, fmt.Sprintf("there is no trigger %.100q", trigger))
				continue
			}
			for _, to := range by[trigger] {
				if !slices.Contains(config.Services(), to.Service) {
					broken[kind].add(name, fmt.Sprintf("trigger %s: there is no service %.100q", trigger, to.Service))
					continue
				}
				told[to.Service+"\x00"+to.Recipient] = true
			}
		}
	}
	selfService, _ := c.flags.GetBool(selfServiceFlag)
	for i := range c.apps {
		if selfService && c.apps[i].Namespace != c.namespace {
			continue // its own namespace may have what there is not here: the agent tells
		}
		judge("Application", c.named(&c.apps[i]), c.apps[i].Labels, c.apps[i].Annotations)
	}
	for i := range c.appProjects {
		judge("AppProject", c.appProjects[i].Name, nil, c.appProjects[i].Annotations)
	}
	for _, kind := range []string{"Application", "AppProject"} {
		broken[kind].say(kind, func(format string, args ...any) {
			a.wrong("correct the subscription, or ConfigMap "+keyring.NotificationsConfigMap+": nobody is notified by it", format, args...)
		})
	}
	return len(told)
}
