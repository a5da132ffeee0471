package appset

import (
	"encoding/json"
	"fmt"

	"sigs.k8s.io/yaml"

	"github.com/tidelock-io/tidelock/agent/api"
)

// list yields the elements of a list generator.
func (g *generation) list(l *api.ListGenerator, field string) ([]Params, error) {
	var all []Params
	for i, raw := range l.Elements {
		at := fmt.Sprintf("%s.elements[%d]", field, i)
		element, err := g.element(raw.Raw, at)
		if err != nil {
			return nil, in(at, err)
		}
		all = append(all, element)
	}
	if l.ElementsYaml == "" {
		g.empty(len(all), field+".elements", "the list has no elements", "")
		return all, nil
	}
	var more []Params
	if err := yaml.Unmarshal([]byte(l.ElementsYaml), &more); err != nil {
		return nil, in(field+".elementsYaml", failf(ErrGenerator, "it is no list of maps: %s", yamlText(err)))
	}
	all = append(all, more...)
	g.empty(len(all), field+".elementsYaml", "the list has no elements", "")
	return all, nil
}

// element decodes one. For fasttemplate it may hold texts only, and values below
// "values".
func (g *generation) element(raw []byte, field string) (Params, error) {
	var element map[string]any
	if err := json.Unmarshal(raw, &element); err != nil {
		return nil, failf(ErrGenerator, "an element is a map of parameters: %w", err)
	}
	if g.spec.GoTemplate {
		return element, nil
	}
	params := Params{}
	for key, value := range element {
		inner, isMap := value.(map[string]any)
		if key != "values" || !isMap {
			inner = map[string]any{key: value}
		} else {
			key = "values."
		}
		for name, v := range inner {
			text, ok := v.(string)
			if !ok {
				return nil, &Error{Field: field + "." + name, Err: failf(ErrGenerator, "%s is no text", valueText(v)), Hint: "without goTemplate: true parameters are texts: put it in quotes"}
			}
			if key == "values." {
				name = "values." + name
			}
			params[name] = text
		}
	}
	return params, nil
}

func valueText(v any) string {
	raw, err := json.Marshal(v)
	if err != nil {
		return "the value"
	}
	return clip(string(raw))
}
