package apply

import (
	"context"
	"errors"
	"fmt"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/cluster"
	"github.com/tidelock-io/tidelock/agent/diff"
	"github.com/tidelock-io/tidelock/agent/plan"
	"github.com/tidelock-io/tidelock/render/manifest"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// ErrForeign says that a live object carries another application's tracking id.
var ErrForeign = errors.New("the object belongs to another application")

// Ask settles the changes that only the server can judge, each by a dry run.
// It returns all changes with their verdicts, and what failed. What the server
// refuses is no more as it should be than what it would change; if it does not
// answer the verdict stays Ask.
func (a *Applier) Ask(ctx context.Context, changes []diff.Change, options Options) ([]diff.Change, []Result) {
	settled := make([]diff.Change, len(changes))
	copy(settled, changes)
	var open []diff.Change
	index := map[manifest.Key]int{}
	for i, c := range changes {
		if c.Verdict == diff.Ask {
			open = append(open, c)
			index[c.Key] = i
		}
	}
	results := each(ctx, open, func(ctx context.Context, c diff.Change) Result {
		answer, _, err := a.dryRun(ctx, c.Desired, options)
		if err != nil {
			if errors.Is(err, ErrRejected) {
				settled[index[c.Key]].Verdict = cluster.Differs(c.Desired, c.Live)
			}
			if errors.Is(err, ErrImmutable) && options.forces(c.Desired) {
				return Result{Key: c.Key, Version: c.Desired.Version} // it will be made anew
			}
			return failure(c, err)
		}
		settled[index[c.Key]].Verdict = a.cluster.Judge(c.Desired, c.Live, answer)
		return Result{Key: c.Key, Version: c.Desired.Version}
	})
	return settled, Failed(results)
}

// Preflight dry-runs on the server what the plan would create, before anything
// is applied. What was asked about needs no second dry run; what lives in a
// namespace, or is of a kind, that the plan itself makes cannot have one.
// An object that another application tracks is refused.
func (a *Applier) Preflight(ctx context.Context, p plan.Plan, options Options) []Result {
	staged := stagedBy(p)
	if options.Namespace != "" {
		staged.namespaces[options.Namespace] = true
	}
	var todo []diff.Change
	for _, w := range p.Waves {
		for _, c := range w.Pending() {
			if c.Verdict == diff.Create && c.Live == nil && !staged.namespaces[c.Key.Namespace] {
				todo = append(todo, c)
			}
		}
	}
	return Failed(each(ctx, todo, func(ctx context.Context, c diff.Change) Result {
		result := a.preflight(ctx, c, staged.kinds[c.Key.GroupKind()], options)
		if errors.Is(result.Err, cluster.ErrKind) && options.SkipsMissing(c.Desired) {
			return Result{Key: c.Key, Version: c.Desired.Version}
		}
		return result
	}))
}

// dryRun applies an object without any effect.
func (a *Applier) dryRun(ctx context.Context, o *manifest.Object, options Options) (answer map[string]any, created bool, err error) {
	if o, err = a.lenient(ctx, o, options); err != nil {
		return nil, false, err
	}
	return a.apply(ctx, o, true)
}

// preflight checks one object. If the plan changes the definition of its kind,
// the server cannot judge the object yet, only whose it is.
func (a *Applier) preflight(ctx context.Context, c diff.Change, defined bool, options Options) Result {
	var err error
	if defined {
		err = a.adoptable(ctx, c.Desired)
	} else {
		var created bool
		if _, created, err = a.dryRun(ctx, c.Desired, options); err == nil && !created {
			err = a.adoptable(ctx, c.Desired)
		}
	}
	if err != nil {
		return failure(c, err)
	}
	return Result{Key: c.Key, Version: c.Desired.Version}
}

// adoptable refuses a live object, not seen by our watches, that carries the
// tracking id of another application.
func (a *Applier) adoptable(ctx context.Context, o *manifest.Object) error {
	object, err := a.cluster.Get(ctx, o.GVK(), o.Key.Namespace, o.Key.Name)
	if apierrors.IsNotFound(err) || errors.Is(err, cluster.ErrKind) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read the live object: %w", err)
	}
	u := &unstructured.Unstructured{Object: object}
	theirs, err := api.ParseTrackingID(u.GetAnnotations()[api.AnnotationTrackingID])
	if err != nil || !theirs.IsOf(o.Key.Group, o.Key.Kind, o.Key.Namespace, o.Key.Name) {
		_, err := adoptionOf(o, u)
		return err // nobody's, unless it has to be asked for
	}
	ours, err := api.ParseTrackingID(o.Annotations[api.AnnotationTrackingID])
	if err == nil && ours.App != theirs.App {
		return fmt.Errorf("%w: %s tracks it: remove it from one of the two", ErrForeign, theirs.App)
	}
	return nil
}

// staging is what a plan makes that others of its objects need.
type staging struct {
	namespaces map[string]bool
	kinds      map[schema.GroupKind]bool
}

func stagedBy(p plan.Plan) staging {
	s := staging{map[string]bool{}, map[schema.GroupKind]bool{}}
	for _, w := range p.Waves {
		for _, c := range w.Pending() {
			switch {
			case c.Key.Group == "" && c.Key.Kind == "Namespace" && c.Verdict == diff.Create:
				s.namespaces[c.Key.Name] = true
			case c.Key.Kind == "CustomResourceDefinition":
				s.kinds[c.Desired.Defines()] = true
			}
		}
	}
	return s
}

func failure(c diff.Change, err error) Result {
	r := Result{Key: c.Key, Code: api.ResultSyncFailed, Err: err, Message: err.Error()}
	if c.Desired != nil {
		r.Version = c.Desired.Version
		r.Err = fmt.Errorf("%s: %s: %w", c.Desired.Origin, c.Key, err)
	}
	return r
}

// DryRun returns what the server would make of an object.
func (a *Applier) DryRun(ctx context.Context, o *manifest.Object) (map[string]any, error) {
	answer, _, err := a.apply(ctx, o, true)
	return answer, err
}
