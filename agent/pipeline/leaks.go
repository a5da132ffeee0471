package pipeline

import (
	"errors"
	"strings"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/render"
	"github.com/tidelock-io/tidelock/render/manifest"
	"github.com/tidelock-io/tidelock/secrets/leak"
	"github.com/tidelock-io/tidelock/secrets/resolve"
)

// gate makes the leak gate of an Application: for what was decrypted for it, and
// neither what its annotation allows to be seen. Those values are taken out of
// texts from now on, too.
func (p *Pipeline) gate(app *api.Application, name string, secrets []leak.Secret) *leak.Gate {
	gate := leak.NewGate(secrets, api.AllowedLeaks(app.Annotations))
	if p.Known != nil {
		p.Known.Set(name, gate.Secrets())
	}
	return gate
}

// resolved is how to know the values again that were sealed, or a provider gave.
func resolved(result resolve.Result) (known []leak.Secret) {
	for _, r := range result.Resolved {
		secret := result.Set.Find(r.Secret)
		if secret == nil {
			continue // none is wanted
		}
		for key, value := range secret.Data() {
			if s, ok := leak.New(r.From.String(), []string{key}, value); ok {
				known = append(known, s)
			}
		}
	}
	return known
}

// leaks refuses a set that shows a secret: nothing of it is applied.
func leaks(gate *leak.Gate, set manifest.Set) error {
	found := gate.Check(set)
	if len(found) == 0 {
		return nil
	}
	return &render.Error{
		Kind: ErrLeak, Err: found,
		Hint: "let the object refer to the Secret; or if that is no secret, allow it by its key: annotation " +
			api.AnnotationAllowLeak + ": " + strings.Join(found.Keys(), ",") + " on the Application",
	}
}

// ErrLeak says that a decrypted value shows in an object that is no Secret.
var ErrLeak = errors.New("a secret would be shown")
