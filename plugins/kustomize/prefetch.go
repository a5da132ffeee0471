package kustomize

import (
	"path"

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
	for _, r := range k.names {
		switch {
		case r.target == "":
		case r.kind == ofComponent, r.kind == ofBase && path.Ext(r.target) == "":
			names = append(names, directory(r.target)...)
		default:
			names = append(names, r.target)
		}
	}
	return names
}
