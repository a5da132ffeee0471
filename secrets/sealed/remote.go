package sealed

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/tidelock-io/tidelock/plugins/sdk"
	"github.com/tidelock-io/tidelock/secrets"
)

// A job is what Remote sends and Source executes, in the place of an
// ExternalSecret: the contract is the same, data in and a Secret's data out.
type job struct {
	Templates map[string]string `json:"templates"`
	Values    map[string][]byte `json:"values"`
}

// Remote executes templates in the plugin process that serves [Source]: one
// that may use neither files nor network, has its memory bounded, and is killed
// when a call takes too long.
type Remote struct{ Plugin sdk.SecretSource }

// Execute implements [Templates].
func (r Remote) Execute(ctx context.Context, templates map[string]string, values map[string]secrets.Value) (map[string]secrets.Value, error) {
	todo := job{Templates: templates, Values: make(map[string][]byte, len(values))}
	for key, value := range values {
		todo.Values[key] = value.Reveal()
	}
	raw, err := json.Marshal(todo)
	if err != nil {
		return nil, err
	}
	result, err := r.Plugin.Fetch(ctx, &sdk.SecretRequest{ExternalSecret: raw})
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrTemplate, err)
	}
	out := make(map[string]secrets.Value, len(templates))
	for key := range templates {
		text, ok := result.Data[key]
		if !ok {
			return nil, fmt.Errorf("%w: item %q: nothing came back for it", ErrTemplate, key)
		}
		out[key] = secrets.New(text)
	}
	return out, nil
}

// Source is the plugin's side of [Remote]: the built-in plugin "sealed".
type Source struct{}

// Fetch implements [sdk.SecretSource].
func (Source) Fetch(_ context.Context, req *sdk.SecretRequest) (*sdk.SecretResult, error) {
	var todo job
	if err := json.Unmarshal(req.ExternalSecret, &todo); err != nil {
		return nil, fmt.Errorf("%w: malformed request", ErrTemplate)
	}
	values := make(map[string]secrets.Value, len(todo.Values))
	for key, plain := range todo.Values {
		values[key] = secrets.New(plain)
	}
	rendered, err := Execute(todo.Templates, values)
	if err != nil {
		return nil, err
	}
	data := make(map[string]sdk.Material, len(rendered))
	for key, value := range rendered {
		data[key] = value.Reveal()
	}
	return &sdk.SecretResult{Data: data}, nil
}
