package reconcile

import (
	"context"
	"fmt"
	"strings"

	"github.com/tidelock-io/tidelock/agent/api"
)

// swept holds the deletion of objects whose Application goes because its namespace, or
// the definition of Applications, does: nobody has asked for the objects to go, and all
// Applications there are in the same case (DESIGN.md D10).
func (p *pass) swept(ctx context.Context) (bool, error) {
	since := p.app.DeletionTimestamp.Time
	if p.r.Sweeping == nil || !p.approval().Before(since) {
		return false, nil
	}
	what, err := p.r.Sweeping(ctx, p.app.Namespace)
	if err != nil {
		return true, fmt.Errorf("find out why the Application is being deleted: %w", err)
	}
	if what == "" {
		return false, nil
	}
	p.remain()
	p.report.add(ConditionDeletionWarning, fmt.Sprintf(
		"nothing is deleted, for %s is being deleted, and all Applications in it with it: to have the objects deleted, too, set annotation %s to a time not before %s; to have them stay, remove the finalizers %s",
		what, api.AnnotationDeletionApproved, since.UTC().Format(timeLayout), strings.Join(p.app.Finalizers, ", ")))
	return true, nil
}
