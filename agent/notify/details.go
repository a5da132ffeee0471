package notify

import (
	"errors"
	"fmt"
	"strings"

	"github.com/tidelock-io/tidelock/agent/api"
	"sigs.k8s.io/yaml"
)

// Details are what repo.GetAppDetails tells of an Application's first source, with Argo
// CD's names. Argo CD has its chart or its overlay read again for that; here it is what
// the Application states, and what is live, and what neither says is an error.
type Details struct {
	// Type is Helm, Kustomize, Directory or Plugin, as it was rendered last.
	Type      string
	Helm      *HelmDetails
	Kustomize *KustomizeDetails
	Directory *struct{}
}

// HelmDetails are of a chart.
type HelmDetails struct {
	HelmAppSpec            HelmAppSpec
	HelmParameterOverrides []api.HelmParameter
}

// HelmAppSpec is what an Application states of a chart: Values in YAML.
type HelmAppSpec struct {
	ValueFiles     []string
	Parameters     []api.HelmParameter
	Values         string
	FileParameters []api.HelmFileParameter
}

// KustomizeDetails are of an overlay: the images that are live.
type KustomizeDetails struct{ Images []string }

// details are those of an Application.
func (m Moment) details() (*Details, error) {
	sources := m.App.Spec.AllSources()
	if len(sources) == 0 {
		return nil, errors.New("the Application has no source")
	}
	kind := m.App.Status.SourceType
	if len(m.App.Status.SourceTypes) > 0 {
		kind = m.App.Status.SourceTypes[0]
	}
	d := &Details{Type: string(kind)}
	switch kind {
	case api.SourceTypeHelm:
		var err error
		d.Helm, err = helmDetails(sources[0].Helm)
		return d, err
	case api.SourceTypeKustomize:
		d.Kustomize = &KustomizeDetails{m.App.Status.Summary.Images}
	case api.SourceTypeDirectory:
		d.Directory = &struct{}{}
	case "":
		return nil, errors.New("the Application was not rendered yet, so that its type is not known")
	}
	return d, nil
}

func helmDetails(h *api.HelmSource) (*HelmDetails, error) {
	if h == nil {
		return &HelmDetails{}, nil
	}
	d := &HelmDetails{HelmAppSpec{h.ValueFiles, h.Parameters, h.Values, h.FileParameters}, h.Parameters}
	if h.ValuesObject != nil {
		text, err := yaml.JSONToYAML(h.ValuesObject.Raw)
		if err != nil {
			return nil, fmt.Errorf("helm.valuesObject: %w", err)
		}
		d.HelmAppSpec.Values = string(text)
	}
	return d, nil
}

// GetParameterValueByName returns the value of a parameter: of the one of this name, or of
// the path in the values that the Application states.
func (d HelmDetails) GetParameterValueByName(name string) (string, error) {
	for _, p := range d.HelmParameterOverrides {
		if p.Name == name {
			return p.Value, nil
		}
	}
	var at any
	if err := yaml.Unmarshal([]byte(d.HelmAppSpec.Values), &at); err != nil {
		return "", fmt.Errorf("helm.values: %w", err)
	}
	for key := range strings.SplitSeq(name, ".") {
		values, _ := at.(map[string]any)
		at = values[key]
	}
	switch at.(type) {
	case nil, map[string]any, []any:
		return "", fmt.Errorf("the Application states no value of %s, and what the chart's own files say is not looked at: state it in helm.parameters or helm.values", name)
	}
	return fmt.Sprint(at), nil
}

// GetFileParameterPathByName returns the path of a file parameter, "" if there is none of
// the name.
func (d HelmDetails) GetFileParameterPathByName(name string) string {
	for _, p := range d.HelmAppSpec.FileParameters {
		if p.Name == name {
			return p.Path
		}
	}
	return ""
}
