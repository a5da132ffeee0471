package apply

import (
	"context"
	"maps"
	"path"

	"github.com/tidelock-io/tidelock/agent/cluster"
	"github.com/tidelock-io/tidelock/agent/diff"
	"github.com/tidelock-io/tidelock/render/manifest"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	utiljson "k8s.io/apimachinery/pkg/util/json"
)

// lenient returns the object as it can be applied. With Validate=false a field
// that no schema knows is no error (SEMANTICS.md 1.6), but server-side apply knows
// no such leniency. So the server is asked, by a dry run, what it would keep of
// a new object, and only that is applied.
func (a *Applier) lenient(ctx context.Context, o *manifest.Object, options Options) (*manifest.Object, error) {
	if options.of(o, "Validate") != "false" || a.cluster.Reckons() {
		return o, nil
	}
	answer, err := a.trial(ctx, o)
	switch {
	case err != nil && cluster.Passing(err):
		return nil, rejected(o, err)
	case err != nil:
		return o, nil //nolint:nilerr // the apply itself says it better
	}
	return o.Edit(func(body map[string]any) {
		rest, _ := kept(body, answer).(map[string]any)
		clear(body)
		maps.Copy(body, rest)
	})
}

// trial creates an object of the same content and another name, without any
// effect.
func (a *Applier) trial(ctx context.Context, o *manifest.Object) (answer map[string]any, err error) {
	at, err := a.url(ctx, o.GVK(), o.Key)
	if err != nil {
		return nil, err
	}
	body, err := edited(o, func(u *unstructured.Unstructured) {
		u.SetGenerateName(u.GetName() + "-")
		u.SetName("")
	})
	if err != nil {
		return nil, err
	}
	var raw []byte
	err = a.request(ctx, func() (err error) {
		result := a.client.Post().AbsPath(path.Dir(at)).Param("fieldManager", diff.Manager).Param("dryRun", metav1.DryRunAll).
			Param("fieldValidation", metav1.FieldValidationIgnore).SetHeader("Content-Type", "application/json").Body(body).Do(ctx)
		if err := result.Error(); err != nil {
			return err
		}
		raw, err = result.Raw()
		return err
	})
	if err != nil {
		return nil, err
	}
	return answer, utiljson.Unmarshal(raw, &answer)
}

// kept is what the server has kept of a value. A list that it has made longer or
// shorter is taken as it was.
func kept(value, answer any) any {
	switch value := value.(type) {
	case map[string]any:
		theirs, _ := answer.(map[string]any)
		rest := make(map[string]any, len(value))
		for key, v := range value {
			if !dropped(v, theirs[key]) {
				rest[key] = kept(v, theirs[key])
			}
		}
		return rest
	case []any:
		theirs, _ := answer.([]any)
		if len(theirs) != len(value) {
			return value
		}
		rest := make([]any, len(value))
		for i, v := range value {
			rest[i] = kept(v, theirs[i])
		}
		return rest
	}
	return value
}

// dropped says that the server has not kept a field. Of empty ones it never says
// whether it knows them.
func dropped(value, answer any) bool {
	switch value := value.(type) {
	case nil:
		return false
	case map[string]any:
		return answer == nil && len(value) > 0
	case []any:
		return answer == nil && len(value) > 0
	}
	return answer == nil && value != "" && value != false && value != int64(0) && value != float64(0)
}
