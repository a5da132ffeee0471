package reconcile

import (
	"errors"
	"fmt"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/render/manifest"
)

// ErrHook says that an Application has a hook. This version runs none, and to
// sync as if it were not there could mean to roll out before a migration.
var ErrHook = errors.New("this version runs no hooks")

// ignoredHooks are values of helm.sh/hook that never run in a sync, and
// ordinary those that mark an ordinary object (SEMANTICS.md 2.2).
var (
	ignoredHooks  = map[string]bool{"test": true, "test-success": true, "test-failure": true, "pre-rollback": true, "post-rollback": true}
	ordinaryHooks = map[string]bool{"crd-install": true}
)

// withoutHooks drops the objects that are hooks which never run, and refuses a
// set that has others.
func withoutHooks(set manifest.Set) (manifest.Set, error) {
	kept := make(manifest.Set, 0, len(set))
	for _, o := range set {
		hooks := api.ParseList(o.Annotations[api.AnnotationHook])
		helm := api.ParseList(o.Annotations[api.AnnotationHelmHook])
		switch {
		case len(hooks) == 1 && api.HookType(hooks[0]) == api.HookSkip:
			continue
		case len(hooks) > 0:
			return nil, fmt.Errorf("%s: %s is a %s hook: %w", o.Origin, o.Key, hooks[0], ErrHook)
		case len(helm) == 0 || all(helm, ordinaryHooks):
			kept = append(kept, o)
		case !all(helm, ignoredHooks):
			return nil, fmt.Errorf("%s: %s is a Helm %s hook: %w", o.Origin, o.Key, helm[0], ErrHook)
		}
	}
	return kept, nil
}

func all(hooks []string, of map[string]bool) bool {
	for _, h := range hooks {
		if !of[h] {
			return false
		}
	}
	return true
}
