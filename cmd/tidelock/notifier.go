package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	httputil "github.com/argoproj/notifications-engine/pkg/util/http"
	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/git"
	"github.com/tidelock-io/tidelock/agent/metrics"
	"github.com/tidelock-io/tidelock/agent/notify"
	"github.com/tidelock-io/tidelock/agent/reconcile"
	"github.com/tidelock-io/tidelock/secrets/leak"
	"k8s.io/apimachinery/pkg/types"
)

// newNotifier makes what tells people of Applications.
func (p *parts) newNotifier() *notify.Notifier {
	p.notifying.Store(p.options.notifications)
	p.keyring.NotificationsChanged = func() { p.agent.All() }
	httputil.SetCertResolver(func(host string) ([]string, error) { return certificates(p.keyring.Authorities(host)), nil })
	return notify.New(notify.Options{
		Log: p.log, Now: time.Now, Store: p.applications, Wake: p.agent.Wake,
		Mine: func(app types.NamespacedName) bool {
			return p.shadow == nil && p.notifying.Load() && p.replicas.owns(app) // who looks on tells nobody
		},
		Source: func() (notify.Source, string) {
			config, secret, version := p.keyring.Notifications()
			return notify.Source{ConfigMap: config, Secret: secret}, version
		},
		Own:    p.selfService(),
		Commit: describeCommits(p.git, p.keyring.Repo),
		Record: p.events.Record,
		Redact: func(app *api.Application, text string) string {
			return p.known.RedactOf(api.InstanceName(app.Namespace, app.Name, p.options.namespace), text)
		},
		Evaluated: p.metrics.Evaluated,
		Delivered: p.metrics.Delivered,
	})
}

// selfServiceFlag is the flag of namespaces with notifications of their own.
const selfServiceFlag = "self-service-notifications"

// selfService is what namespaces have configured for themselves; nil if none may.
func (p *parts) selfService() func(namespace string) (notify.Source, string) {
	if !p.options.selfService {
		return nil
	}
	return func(namespace string) (notify.Source, string) {
		if namespace == p.options.namespace { // that is the administrator's
			return notify.Source{}, ""
		}
		config, secret, version := p.keyring.NotificationsOf(namespace)
		return notify.Source{ConfigMap: config, Secret: secret}, version
	}
}

func certificates(pem []byte) []string {
	if len(pem) == 0 {
		return nil
	}
	return []string{string(pem)}
}

// describeCommits looks in mirrors, with the credentials of an Application's project.
func describeCommits(store *git.Store, repo func(url, project string) git.Repo) notify.Describe {
	return func(ctx context.Context, app *api.Application, url, sha string) (notify.Commit, error) {
		d, err := store.Describe(ctx, repo(url, app.Spec.ProjectName()), sha)
		return notify.Commit{Message: d.Message, Author: d.Author, Date: d.Date, Tags: d.Tags}, err
	}
}

// A finder hands what passes have found on to people.
type finder struct {
	notifier  func() *notify.Notifier
	known     *leak.Known
	namespace string
}

func (f finder) Wants(app *api.Application, marks string) bool { return f.notifier().Wants(app, marks) }

func (f finder) Found(app *api.Application, found reconcile.Found) {
	instance := api.InstanceName(app.Namespace, app.Name, f.namespace)
	told := notify.Found{}
	for _, d := range found.Drifts {
		told.Drifts = append(told.Drifts, notify.Drift{Object: d.Key.String(), Fields: f.fields(instance, d)})
	}
	for _, c := range found.Restarts {
		told.Restarts = append(told.Restarts, f.known.RedactOf(instance, c.Key.String()+" "+c.Restarts()))
	}
	f.notifier().Found(app, told)
}

// fields word where an object differs, and by whom. The values stay here: what somebody
// wrote into a live object may be anything.
func (f finder) fields(instance string, d reconcile.Difference) []string {
	if d.Live == nil {
		return []string{"somebody has deleted it"}
	}
	var words []string
	for _, field := range d.Fields {
		switch {
		case field.More > 0:
			words = append(words, fmt.Sprintf("and %d more fields", field.More))
		case field.Extra: // it stays
		case field.Owner.Manager == "":
			words = append(words, field.Path)
		default:
			words = append(words, field.Path+" by "+field.Owner.String())
		}
	}
	for i, text := range words {
		words[i] = f.known.RedactOf(instance, text)
	}
	return slices.Compact(words)
}

// notificationNumbers are the metrics of what waits.
func (p *parts) notificationNumbers() []metrics.Number {
	return []metrics.Number{
		{Name: "tidelock_notifications_waiting", Help: "Messages that wait to be sent, or to be sent again.", Value: func() float64 { return float64(p.notifier.Waiting()) }},
		{Name: "tidelock_notifications_mistakes", Help: "Entries of ConfigMap argocd-notifications-cm that cannot be read.", Value: func() float64 { return float64(p.notifier.Mistakes()) }},
	}
}
