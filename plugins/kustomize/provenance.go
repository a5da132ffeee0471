package kustomize

import (
	"path"
	"strings"

	"sigs.k8s.io/kustomize/api/resource"
	"sigs.k8s.io/yaml"
)

// What `buildMetadata` asks for: where a resource is from, and what changed it.
const (
	originAnnotation          = "config.kubernetes.io/origin"
	transformationsAnnotation = "alpha.config.kubernetes.io/transformations"
)

// nameOrigins puts addresses in the place of mounts in what `buildMetadata`
// writes.
func (f *files) nameOrigins(res *resource.Resource) error {
	if len(f.mounts) == 0 && len(f.rooms) == 0 {
		return nil
	}
	annotations := res.GetAnnotations()
	changed := false
	if text := annotations[originAnnotation]; strings.Contains(text, ".tidelock-") {
		var origin resource.Origin
		if err := yaml.Unmarshal([]byte(text), &origin); err != nil {
			return err
		}
		named, err := f.named(&origin).String()
		if err != nil {
			return err
		}
		annotations[originAnnotation], changed = named, true
	}
	if text := annotations[transformationsAnnotation]; strings.Contains(text, ".tidelock-") {
		var all resource.Transformations
		if err := yaml.Unmarshal([]byte(text), &all); err != nil {
			return err
		}
		for i := range all {
			all[i] = f.named(all[i])
		}
		named, err := all.String()
		if err != nil {
			return err
		}
		annotations[transformationsAnnotation], changed = named, true
	}
	if !changed {
		return nil
	}
	return res.SetAnnotations(annotations)
}

// named is an origin as kustomize states it of what it fetched itself, but for a
// password.
func (f *files) named(origin *resource.Origin) *resource.Origin {
	o := *origin
	for _, at := range []*string{&o.Path, &o.ConfiguredIn} {
		if *at == "" {
			continue
		}
		name := path.Join(f.root, *at)
		target, isFile := f.links[name]
		if !isFile {
			target = name
		}
		mount := f.mountOf(target)
		if mount == "" {
			continue
		}
		source := f.mounts[mount]
		if isFile {
			of := (&resource.Origin{}).Append(withoutPassword(source.URL))
			o.Repo, o.Ref, *at = of.Repo, of.Ref, of.Path
			continue
		}
		o.Repo, o.Ref = withoutPassword(source.URL), source.Revision
		*at = strings.TrimPrefix(target, mount+"/")
	}
	return &o
}

// withoutPassword drops a password from an address, and the user that it is of.
func withoutPassword(address string) string {
	scheme, rest, ok := strings.Cut(address, "://")
	host, file, _ := strings.Cut(rest, "/")
	at := strings.LastIndex(host, "@")
	if !ok || at < 0 || !strings.Contains(host[:at], ":") {
		return address
	}
	return scheme + "://" + host[at+1:] + "/" + file
}
