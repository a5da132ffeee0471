package install

import (
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
	anyImage            = "image-of-the-values"
	anyReplicas         = 97
)

// inTemplates are what stands for them in templates.
var inTemplates = strings.NewReplacer(
	"{{", `{{ "{{" }}`,
	anyNamespace, "{{ $.Release.Namespace }}",
	anySealingNamespace, `{{ include "tidelock.sealing" $ }}`,
	"--"+DestinationsFlag+"="+anyDestination, "--"+DestinationsFlag+`={{ join "," $.Values.namespaces }}`,
	anyDestination, "{{ . }}",
	anyImage, "{{ $.Values.image }}",
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
	scoped := func(o Options) (map[string]string, error) {
		o.Impersonate = true
		impersonating, err := texts(o)
		if err != nil {
			return nil, err
		}
		o.Impersonate = false
		plain, err := texts(o)
		return choose(".Values.impersonate", impersonating, plain), err
	}
	any := Options{Namespace: anyNamespace, SealingNamespace: anySealingNamespace, Image: anyImage, Replicas: anyReplicas, Monitoring: true}
	wide, err := scoped(any)
	if err != nil {
		return nil, err
	}
	any.Namespaces = []string{anyDestination}
	confined, err := scoped(any)
	return choose(".Values.namespaces", confined, wide), err
}

// texts are the templates of a set of objects, by the name of their file.
func texts(o Options) (map[string]string, error) {
	objects, err := Objects(o)
	if err != nil {
		return nil, err
	}
	all := map[string]string{}
	for _, object := range objects {
		if object["kind"] == "Namespace" {
			continue
		}
		text, err := printed(object)
		if err != nil {
			return nil, err
		}
		name, template := strings.ToLower(fmt.Sprint(object["kind"])), inTemplates.Replace(string(text))
		switch {
		case object.namespaceOf() == anyDestination:
			name, template = name+"-destinations", "{{- range .Values.namespaces }}\n---\n"+template+"{{- end }}\n"
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
