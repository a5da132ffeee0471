package api

import (
	"errors"
	"fmt"
	"path"
	"strings"

	apivalidation "k8s.io/apimachinery/pkg/api/validation"
	"k8s.io/apimachinery/pkg/util/validation"
	"sigs.k8s.io/yaml"
)

// DefaultValuesKey is the key that a ValueFrom means if it names none.
const DefaultValuesKey = "values.yaml"

// maxValuesFrom bounds the list.
const maxValuesFrom = 64

// A ValueFrom is one entry of [AnnotationValuesFrom]: one item of a Secret or a
// ConfigMap, and what is made of it. Without TargetPath and File it is a Helm value
// file, which comes after helm.valueFiles and before helm.values; later entries come
// over earlier ones.
type ValueFrom struct {
	// Kind is Secret or ConfigMap.
	Kind string `json:"kind"`
	Name string `json:"name"`
	// Key is values.yaml by default.
	Key string `json:"key,omitempty"`
	// TargetPath makes the item a Helm parameter of this name, a.b[0].c, over all other
	// values. It is text as it is, whatever it looks like.
	TargetPath string `json:"targetPath,omitempty"`
	// File makes the item a file, relative to the source's path, as if it lay there in
	// Git; it stands in for one that does.
	File string `json:"file,omitempty"`
	// Optional: without the object, or its key, the entry counts for nothing.
	Optional bool `json:"optional,omitempty"`
	// Source is the name or the number, from 1, of the source that it is for. With
	// several sources it is needed.
	Source string `json:"source,omitempty"`
}

// String prints as "Secret api, key values.yaml".
func (v ValueFrom) String() string { return v.Kind + " " + v.Name + ", key " + v.Key }

// ValuesFrom reads [AnnotationValuesFrom]. The error names the entry and the field.
func ValuesFrom(annotations map[string]string) ([]ValueFrom, error) {
	text := annotations[AnnotationValuesFrom]
	if strings.TrimSpace(text) == "" {
		return nil, nil
	}
	var list []ValueFrom
	if err := yaml.UnmarshalStrict([]byte(text), &list); err != nil {
		return nil, fmt.Errorf("annotation %s: it must be a list of {kind, name, key, targetPath or file, optional, source}: %s", AnnotationValuesFrom, clip(err.Error()))
	}
	if len(list) > maxValuesFrom {
		return nil, fmt.Errorf("annotation %s: it has %d entries, %d are allowed", AnnotationValuesFrom, len(list), maxValuesFrom)
	}
	for i := range list {
		if list[i].Key == "" {
			list[i].Key = DefaultValuesKey
		}
		if err := list[i].check(); err != nil {
			return nil, fmt.Errorf("annotation %s: entry %d: %w", AnnotationValuesFrom, i+1, err)
		}
	}
	return list, nil
}

func (v ValueFrom) check() error {
	switch {
	case v.Kind != "Secret" && v.Kind != "ConfigMap":
		return fmt.Errorf("kind: %q is neither Secret nor ConfigMap", clip(v.Kind))
	case len(apivalidation.NameIsDNSSubdomain(v.Name, false)) > 0:
		return fmt.Errorf("name: %q is no name of a %s", clip(v.Name), v.Kind)
	case len(validation.IsConfigMapKey(v.Key)) > 0:
		return fmt.Errorf("key: %q is no key of a %s", clip(v.Key), v.Kind)
	case v.TargetPath != "" && v.File != "":
		return errors.New("targetPath and file: give one of them, or none for a Helm value file")
	case strings.ContainsAny(v.TargetPath, "=,\n"):
		return fmt.Errorf("targetPath: %q is no path of a value: write it like database.password", clip(v.TargetPath))
	case v.File != "" && (path.IsAbs(v.File) || path.Clean(v.File) == "." || strings.HasSuffix(v.File, "/") || strings.ContainsAny(v.File, "\\\x00\n")):
		return fmt.Errorf("file: %q is no file below the source's path", clip(v.File))
	}
	return nil
}

// For says that the entry is for the i-th source of an Application, counted from 0.
func (v ValueFrom) For(i int, source *Source) bool {
	return v.Source == "" || v.Source == fmt.Sprint(i+1) || source.Name != "" && v.Source == source.Name
}
