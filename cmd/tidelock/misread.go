package main

import (
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tidelock-io/tidelock/agent/event"
	"github.com/tidelock-io/tidelock/agent/project"
	"github.com/tidelock-io/tidelock/agent/settings"
)

// reasonMisread is that of an Event about settings that cannot be read.
const reasonMisread = "SettingsInvalid"

// configMap is what one says now, and a version of it.
func (p *parts) configMap(name string) (data map[string]string, version string) {
	return p.keyring.Config(name)
}

// misread tells by an Event what is wrong with a ConfigMap.
func (p *parts) misread(configMap string, wrong []string) {
	of, ok := p.keyring.ConfigMeta(configMap)
	if !ok {
		of = metav1.ObjectMeta{Namespace: p.options.namespace, Name: configMap}
	}
	p.events.RecordConfigMap(&of, event.Event{Warning: true, Reason: reasonMisread, Message: strings.Join(wrong, "; ")})
}

// misreadSettings tells what is wrong with argocd-cm.
func (p *parts) misreadSettings(wrong []settings.Problem) {
	var texts []string
	for _, problem := range wrong {
		texts = append(texts, problem.String()+": it stays as it was last")
	}
	p.misread(settings.ConfigMap, texts)
}

// misreadNow counts the settings that cannot be read.
func (p *parts) misreadNow() float64 {
	n := int(p.params.invalid.Load()) + len(p.engine.settings.Settings().Problems)
	if p.hookFile.unreadable() {
		n++
	}
	return float64(n)
}

// elsewhere are the namespaces with Applications beside the agent's own.
func (o *agentOptions) elsewhere() project.Namespaces {
	namespaces, _ := project.NewNamespaces(o.namespaces) // it was checked
	return namespaces
}
