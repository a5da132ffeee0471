package apply

import (
	"context"
	"errors"
	"fmt"

	"github.com/tidelock-io/tidelock/agent/diff"
	"github.com/tidelock-io/tidelock/render/manifest"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	utiljson "k8s.io/apimachinery/pkg/util/json"
)

// reckon is a dry run that only reads, for who must not ask the server for one: see
// diff.Foretell. What the server would refuse it does not know.
func (a *Applier) reckon(ctx context.Context, o *manifest.Object) (answer map[string]any, created bool, err error) {
	var desired map[string]any
	if utiljson.Unmarshal(o.Reveal(), &desired) != nil {
		return nil, false, errors.New("decode the object") // the cause may quote a Secret
	}
	live, err := a.cluster.Get(ctx, o.GVK(), o.Key.Namespace, o.Key.Name)
	switch {
	case apierrors.IsNotFound(err):
		return desired, true, nil
	case err != nil:
		return nil, false, fmt.Errorf("read the live object: %w", err)
	}
	return diff.Foretell(live, desired), false, nil
}
