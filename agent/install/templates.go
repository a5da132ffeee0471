package install

import (
	"errors"
	"fmt"
	"maps"
	"strings"
)

// What stands for a chart's values while its templates are made. They are such as
// Objects takes.
const (
	anyNamespace        = "namespace-of-the-release"
	anySealingNamespace = "namespace-of-keys"
	anyDestination      = "namespace-of-the-values"
	anyApplications     = "namespace-of-applications"
	anySets             = "namespace-of-sets"
	anyImage            = "image-of-the-values"
	anyReplicas         = 97
)

// ranges are the lists of values of which each namespace has objects.
var ranges = map[string]struct{ list, file string }{
	anyDestination:  {"namespaces", "destinations"},
	anyApplications: {"applicationNamespaces", "applications"},
	anySets:         {"applicationSetNamespaces", "sets"},
}

// inTemplates are what stands for them in templates. A name by itself is quoted, for it
// may be such as "1" or "y".
var inTemplates = strings.NewReplacer(
	"{{", `{{ "{{" }}`,
	": "+anyNamespace+"\n", ": {{ $.Release.Namespace | quote }}\n",
	": "+anySealingNamespace+"\n", `: {{ include "tidelock.sealing" $ | quote }}`+"\n",
	": "+anyDestination+"\n", ": {{ . | quote }}\n", ": "+anyApplications+"\n", ": {{ . | quote }}\n", ": "+anySets+"\n", ": {{ . | quote }}\n",
	": "+anyImage+"\n", ": {{ $.Values.image | quote }}\n",
	anyNamespace, "{{ $.Release.Namespace }}",
	anySealingNamespace, `{{ include "tidelock.sealing" $ }}`,
	fmt.Sprintf("replicas: %d", anyReplicas), "replicas: {{ $.Values.replicas }}",
)

// helpers say where the sealed-secrets controller's keys are, as Options.sealing does.
const helpers = `{{- define "tidelock.sealing" -}}
{{ $.Values.sealedSecretsNamespace | default (empty $.Values.namespaces | ternary "kube-system" $.Release.Namespace) }}
{{- end }}
`

// elsewhere says that the keys are where no other Role is.
const elsewhere = `not (has (include "tidelock.sealing" $) (append $.Values.namespaces $.Release.Namespace))`

// templates are a file for each object, which says what the values change of it.
func templates() (map[string]string, error) {
	any := Options{
		Namespace: anyNamespace, SealingNamespace: anySealingNamespace, Image: anyImage, Replicas: anyReplicas, Monitoring: true,
		ApplicationNamespaces: []string{anyApplications}, SetNamespaces: []string{anySets},
	}
	confined := any
	confined.Namespaces, confined.ApplicationNamespaces, confined.SetNamespaces = []string{anyDestination}, nil, nil
	all, err := either(".Values.namespaces", confined, any, func(o Options) (map[string]string, error) {
		looking := o
		looking.Shadow = true
		return either(".Values.shadow", looking, o, variants)
	})
	if err != nil {
		return nil, err
	}
	all["check.yaml"] = refusals()
	all["deployment.yaml"], err = any.deploymentTemplate()
	return all, err
}

// variants are the texts of what differs in the rights of agents of one kind.
func variants(o Options) (map[string]string, error) {
	value, other := ".Values.impersonate", o
	if o.Shadow {
		value, other.ShadowDryRuns = ".Values.shadowDryRuns", true
	} else {
		other.Impersonate = true
	}
	return either(value, other, o, texts)
}

// either are the texts of one set of options or another, as a condition says. What
// nobody gets is refused elsewhere.
func either(condition string, yes, no Options, of func(Options) (map[string]string, error)) (map[string]string, error) {
	if yes.refused() {
		return of(no)
	}
	first, err := of(yes)
	second, err2 := of(no)
	return choose(condition, first, second), errors.Join(err, err2)
}

// refused says that nobody gets objects with a set of options.
func (o Options) refused() bool {
	o.Replicas, o.ApplicationNamespaces, o.SetNamespaces = 1, nil, nil // values of their own
	return o.Check() != nil
}

// refusals are a template that says what contradicts itself, as Check does.
func refusals() string {
	var all strings.Builder
	refuse := func(condition, words string) {
		fmt.Fprintf(&all, "{{- if %s }}\n{{- fail %q }}\n{{- end }}\n", condition, words)
	}
	scoped := Options{Namespace: anyNamespace, Image: anyImage, Shadow: true, Namespaces: []string{anyDestination}}
	if err := scoped.Check(); err != nil {
		refuse("and .Values.shadow .Values.namespaces", err.Error())
	}
	for _, c := range contradictions {
		refuse(c.values, c.words)
	}
	return all.String()
}

// deploymentTemplate has each argument that not all agents are started with.
func (o Options) deploymentTemplate() (string, error) {
	object, err := untyped(o.deployment())
	if err != nil {
		return "", err
	}
	text, err := printed(object)
	if err != nil {
		return "", err
	}
	const last, margin = "        - --plugin-scratch-dir=/memory\n", "        - "
	before, after, found := strings.Cut(inTemplates.Replace(string(text)), last)
	if !found {
		return "", errors.New("the Deployment has no argument --plugin-scratch-dir")
	}
	for _, a := range o.arguments() { // those given stand behind
		after = strings.TrimPrefix(after, margin+inTemplates.Replace(a.text)+"\n")
	}
	var args strings.Builder
	for _, a := range o.arguments() {
		args.WriteString(when(a.when, margin+a.as+"\n"))
	}
	return before + last + args.String() + after, nil
}

// texts are the templates of a set of objects, by the name of their file.
func texts(o Options) (map[string]string, error) {
	all := map[string]string{}
	objects, err := o.objects()
	if err != nil {
		return nil, err
	}
	for _, object := range objects {
		if object["kind"] == "Namespace" || object["kind"] == "Deployment" {
			continue
		}
		text, err := printed(object)
		if err != nil {
			return nil, err
		}
		name, template := strings.ToLower(fmt.Sprint(object["kind"])), inTemplates.Replace(string(text))
		each, many := ranges[object.namespaceOf()]
		switch {
		case many:
			name, template = name+"-"+each.file, "{{- range .Values."+each.list+" }}\n---\n"+template+"{{- end }}\n"
		case object.namespaceOf() == anySealingNamespace:
			name, template = name+"-sealing", when(elsewhere, template)
		case strings.HasPrefix(fmt.Sprint(object["apiVersion"]), "monitoring.coreos.com/"):
			template = when(".Values.monitoring", template)
		}
		all[name+".yaml"] = template
	}
	return all, nil
}

// when is a template that holds on a condition.
func when(condition, text string) string {
	return "{{- if " + condition + " }}\n" + text + "{{- end }}\n"
}

// choose makes templates that are one text or another, as a condition says.
func choose(condition string, yes, no map[string]string) map[string]string {
	all := map[string]string{}
	names := maps.Clone(yes)
	maps.Copy(names, no)
	for name := range names {
		switch {
		case yes[name] == no[name]:
			all[name] = yes[name]
		case no[name] == "":
			all[name] = when(condition, yes[name])
		case yes[name] == "":
			all[name] = when("not "+condition, no[name])
		default:
			all[name] = "{{- if " + condition + " }}\n" + yes[name] + "{{- else }}\n" + no[name] + "{{- end }}\n"
		}
	}
	return all
}
