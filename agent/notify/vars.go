package notify

import (
	"encoding/json"
	"fmt"

	"github.com/tidelock-io/tidelock/agent/api"
	utiljson "k8s.io/apimachinery/pkg/util/json"
)

// A Moment is an Application as it was or is, with what its status does not say.
type Moment struct {
	App *api.Application
	// Opened is the window that something waited for, and that is open now.
	Opened *Opened
	// Found is what was found out of the Application last; it may be out of date.
	Found Found
	// Commit describes a commit of one of the Application's repositories; nil if
	// nobody can.
	Commit Describe
}

// Vars are what conditions and templates see: app, context, secrets, and functions time,
// strings, repo and sync, as Argo CD has them; and change, which says what changed, why
// and by whom.
func (c *Config) Vars(m Moment) (map[string]any, error) {
	app, err := asMap(m.App)
	if err != nil {
		return nil, err
	}
	vars := map[string]any{"app": app, "context": c.context, "change": changeOf(m)}
	if c.own == "" {
		vars["secrets"] = c.secrets
	}
	for name, functions := range functionsOf(m) {
		vars[name] = functions
	}
	return vars, nil
}

// asMap is an Application as the API server tells it, with whole numbers as such.
func asMap(app *api.Application) (map[string]any, error) {
	named := *app
	named.APIVersion, named.Kind = api.GroupVersion.String(), api.ApplicationKind
	raw, err := json.Marshal(&named)
	if err != nil {
		return nil, fmt.Errorf("encode application %s: %w", app.Name, err)
	}
	out := map[string]any{}
	if err := utiljson.Unmarshal(raw, &out); err != nil {
		return nil, fmt.Errorf("decode application %s: %w", app.Name, err)
	}
	return out, nil
}
