package kustomize

import (
	"path"
	"strings"

	"go.yaml.in/yaml/v3"
	"sigs.k8s.io/kustomize/api/konfig"
)

// directory returns what kustomize opens when it enters a directory.
func directory(name string) []string {
	names := []string{name}
	for _, file := range konfig.RecognizedKustomizationFileNames() {
		names = append(names, path.Join(name, file))
	}
	return names
}

// reads returns what kustomize opens because of this kustomization.
func (k *kustomization) reads() (names []string) {
	add := func(n *yaml.Node) {
		if n == nil || n.Kind != yaml.ScalarNode || strings.Contains(n.Value, "\n") {
			return
		}
		name := path.Join(path.Dir(k.file), n.Value)
		if path.Ext(name) == "" {
			names = append(names, directory(name)...)
			return
		}
		names = append(names, name)
	}
	for i := 0; k.root != nil && i+1 < len(k.root.Content); i += 2 {
		list := k.root.Content[i+1].Content
		switch k.root.Content[i].Value {
		case "resources", "components", "bases", "generators", "transformers", "patchesStrategicMerge":
			for _, item := range list {
				add(item)
			}
		case "patches":
			for _, item := range list {
				add(child(item, "path"))
			}
		}
	}
	return names
}
