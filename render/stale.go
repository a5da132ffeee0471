package render

import (
	"context"
	"slices"

	"github.com/tidelock-io/tidelock/agent/git"
	"github.com/tidelock-io/tidelock/plugins/sdk"
)

// A Stale is an input of a render that reads otherwise elsewhere.
type Stale struct {
	// Source counts the Application's sources from 1; 0 is the only one.
	Source int `json:"source,omitempty"`
	// Mount is the other source that was read, if the input is not of this one.
	Mount *sdk.Source `json:"mount,omitempty"`
	git.Difference
}

// String says what became of the input.
func (s Stale) String() string {
	if s.Mount == nil {
		return s.Difference.String()
	}
	return s.Mount.String() + "//" + s.Difference.String()
}

// Stale renders a request, and returns what it read that reads otherwise for
// another one: of each path the most telling read. A render that fails has read
// things, too; why it does is the second result.
func (e *Engine) Stale(ctx context.Context, req, there Request) (stale []Stale, failed, err error) {
	if req.Source.IsRefOnly() {
		return nil, nil, nil
	}
	out, _, err := e.render(ctx, &req)
	if err != nil {
		return nil, nil, err
	}
	if out.err != nil {
		_, failed = out.answer(&req, false)
	}
	add := func(mount *sdk.Source, list []git.Difference) {
		for _, d := range telling(list) {
			stale = append(stale, Stale{req.SourceIndex, mount, d})
		}
	}
	add(nil, out.result.Inputs.Differences(there.Tree))
	for _, m := range out.result.Mounts {
		now, err := there.open(ctx, m.Source)
		if err != nil {
			return nil, failed, err
		}
		add(&m.Source, m.Inputs.Differences(now.Tree))
	}
	return stale, failed, nil
}

// telling keeps one difference of each path: that a file reads otherwise says
// more than that it has another size.
func telling(list []git.Difference) []git.Difference {
	rank := func(d git.Difference) int {
		return slices.Index([]git.Op{git.OpRead, git.OpList, git.OpLookup, git.OpStat}, d.Was.Op)
	}
	var kept []git.Difference
	for _, d := range list { // sorted by path
		last := len(kept) - 1
		switch {
		case last < 0 || kept[last].Was.Path != d.Was.Path:
			kept = append(kept, d)
		case rank(d) < rank(kept[last]):
			kept[last] = d
		}
	}
	return kept
}
