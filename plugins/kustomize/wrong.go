package kustomize

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/api/konfig"
	"sigs.k8s.io/kustomize/api/types"
)

// wrongWith looks for what is plainly wrong with a kustomization: in itself, in
// how it is referred to, and in what it refers to.
func (f *files) wrongWith(k *kustomization) error {
	if k.root == nil {
		return fmt.Errorf("%s: is empty", k.place(0))
	}
	content, err := k.decode()
	if err != nil {
		return k.locate(err)
	}
	content.FixKustomization()
	if wrong := content.EnforceFields(); len(wrong) > 0 {
		field := "kind"
		if strings.HasPrefix(wrong[0], "apiVersion") {
			field = "apiVersion"
		}
		return fmt.Errorf("%s: %s", k.place(k.lineOf(k.valueOf(field))), wrong[0])
	}
	if why := wrongKind(k, content); why != nil {
		return why
	}
	for _, r := range k.names {
		if why := f.wrongPath(k, r); why != "" {
			return fmt.Errorf("%s: %q %s", r, withoutPassword(r.file()), why)
		}
	}
	return wrongLiteral(k)
}

func (k *kustomization) valueOf(field string) string {
	if n := k.field(field); n != nil {
		return n.Value
	}
	return ""
}

// wrongKind compares what a kustomization is with the field that lists it.
func wrongKind(k *kustomization, content *types.Kustomization) error {
	if k.by == nil {
		return nil
	}
	isComponent := content.Kind == types.ComponentKind
	switch {
	case isComponent && k.by.kind != ofComponent:
		return fmt.Errorf("%s: %q is a component: list it under components", k.by, k.by.value)
	case !isComponent && k.by.kind == ofComponent:
		return fmt.Errorf("%s: %q is no component: list it under resources, or make it one by kind: Component and apiVersion: %s",
			k.by, k.by.value, types.ComponentVersion)
	}
	return nil
}

// wrongPath says what is wrong with what a kustomization names, "" if nothing.
func (f *files) wrongPath(k *kustomization, r *reference) string {
	if _, isRemote := r.remote(); isRemote && r.target == "" {
		return "" // it was not read
	}
	if !f.Exists(rooted(r.target)) {
		return f.absent(r)
	}
	dir := path.Dir(k.file)
	if !f.IsDir(rooted(r.target)) {
		switch resolved := f.resolved(r.target); {
		case r.kind == ofComponent:
			return "is a file: a component is a directory"
		case dir != "." && !strings.HasPrefix(resolved, dir+"/") && f.mountOf(resolved) == f.mountOf(dir):
			return "is not in or below the directory of its kustomization, from where alone files are read: give its directory a kustomization.yaml, and list that"
		}
		return ""
	}
	has := func(name string) bool { return f.Exists(rooted(path.Join(r.target, name))) }
	switch {
	case r.kind == ofFile:
		return "is a directory, where a file is wanted"
	case !slices.ContainsFunc(konfig.RecognizedKustomizationFileNames(), has):
		return "is a directory without a kustomization.yaml"
	case dir == r.target || strings.HasPrefix(dir, r.target+"/") || r.target == ".":
		return "is the directory of this kustomization or one above it: a kustomization cannot contain itself"
	}
	return ""
}

// absent says that something is not there, and what there is instead.
func (f *files) absent(r *reference) string {
	switch {
	case strings.HasPrefix(r.value, "gh:"):
		return "is not there: write an address as github.com/ORGANISATION/REPOSITORY"
	case strings.Contains(r.value, " - "):
		return "is not there: these are two items of a list, which wrong indentation has made one"
	}
	parent := path.Dir(r.target)
	entries, err := f.tree.ReadDir(parent)
	if f.fail(err) != nil {
		return "is not there, nor is the directory that it would be in"
	}
	for _, e := range entries {
		if within(strings.ToLower(e.Name()), strings.ToLower(path.Base(r.target)), 2) {
			name := path.Join(path.Dir(r.file()), e.Name())
			if mount := f.mountOf(parent); mount != "" {
				name = strings.TrimPrefix(path.Join(parent, e.Name()), mount+"/")
			}
			return fmt.Sprintf("is not there, did you mean %q?", name)
		}
	}
	return "is not there"
}

// wrongLiteral finds a literal of a generator that has no key.
func wrongLiteral(k *kustomization) error {
	for _, field := range []string{"configMapGenerator", "secretGenerator"} {
		for _, item := range items(k.field(field)) {
			for _, literal := range items(child(item, "literals")) {
				if i := strings.Index(aliased(literal).Value, "="); i <= 0 {
					return fmt.Errorf("%s: %s: a literal is of the form key=value", k.place(literal.Line), field)
				}
			}
		}
	}
	return nil
}
