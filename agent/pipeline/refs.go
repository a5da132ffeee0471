package pipeline

import "github.com/tidelock-io/tidelock/render"

// refer lets the sources of one Application read those that have a ref.
func refer(requests []render.Request) {
	refs := map[string]render.Remote{}
	for _, req := range requests {
		if ref := req.Source.Ref; ref != "" && !req.Source.IsChart() { // a chart serves nobody
			refs[ref] = render.Remote{Tree: req.Tree, Revision: req.Revision, Label: "$" + ref}
		}
	}
	if len(refs) == 0 {
		return
	}
	for i := range requests {
		requests[i].Refs = refs
	}
}
