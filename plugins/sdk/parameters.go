package sdk

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// A Parameter is one of an Application's parameters for a plugin. One of its
// values is set.
type Parameter struct {
	Name   string            `json:"name"`
	String *string           `json:"string"`
	Array  []string          `json:"array"`
	Map    map[string]string `json:"map"`
}

// Parameters are those that an Application sets, by name.
type Parameters map[string]Parameter

// Text returns the value of a parameter that is a text, or what it is otherwise.
func (p Parameters) Text(name, otherwise string) string {
	if value := p[name].String; value != nil {
		return *value
	}
	return otherwise
}

// Parameters reads Options as those of a custom plugin, spec.source.plugin. It is
// an error if there is a parameter, or anything else, that is not known.
func (r *RenderRequest) Parameters(known ...string) (Parameters, error) {
	var block struct {
		Name       string          `json:"name"`
		Env        json.RawMessage `json:"env"` // part of Env
		Parameters []Parameter     `json:"parameters"`
	}
	if len(r.Options) > 0 {
		in := json.NewDecoder(bytes.NewReader(r.Options))
		in.DisallowUnknownFields()
		if err := in.Decode(&block); err != nil {
			return nil, fmt.Errorf("spec.source.plugin: %s", strings.TrimPrefix(err.Error(), "json: "))
		}
	}
	all := Parameters{}
	for _, p := range block.Parameters {
		if !slices.Contains(known, p.Name) {
			return nil, fmt.Errorf("spec.source.plugin.parameters: there is no parameter %q: known are %s", p.Name, strings.Join(known, ", "))
		}
		all[p.Name] = p
	}
	return all, nil
}
