package notify

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/argoproj/notifications-engine/pkg/services"
	"sigs.k8s.io/yaml"
)

// The annotations of Applications and AppProjects that subscribe.
const (
	annotationOne  = "notifications.argoproj.io/subscribe."
	annotationList = "notifications.argoproj.io/subscriptions"
	// annotationLegacy ends the name of those from before notifications came with Argo CD,
	// after a trigger and a dot, or after nothing.
	annotationLegacy = "recipients.argocd-notifications.argoproj.io"
)

// maxRecipients bounds whom an Application may notify of one event, and maxList the
// length of an annotation that is a list.
const (
	maxRecipients = 100
	maxList       = 64 << 10
)

// A Subscription is one recipient's wish.
type Subscription struct {
	// Trigger is "" if the default triggers are meant.
	Trigger   string
	Service   string
	Recipient string
}

// Subscriptions reads annotations. The forms are
//
//	notifications.argoproj.io/subscribe.TRIGGER.SERVICE: RECIPIENT;RECIPIENT
//	notifications.argoproj.io/subscribe.SERVICE: RECIPIENT
//	notifications.argoproj.io/subscriptions: |
//	  - trigger: [TRIGGER]
//	    destinations:
//	    - {service: SERVICE, recipients: [RECIPIENT]}
//	TRIGGER.recipients.argocd-notifications.argoproj.io: SERVICE:RECIPIENT, SERVICE:RECIPIENT
//	recipients.argocd-notifications.argoproj.io: SERVICE:RECIPIENT
//
// of which the second and the last ask for the default triggers, and so does a list without
// triggers. It returns them in a fixed order, and what is wrong with those that mean
// nothing.
func Subscriptions(annotations map[string]string) (all []Subscription, mistakes []string) {
	for _, name := range slices.Sorted(maps.Keys(annotations)) {
		value := annotations[name]
		var found []Subscription
		var err error
		if of, ok := strings.CutPrefix(name, annotationOne); ok {
			found, err = single(of, value)
		} else if strings.HasPrefix(name, annotationList) {
			found, err = list(value)
		} else if trigger, ok := legacyTrigger(name); ok {
			found, err = ofLegacy(trigger, value)
		} else {
			continue
		}
		if err != nil {
			mistakes = append(mistakes, fmt.Sprintf("annotation %.100s: %v", name, err))
		}
		all = append(all, found...)
	}
	slices.SortFunc(all, func(a, b Subscription) int {
		return cmp.Or(strings.Compare(a.Trigger, b.Trigger), strings.Compare(a.Service, b.Service), strings.Compare(a.Recipient, b.Recipient))
	})
	return slices.Compact(all), mistakes
}

// single reads an annotation of its own, of the name after its prefix.
func single(of, value string) (all []Subscription, err error) {
	parts := strings.Split(of, ".")
	s := Subscription{Service: parts[0]}
	if len(parts) > 1 {
		s.Trigger, s.Service = parts[0], parts[1]
	}
	switch {
	case s.Service == "":
		return nil, fmt.Errorf("it names no service: write %sTRIGGER.SERVICE", annotationOne)
	case len(parts) > 2:
		return nil, fmt.Errorf("neither a trigger nor a service has a dot in its name: write %sTRIGGER.SERVICE", annotationOne)
	}
	if value == "" { // of services that need none, such as webhook
		return []Subscription{s}, nil
	}
	for recipient := range strings.SplitSeq(value, ";") {
		if s.Recipient = strings.TrimSpace(recipient); s.Recipient != "" {
			all = append(all, s)
		}
	}
	return all, nil
}

// legacyTrigger is the trigger of an annotation of the old form, "" for the default ones.
func legacyTrigger(name string) (trigger string, ok bool) {
	before, ok := strings.CutSuffix(name, annotationLegacy)
	if !ok || before != "" && !strings.HasSuffix(before, ".") {
		return "", false
	}
	return strings.TrimSuffix(before, "."), true
}

// ofLegacy reads an annotation of the old form.
func ofLegacy(trigger, value string) (all []Subscription, err error) {
	for recipient := range strings.SplitSeq(value, ",") {
		if recipient = strings.TrimSpace(recipient); recipient == "" {
			continue
		}
		s := Subscription{Trigger: trigger}
		if s.Service, s.Recipient, _ = strings.Cut(recipient, ":"); s.Service == "" {
			err = errors.New("it names no service: write SERVICE:RECIPIENT")
			continue
		}
		all = append(all, s)
	}
	return all, err
}

// list reads an annotation that is a list.
func list(value string) (all []Subscription, err error) {
	var entries []struct {
		Trigger      []string `json:"trigger"`
		Destinations []struct {
			Service    string   `json:"service"`
			Recipients []string `json:"recipients"`
		} `json:"destinations"`
	}
	if len(value) > maxList {
		return nil, fmt.Errorf("it is longer than %d bytes", maxList)
	}
	if err := yaml.Unmarshal([]byte(value), &entries); err != nil {
		return nil, fmt.Errorf("it is no list of trigger and destinations: %w", err)
	}
	for i, entry := range entries {
		triggers := entry.Trigger
		if len(triggers) == 0 {
			triggers = []string{""}
		}
		if len(entry.Destinations) == 0 {
			err = fmt.Errorf("[%d] has no destinations", i)
		}
		for _, to := range entry.Destinations {
			if to.Service == "" {
				err = fmt.Errorf("[%d] has a destination without a service", i)
				continue
			}
			recipients := to.Recipients
			if recipients == nil {
				recipients = []string{""}
			}
			for _, trigger := range triggers {
				for _, recipient := range recipients {
					all = append(all, Subscription{trigger, to.Service, recipient})
				}
			}
		}
	}
	return all, err
}

// Destinations are whom an Application's events are told to, by trigger: as its own
// annotations and labels say, and those of its project.
func (c *Config) Destinations(labels map[string]string, annotations ...map[string]string) (by map[string][]services.Destination, mistakes []string) {
	by = c.base.GetGlobalDestinations(labels)
	for _, of := range annotations {
		all, wrong := Subscriptions(of)
		mistakes = append(mistakes, wrong...)
		for _, s := range all {
			for _, trigger := range c.triggersOf(s) {
				by[trigger] = append(by[trigger], services.Destination{Service: s.Service, Recipient: s.Recipient})
			}
		}
	}
	for trigger, to := range by {
		slices.SortFunc(to, func(a, b services.Destination) int {
			return cmp.Or(strings.Compare(a.Service, b.Service), strings.Compare(a.Recipient, b.Recipient))
		})
		if by[trigger] = slices.Compact(to); len(by[trigger]) > maxRecipients {
			mistakes = append(mistakes, fmt.Sprintf("trigger %s has %d recipients, of which %d are notified", trigger, len(by[trigger]), maxRecipients))
			by[trigger] = by[trigger][:maxRecipients]
		}
	}
	return by, mistakes
}

// triggersOf are those that a subscription means.
func (c *Config) triggersOf(s Subscription) []string {
	if s.Trigger != "" {
		return []string{s.Trigger}
	}
	if own, ok := c.base.ServiceDefaultTriggers[s.Service]; ok {
		return own
	}
	return c.base.DefaultTriggers
}

// Subscribes says whether annotations hold any subscription.
func Subscribes(annotations map[string]string) bool {
	for name := range annotations {
		_, legacy := legacyTrigger(name)
		if legacy || strings.HasPrefix(name, annotationOne) || strings.HasPrefix(name, annotationList) {
			return true
		}
	}
	return false
}
