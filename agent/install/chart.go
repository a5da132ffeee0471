package install

import (
	"bytes"
	"fmt"
	"strings"
)

// Texts that stand for what a chart's values say while its templates are made. They
// are names, so that Objects takes them.
const (
	anyNamespace        = "namespace-of-the-release"
	anySealingNamespace = "namespace-of-the-values"
	anyImage            = "image-of-the-values"
)

// inTemplates are what stands for them in templates.
var inTemplates = strings.NewReplacer(
	"{{", `{{ "{{" }}`,
	anyNamespace, "{{ .Release.Namespace }}",
	anySealingNamespace, "{{ .Values.sealedSecretsNamespace }}",
	anyImage, "{{ .Values.image }}",
)

const chartFile = `apiVersion: v2
name: tidelock
description: Tidelock, which gets what is in Git onto Kubernetes, secrets included
type: application
version: 0.1.0
kubeVersion: ">=1.33.0-0"
home: https://github.com/tidelock-io/tidelock
`

const valuesFile = `# Written by agent/install, whose test holds it equal to tidelock install.

# what runs, with tag or digest
image: %s
# where the keys of the sealed-secrets controller are
sealedSecretsNamespace: %s
# write in the name of the ServiceAccounts that projects name
impersonate: false
# add a ServiceMonitor and a PrometheusRule
monitoring: false
`

// Chart returns the files of a Helm chart that installs the same objects. Its
// defaults are the options; its namespace is the release's, which Helm makes.
func Chart(o Options) (map[string][]byte, error) {
	if err := o.Check(); err != nil {
		return nil, err
	}
	files := map[string][]byte{
		"Chart.yaml":  []byte(chartFile),
		"values.yaml": fmt.Appendf(nil, valuesFile, o.Image, o.SealingNamespace),
	}
	definitions, err := Definitions()
	if err != nil {
		return nil, err
	}
	for _, d := range definitions {
		if files["crds/"+d.key()+".yaml"], err = printed(d); err != nil {
			return nil, err
		}
	}
	templates, err := templates()
	for name, text := range templates {
		files["templates/"+name] = text
	}
	return files, err
}

// templates are a file for each object, which says what the values change of it.
func templates() (map[string][]byte, error) {
	any := Options{Namespace: anyNamespace, SealingNamespace: anySealingNamespace, Image: anyImage, Monitoring: true}
	plain, err := texts(any)
	if err != nil {
		return nil, err
	}
	any.Impersonate = true
	impersonating, err := texts(any)
	if err != nil {
		return nil, err
	}
	files := map[string][]byte{}
	for name := range impersonating { // it has all that the other has
		text := choose("impersonate", impersonating[name], plain[name])
		if strings.HasPrefix(text, "apiVersion: monitoring.coreos.com/") {
			text = choose("monitoring", text, "")
		}
		files[name] = []byte(text)
	}
	return files, nil
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
		all[strings.ToLower(fmt.Sprint(object["kind"]))+".yaml"] = inTemplates.Replace(string(text))
	}
	return all, nil
}

// choose is a template that is one text or another, as a value says.
func choose(value, yes, no string) string {
	switch {
	case yes == no:
		return yes
	case no == "":
		return "{{- if .Values." + value + " }}\n" + yes + "{{- end }}\n"
	}
	return "{{- if .Values." + value + " }}\n" + yes + "{{- else }}\n" + no + "{{- end }}\n"
}

// printed is an object's YAML, without the line that begins a document.
func printed(o Object) ([]byte, error) {
	var text bytes.Buffer
	err := Print(&text, []Object{o})
	return bytes.TrimPrefix(text.Bytes(), []byte("---\n")), err
}

// key is an object's name.
func (o Object) key() string {
	meta, _ := o["metadata"].(map[string]any)
	return fmt.Sprint(meta["name"])
}
