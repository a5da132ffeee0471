package reconcile

import (
	"context"
	"errors"
	"fmt"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/cluster"
	"github.com/tidelock-io/tidelock/agent/diff"
	"golang.org/x/sync/errgroup"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// A Difference is one object that is not as Git states it, field by field.
type Difference struct {
	// Change has the verdict: Update if what differs is ours, Drift if somebody else
	// has made it so. An object that is there, and is nobody's, is to be updated.
	diff.Change
	Fields []diff.Field
	// Ignored are differences that do not count. They are told of objects, too, that
	// are as they should be otherwise.
	Ignored []diff.Hidden
	// Adopted: it is there, and nobody's yet.
	Adopted bool
	// Err is why the fields are not known.
	Err error
}

// comparing bounds how many objects are compared at a time.
const comparing = 8

// Differences compares a preview's objects with the live ones, field by field: the
// server's answer to a dry run with what is there (DESIGN.md D7). What is as it
// should be, and has nothing ignored, is left out.
func (r *Reconciler) Differences(ctx context.Context, p *Preview) []Difference {
	all := make([]Difference, len(p.Changes))
	var g errgroup.Group
	g.SetLimit(comparing)
	for i, c := range p.Changes {
		g.Go(func() error {
			all[i] = r.difference(ctx, p, c)
			return nil
		})
	}
	_ = g.Wait() // each has its own error
	var found []Difference
	for _, d := range all {
		if d.OutOfSync() || len(d.Ignored) > 0 {
			found = append(found, d)
		}
	}
	return found
}

func (r *Reconciler) difference(ctx context.Context, p *Preview, c diff.Change) Difference {
	d := Difference{Change: c}
	switch c.Verdict {
	case diff.Extra, diff.Foreign, diff.Refused:
		return d
	case diff.Same:
		if c.Live.Deleting || !p.Ignore.Concerns(c.Key) {
			return d
		}
	}
	live, err := p.cluster.Get(ctx, c.Desired.GVK(), c.Key.Namespace, c.Key.Name)
	switch {
	case apierrors.IsNotFound(err), errors.Is(err, cluster.ErrKind):
		return d
	case err != nil:
		d.Err = fmt.Errorf("read %s: %w", c.Key, err)
		return d
	}
	d.Adopted = !tracked(live)
	answer, err := p.apply.DryRun(ctx, c.Desired)
	if err != nil {
		d.Err = fmt.Errorf("%s: %s: %w", c.Desired.Origin, c.Key, err)
		return d
	}
	d.Fields, d.Ignored = p.Ignore.Fields(c.Key, answer, live), p.Ignore.Hidden(c.Key, answer, live)
	switch {
	case c.Verdict == diff.Same:
		d.Fields = nil // what others have added to it
	case diff.Drifted(d.Fields):
		d.Verdict = diff.Drift
	default:
		d.Verdict = diff.Update
	}
	return d
}

// tracked says that a live object says whose it is.
func tracked(live map[string]any) bool {
	u := unstructured.Unstructured{Object: live}
	return u.GetAnnotations()[api.AnnotationTrackingID] != "" || u.GetLabels()[api.LabelApp] != ""
}
