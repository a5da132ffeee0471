package install

import (
	"bytes"
	"fmt"
)

const chartFile = `apiVersion: v2
name: tidelock
description: Tidelock, which gets what is in Git onto Kubernetes, secrets included
type: application
version: 0.2.0
kubeVersion: ">=` + OldestKubernetes + `.0-0"
home: https://github.com/tidelock-io/tidelock
`

const valuesFile = `# Written by agent/install, whose test holds it equal to tidelock install.

# what runs, with tag or digest
image: %s
# how many divide the Applications among them: 3 is highly available
replicas: 1
# the only namespaces that the agent has rights in, beside its own; in the whole
# cluster if there are none
namespaces: []
# where the keys of the sealed-secrets controller are: kube-system if empty, or the
# release's namespace where there are namespaces above
sealedSecretsNamespace: ""
# other namespaces with Applications, and with ApplicationSets: patterns such as team-*;
# names, where impersonate is true
applicationNamespaces: []
applicationSetNamespaces: []
# write in the name of the ServiceAccounts that projects name
impersonate: false
# look on at Argo CD, in its namespace, and write nothing
shadow: false
# have the one that looks on ask the API server by dry runs what it would change
shadowDryRuns: false
# add a ServiceMonitor and a PrometheusRule
monitoring: false
`

// schemaFile has Helm refuse values that are misspelt, or of another type. What
// contradicts itself is refused by templates, in words.
const schemaFile = `{
  "$schema": "http://json-schema.org/draft-07/schema#",
  "type": "object",
  "additionalProperties": false,
  "properties": {
    "global": {"type": "object"},
    "image": {"type": "string", "pattern": "^[^\\s\"']+$"},
    "replicas": {"type": "integer", "minimum": 1, "maximum": %d},
    "namespaces": {"type": "array", "uniqueItems": true, "items": {"$ref": "#/definitions/namespace"}},
    "sealedSecretsNamespace": {"anyOf": [{"const": ""}, {"$ref": "#/definitions/namespace"}]},
    "applicationNamespaces": {"type": "array", "items": {"$ref": "#/definitions/pattern"}},
    "applicationSetNamespaces": {"type": "array", "items": {"$ref": "#/definitions/pattern"}},
    "impersonate": {"type": "boolean"},
    "shadow": {"type": "boolean"},
    "shadowDryRuns": {"type": "boolean"},
    "monitoring": {"type": "boolean"}
  },
  "definitions": {
    "namespace": {"type": "string", "pattern": "^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$"},
    "pattern": {"type": "string", "pattern": "^[^,\"\n]+$"}
  }
}
`

// Chart returns the files of a Helm chart that installs the same objects as
// [Objects], whichever options are given as its values; without any, an image's. Its
// namespace is the release's, which Helm makes.
func Chart(image string) (map[string][]byte, error) {
	files := map[string][]byte{
		"Chart.yaml":             []byte(chartFile),
		"values.yaml":            fmt.Appendf(nil, valuesFile, image),
		"values.schema.json":     fmt.Appendf(nil, schemaFile, mostReplicas),
		"templates/_helpers.tpl": []byte(helpers),
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
		files["templates/"+name] = []byte(text)
	}
	return files, err
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

// namespaceOf is an object's namespace.
func (o Object) namespaceOf() string {
	meta, _ := o["metadata"].(map[string]any)
	namespace, _ := meta["namespace"].(string)
	return namespace
}
