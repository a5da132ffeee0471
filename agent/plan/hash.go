package plan

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"

	"github.com/tidelock-io/tidelock/agent/diff"
	"github.com/tidelock-io/tidelock/agent/rollout"
	"github.com/tidelock-io/tidelock/render/manifest"
)

// Hash names what a person approves of: the whole plan, if the policy has it that
// somebody has to (see Policy.Whole), else its deletions, be they held or not. It
// is the same in another process.
func (p Plan) Hash() string { return p.hash }

// hashOf names a plan that nothing is held of yet.
func (policy Policy) hashOf(p Plan) string {
	if policy.Whole {
		return hashOfAll(policy.Subject, p)
	}
	return hashOfDeletions(p.Prunes())
}

// hashOfDeletions is the same for the same deletions, also in other waves. It is
// short, for it guards against mistakes, not against those who wish to deceive.
func hashOfDeletions(keys []manifest.Key) string {
	sum := sha256.New()
	for _, key := range slices.SortedFunc(slices.Values(keys), manifest.Key.Compare) {
		fmt.Fprintln(sum, key)
	}
	return hex.EncodeToString(sum.Sum(nil)[:6])
}

// hashOfAll is long enough that nobody who may write manifests can make two plans
// of one hash, to have one approved and the other carried out.
func hashOfAll(subject string, p Plan) string {
	sum := sha256.New()
	fmt.Fprintf(sum, "%q\n", subject)
	for _, w := range p.Waves {
		for _, line := range w.names() {
			fmt.Fprintf(sum, "%s %d %s\n", w.Phase, w.Number, line)
		}
	}
	return hex.EncodeToString(sum.Sum(nil)[:16])
}

// names lists the steps of a wave, and what each makes of its object. Whether a
// difference comes from Git or from the cluster is left out, for after a restart
// nobody knows, and so is what is of one operation only in a hook.
func (w Wave) names() (lines []string) {
	for _, c := range w.deletions() {
		lines = append(lines, "prune "+c.Key.String())
	}
	for _, c := range w.Pending() {
		switch r := w.run(c); {
		case r != nil && r.Hook.Object != nil:
			lines = append(lines, fmt.Sprintf("run %s %s", r.Hook.Object, contentOf(r.Hook.Object)))
		case c.Verdict == diff.Create:
			lines = append(lines, fmt.Sprintf("create %s %s", c.Key, contentOf(c.Desired)))
		default:
			lines = append(lines, fmt.Sprintf("change %s %s", c.Key, contentOf(c.Desired)))
		}
	}
	slices.Sort(lines)
	return lines
}

// contentOf is equal for equal objects in any process. The values of a Secret are
// not in it: they are known by marks of one process only, and may come from
// elsewhere than Git, at any time. The names of its items are. Nor are the digests of
// such values, for which a workload restarts.
func contentOf(o *manifest.Object) string {
	sum := sha256.New()
	if rollout.Of(o) != "" {
		o = rollout.Without(o)
	}
	sum.Write(o.JSON())
	for _, name := range slices.Sorted(maps.Keys(o.Data())) {
		fmt.Fprintf(sum, "%q\n", name)
	}
	return hex.EncodeToString(sum.Sum(nil))
}
