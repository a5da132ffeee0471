package kustomize

import (
	"fmt"
	"path"
	"path/filepath"
	"strconv"
	"strings"

	"sigs.k8s.io/kustomize/api/types"
)

// maxRemotes is how deep remote bases may refer to other remote bases.
const maxRemotes = 8

// mount makes what a kustomization refers to by address readable, and returns
// what stands for each address in its text.
func (f *files) mount(k *kustomization) (map[string]string, error) {
	var instead map[string]string
	for _, r := range k.names {
		remote, ok := r.remote()
		if !ok {
			continue
		}
		if r.kind != ofFile && !strings.Contains(r.value, "://") && f.isFile(path.Join(path.Dir(k.file), r.value)) {
			r.target = path.Join(path.Dir(k.file), r.value) // a file with an odd name
			continue
		}
		if n := k.remotes(f); n >= maxRemotes {
			return nil, fmt.Errorf("%s: %s: remote bases refer to each other more than %d deep", r, remote.source, maxRemotes)
		}
		name, err := f.fetch(r, remote)
		if err != nil {
			return nil, err
		}
		if instead == nil {
			instead = map[string]string{}
		}
		instead[r.file()] = name
	}
	return instead, nil
}

// fetch mounts one address. It returns the name by which the kustomization can
// refer to it.
func (f *files) fetch(r *reference, remote remote) (string, error) {
	if strings.HasPrefix(remote.source.URL, "file:") {
		return "", fmt.Errorf("%s: %s: the agent has no disk to read from: name a repository that it can reach, or a path in this one", r, remote.source)
	}
	if remote.source.Revision == "" && !remote.file {
		f.warn("%s: %s names no ref: it is the default branch, which moves; append ?ref= with a tag or a commit", r, remote.source)
	}
	for _, name := range ignored(r.value) {
		f.warn("%s: %s: %s is ignored: the agent has its own limits and fetches as its settings say", r, remote.source, name)
	}
	mounted, err := f.host.Mount(f.ctx, remote.source)
	if err != nil {
		return "", f.failNow(fmt.Errorf("%s: %w", r, err))
	}
	f.mounts[mounted.Path] = remote.source
	r.target = path.Join(mounted.Path, remote.path)
	dir := path.Dir(r.of.file)
	if remote.file {
		return f.link(dir, r.target), nil
	}
	return relative(dir, r.target)
}

// relative is the way from one directory of the tree to another.
func relative(from, to string) (string, error) { return filepath.Rel(rooted(from), rooted(to)) }

// link makes a file of another place appear below a directory: kustomize reads
// files nowhere else.
func (f *files) link(dir, target string) string {
	name := path.Join(".tidelock-remote", strconv.Itoa(len(f.links)), path.Base(target))
	f.links[path.Join(dir, name)] = target
	return name
}

// remotes counts the mounts that led to a kustomization.
func (k *kustomization) remotes(f *files) int {
	n := 0
	for ; k.by != nil; k = k.by.of {
		if f.mountOf(k.file) != f.mountOf(k.by.of.file) {
			n++
		}
	}
	return n
}

// mountOf returns the mount that a name lies in, "" if it is of the repository.
func (f *files) mountOf(name string) string {
	for mount := range f.mounts {
		if name == mount || strings.HasPrefix(name, mount+"/") {
			return mount
		}
	}
	return ""
}

// confine refuses bases of a mounted kustomization that lie outside of its own
// repository. Files are confined by kustomize itself, links by the tree.
func (f *files) confine(k *kustomization, content *types.Kustomization, instead map[string]string) error {
	mount := f.mountOf(k.file)
	if mount == "" {
		return nil
	}
	inside := func(name string) bool {
		target := path.Join(path.Dir(k.file), name)
		return target == mount || strings.HasPrefix(target, mount+"/")
	}
	for _, list := range bases(content) {
		for _, name := range *list {
			if _, isRemote := instead[name]; !isRemote && !isInline(name) && !inside(name) {
				return fmt.Errorf("%s: %q leaves the repository that it is in: a remote base may refer to its own repository, and to others by their address", k.place(k.lineOf(name)), name)
			}
		}
	}
	if g := content.HelmGlobals; g != nil && g.ChartHome != "" && !inside(g.ChartHome) {
		return fmt.Errorf("%s: chartHome %q leaves the repository that it is in", k.place(k.lineOf(g.ChartHome)), g.ChartHome)
	}
	return nil
}

// bases are the fields that kustomize may read directories of.
func bases(content *types.Kustomization) []*[]string {
	return []*[]string{&content.Resources, &content.Components, &content.Generators, &content.Transformers, &content.Validators}
}

// replace puts what stands for addresses in their place.
func replace(content *types.Kustomization, instead map[string]string) {
	in := func(name *string) {
		if other, ok := instead[*name]; ok {
			*name = other
		}
	}
	all := func(list []string) {
		for i := range list {
			in(&list[i])
		}
	}
	for _, list := range bases(content) {
		all(*list)
	}
	all(content.Crds)
	all(content.Configurations)
	//nolint:staticcheck // deprecated, and in use
	strategic, json6902 := content.PatchesStrategicMerge, content.PatchesJson6902
	for i := range strategic {
		in((*string)(&strategic[i]))
	}
	for i := range content.Patches {
		in(&content.Patches[i].Path)
	}
	for i := range json6902 {
		in(&json6902[i].Path)
	}
	for i := range content.Replacements {
		in(&content.Replacements[i].Path)
	}
	if schema, ok := content.OpenAPI["path"]; ok {
		in(&schema)
		content.OpenAPI["path"] = schema
	}
	for i := range content.ConfigMapGenerator {
		replaceSources(&content.ConfigMapGenerator[i].KvPairSources, in)
	}
	for i := range content.SecretGenerator {
		replaceSources(&content.SecretGenerator[i].KvPairSources, in)
	}
}

func replaceSources(sources *types.KvPairSources, in func(*string)) {
	in(&sources.EnvSource)
	for i := range sources.EnvSources {
		in(&sources.EnvSources[i])
	}
	for i, source := range sources.FileSources {
		key, file, keyed := strings.Cut(source, "=")
		if !keyed || strings.Contains(key, "://") {
			key, file = "", source
		}
		in(&file)
		if key != "" {
			file = key + "=" + file
		}
		sources.FileSources[i] = file
	}
}
