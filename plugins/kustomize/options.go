package kustomize

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"sigs.k8s.io/kustomize/api/types"
)

// options are spec.source.kustomize of an Application (SEMANTICS 1.2). They
// mean what Argo CD's `kustomize edit` commands do to the kustomization.
type options struct {
	Version                   string            `json:"version"`
	NamePrefix                string            `json:"namePrefix"`
	NameSuffix                string            `json:"nameSuffix"`
	Namespace                 string            `json:"namespace"`
	Images                    []string          `json:"images"`
	Replicas                  []replica         `json:"replicas"`
	CommonLabels              map[string]string `json:"commonLabels"`
	ForceCommonLabels         bool              `json:"forceCommonLabels"`
	LabelWithoutSelector      bool              `json:"labelWithoutSelector"`
	LabelIncludeTemplates     bool              `json:"labelIncludeTemplates"`
	CommonAnnotations         map[string]string `json:"commonAnnotations"`
	ForceCommonAnnotations    bool              `json:"forceCommonAnnotations"`
	CommonAnnotationsEnvsubst bool              `json:"commonAnnotationsEnvsubst"`
	Patches                   []types.Patch     `json:"patches"`
	Components                []string          `json:"components"`
	IgnoreMissingComponents   bool              `json:"ignoreMissingComponents"`

	// These two serve the inflation of Helm charts only.
	KubeVersion string   `json:"kubeVersion"`
	APIVersions []string `json:"apiVersions"`

	// PostRender is not a user's to set: it makes a chain of two renderers.
	PostRender *postRender `json:"postRender"`
}

type replica struct {
	Name  string `json:"name"`
	Count count  `json:"count"`
}

// count is a number, or a string that holds one.
type count int64

func (c *count) UnmarshalJSON(data []byte) error {
	n, err := strconv.ParseInt(strings.Trim(string(data), `"`), 10, 32)
	if err != nil || n < 0 {
		return errors.New("a count is a number, 0 or more")
	}
	*c = count(n)
	return nil
}

func parseOptions(data json.RawMessage) (*options, error) {
	o := &options{}
	if len(data) == 0 {
		return o, nil
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(o); err != nil {
		return nil, fmt.Errorf("spec.source.kustomize: %s", strings.TrimPrefix(err.Error(), "json: "))
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("spec.source.kustomize: more than one value")
	}
	return o, nil
}

// empty says whether the options change nothing.
func (o *options) empty() bool {
	c := *o
	c.Version, c.KubeVersion, c.APIVersions, c.PostRender = "", "", nil, nil
	c.ForceCommonLabels, c.LabelWithoutSelector, c.LabelIncludeTemplates = false, false, false
	c.ForceCommonAnnotations, c.CommonAnnotationsEnvsubst, c.IgnoreMissingComponents = false, false, false
	return reflect.ValueOf(c).IsZero()
}

// edits says whether the kustomization to render is changed.
func (o *options) edits() bool { return !o.empty() || o.PostRender != nil }

// apply edits the kustomization to render.
func (o *options) apply(k *types.Kustomization, f *files, file *kustomization) error {
	if o.NamePrefix != "" {
		k.NamePrefix = o.NamePrefix
	}
	if o.NameSuffix != "" {
		k.NameSuffix = o.NameSuffix
	}
	if o.Namespace != "" {
		k.Namespace = o.Namespace
	}
	k.Patches = append(k.Patches, o.Patches...)
	o.setReplicas(k)
	return errors.Join(o.setImages(k), o.addLabels(k, f.request.Env), o.addAnnotations(k, f.request.Env), o.addComponents(k, f, file))
}

func (o *options) setReplicas(k *types.Kustomization) {
	for _, r := range o.Replicas {
		k.Replicas = slices.DeleteFunc(k.Replicas, func(old types.Replica) bool { return old.Name == r.Name })
		k.Replicas = append(k.Replicas, types.Replica{Name: r.Name, Count: int64(r.Count)})
	}
}

// setImages merges by name. An asterisk keeps what the kustomization has.
func (o *options) setImages(k *types.Kustomization) error {
	if len(o.Images) == 0 {
		return nil
	}
	images := map[string]types.Image{}
	for _, image := range k.Images {
		images[image.Name] = image
	}
	for _, text := range o.Images {
		image, err := parseImage(text)
		if err != nil {
			return err
		}
		old := images[image.Name]
		keep(&image.NewName, old.NewName)
		keep(&image.NewTag, old.NewTag)
		keep(&image.Digest, old.Digest)
		images[image.Name] = image
	}
	k.Images = nil
	for _, name := range slices.Sorted(maps.Keys(images)) {
		k.Images = append(k.Images, images[name])
	}
	return nil
}

func keep(field *string, old string) {
	if *field == "*" {
		*field = old
	}
}

// parseImage reads "[old=]name[:tag][@digest]".
func parseImage(text string) (types.Image, error) {
	old, now, renamed := strings.Cut(text, "=")
	if !renamed {
		now = text
	}
	rest, digest, _ := strings.Cut(now, "@")
	name, tag := rest, ""
	if i := strings.LastIndex(rest, ":"); i > strings.LastIndex(rest, "/") {
		name, tag = rest[:i], rest[i+1:]
	}
	if name == "" || renamed && old == "" || !renamed && tag == "" && digest == "" {
		return types.Image{}, fmt.Errorf("images: %q is not of the form [old=]name[:tag][@digest]", text)
	}
	if !renamed {
		return types.Image{Name: name, NewTag: tag, Digest: digest}, nil
	}
	return types.Image{Name: old, NewName: name, NewTag: tag, Digest: digest}, nil
}

func (o *options) addLabels(k *types.Kustomization, env map[string]string) error {
	if len(o.CommonLabels) == 0 {
		return nil
	}
	if o.LabelIncludeTemplates && !o.LabelWithoutSelector {
		return errors.New("labelIncludeTemplates needs labelWithoutSelector: with selectors, labels are on templates anyway")
	}
	labels := substituteAll(o.CommonLabels, env)
	if o.LabelWithoutSelector {
		same := func(l types.Label) bool { return !l.IncludeSelectors && l.IncludeTemplates == o.LabelIncludeTemplates }
		i := slices.IndexFunc(k.Labels, same)
		if i < 0 {
			k.Labels = append(k.Labels, types.Label{IncludeTemplates: o.LabelIncludeTemplates})
			i = len(k.Labels) - 1
		}
		return add(&k.Labels[i].Pairs, labels, o.ForceCommonLabels, "label")
	}
	//nolint:staticcheck // deprecated, and what "kustomize edit add label" sets
	return add(&k.CommonLabels, labels, o.ForceCommonLabels, "label")
}

func (o *options) addAnnotations(k *types.Kustomization, env map[string]string) error {
	annotations := o.CommonAnnotations
	if o.CommonAnnotationsEnvsubst {
		annotations = substituteAll(annotations, env)
	}
	return add(&k.CommonAnnotations, annotations, o.ForceCommonAnnotations, "annotation")
}

// add merges pairs. A key that is there already is an error, unless force.
func add(to *map[string]string, pairs map[string]string, force bool, kind string) error {
	for _, key := range slices.Sorted(maps.Keys(pairs)) {
		if _, taken := (*to)[key]; taken && !force {
			name := strings.ToUpper(kind[:1]) + kind[1:]
			return fmt.Errorf("%s %s is already in the kustomization: set forceCommon%ss to override it", kind, key, name)
		}
		if *to == nil {
			*to = map[string]string{}
		}
		(*to)[key] = pairs[key]
	}
	return nil
}

func (o *options) addComponents(k *types.Kustomization, f *files, file *kustomization) error {
	for _, component := range o.Components {
		r := &reference{of: file, field: "kustomize.components", value: component, kind: ofComponent}
		r.target = path.Join(f.root, component)
		if remote, ok := r.remote(); ok {
			var err error
			if component, err = f.fetch(r, remote); err != nil {
				return err
			}
		}
		if o.IgnoreMissingComponents && !f.Exists(rooted(r.target)) {
			continue
		}
		if !slices.Contains(k.Components, component) {
			k.Components = append(k.Components, component)
			f.chain.add(r)
		}
	}
	return nil
}

// substituteAll replaces $NAME and ${NAME} of the build environment in values;
// $$ is a dollar.
func substituteAll(pairs, env map[string]string) map[string]string {
	result := make(map[string]string, len(pairs))
	for key, value := range pairs {
		result[key] = os.Expand(value, func(name string) string {
			if name == "$" {
				return "$"
			}
			return env[name]
		})
	}
	return result
}
