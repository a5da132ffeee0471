package notify

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	engine "github.com/argoproj/notifications-engine/pkg/api"
	"github.com/argoproj/notifications-engine/pkg/services"
	"github.com/argoproj/notifications-engine/pkg/templates"
	"github.com/tidelock-io/tidelock/secrets"
	"github.com/tidelock-io/tidelock/secrets/crash"
	"github.com/tidelock-io/tidelock/secrets/redact"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"
)

// A Config is a Source that was read. It does not change.
type Config struct {
	own      string // see Source.Namespace
	base     *engine.Config
	services map[string]services.NotificationService
	triggers map[string]*Trigger
	// templates formats those of formats, which are of the same names.
	templates templates.Service
	formats   map[string]services.Notification
	stock     map[string]bool // entries that are ours: "trigger.on-synced"
	context   map[string]string
	secrets   map[string][]byte
	redactor  redact.Redactor
	// Mistakes say what could not be read, by the entries' names. All else holds.
	Mistakes []error
}

//go:embed stock.yaml
var stockText []byte

// Stock are our own triggers and templates, as the data of a ConfigMap.
func Stock() map[string]string {
	var stock map[string]string
	if err := yaml.Unmarshal(stockText, &stock); err != nil {
		return map[string]string{} // a test reads it
	}
	return stock
}

// legacy are the entries that Argo CD's notifications had before they came with it.
var legacy = []string{"config.yaml", "notifiers.yaml"}

// Compile reads a source. An entry that is wrong is a mistake, and does no harm to
// the others.
func Compile(source Source) *Config {
	c := &Config{
		own:      source.Namespace,
		base:     &engine.Config{Triggers: map[string][]condition{}, ServiceDefaultTriggers: map[string][]string{}, Templates: map[string]services.Notification{}},
		services: map[string]services.NotificationService{}, triggers: map[string]*Trigger{}, formats: map[string]services.Notification{},
		stock: map[string]bool{}, context: map[string]string{}, secrets: map[string][]byte{},
	}
	values := make([]secrets.Value, 0, len(source.Secret))
	for key, value := range source.Secret {
		c.secrets[key] = value.Reveal()
		values = append(values, value)
	}
	c.redactor = redact.New(values...)
	merged := Stock()
	for key := range merged {
		_, theirs := source.ConfigMap[key]
		c.stock[key] = !theirs
	}
	maps.Copy(merged, source.ConfigMap)
	source.ConfigMap = merged
	for _, key := range slices.Sorted(maps.Keys(merged)) {
		err := crash.Guard("read notifications", func() error { return c.read(source, key) })
		if err != nil {
			c.mistaken(key, err)
		}
	}
	c.finish()
	return c
}

func (c *Config) mistaken(key string, err error) {
	c.Mistakes = append(c.Mistakes, fmt.Errorf("ConfigMap argocd-notifications-cm: %s: %w", key, c.clean(err)))
}

// read reads one entry.
func (c *Config) read(source Source, key string) error {
	text := source.ConfigMap[key]
	switch {
	case strings.HasPrefix(key, "service."):
		name, service, err := source.service(key, c.secrets)
		if service != nil {
			c.services[name] = service
		}
		return err
	case key == "context":
		return yaml.Unmarshal([]byte(text), &c.context)
	case slices.Contains(legacy, key):
		return errors.New("this form is no longer read: write entries service.*, trigger.* and template.*")
	case !strings.HasPrefix(key, "template.") && !strings.HasPrefix(key, "trigger.") &&
		!strings.HasPrefix(key, "defaultTriggers") && key != "subscriptions":
		return errors.New("it has no effect: entries are service.*, trigger.*, template.*, context, subscriptions and defaultTriggers")
	}
	one, err := engine.ParseConfig(&corev1.ConfigMap{Data: map[string]string{key: text}}, &corev1.Secret{})
	if err != nil {
		return err
	}
	maps.Copy(c.base.Triggers, one.Triggers)
	maps.Copy(c.base.ServiceDefaultTriggers, one.ServiceDefaultTriggers)
	c.base.Subscriptions = append(c.base.Subscriptions, one.Subscriptions...)
	c.base.DefaultTriggers = append(c.base.DefaultTriggers, one.DefaultTriggers...)
	for name, format := range one.Templates {
		if _, err := templates.NewService(map[string]services.Notification{name: format}); err != nil {
			return err
		}
		c.formats[name] = format
	}
	return nil
}

// finish compiles what was read.
func (c *Config) finish() {
	for _, name := range slices.Sorted(maps.Keys(c.base.Triggers)) {
		t, err := compileTrigger(c.base.Triggers[name])
		if err != nil {
			c.mistaken("trigger."+name, err)
			continue
		}
		for _, template := range t.templates() {
			if _, ok := c.formats[template]; !ok {
				c.mistaken("trigger."+name, fmt.Errorf("it sends template %s, which there is not", template))
			}
		}
		c.triggers[name] = t
	}
	made, err := templates.NewService(c.formats)
	if err != nil { // each of them was tried
		c.mistaken("template", err)
	}
	c.templates = made
}

// Triggers are the names of those that there are, and whether they are ours.
func (c *Config) Triggers() map[string]bool { return c.named("trigger.", maps.Keys(c.triggers)) }

// Templates likewise.
func (c *Config) Templates() map[string]bool { return c.named("template.", maps.Keys(c.formats)) }

func (c *Config) named(prefix string, names func(func(string) bool)) map[string]bool {
	all := map[string]bool{}
	for name := range names {
		all[name] = c.stock[prefix+name]
	}
	return all
}

// Trigger returns one, nil if there is none of the name.
func (c *Config) Trigger(name string) *Trigger { return c.triggers[name] }

// Services are the names of those that there are.
func (c *Config) Services() []string { return slices.Sorted(maps.Keys(c.services)) }

// Render makes of templates what is sent to a recipient. Vars are those of [Vars].
func (c *Config) Render(ctx context.Context, vars map[string]any, to services.Destination, names []string) (n *services.Notification, err error) {
	in := maps.Clone(vars)
	in["serviceType"], in["recipient"] = to.Service, to.Recipient
	err = crash.Guard("render templates "+strings.Join(names, ", "), func() (err error) {
		n, err = c.templates.FormatNotification(in, names...)
		return err
	})
	if err != nil {
		return nil, c.clean(err)
	}
	if size := sizeOf(n); size > maxNotification {
		return nil, fmt.Errorf("templates %s make %d bytes, and %d may be sent", strings.Join(names, ", "), size, maxNotification)
	}
	return n, ctx.Err()
}

// maxNotification bounds what is sent, in bytes.
const maxNotification = 256 << 10

func sizeOf(n *services.Notification) int {
	text, err := yaml.Marshal(n)
	if err != nil {
		return len(n.Message)
	}
	return len(text)
}
