package render

import (
	"encoding/json"

	"github.com/tidelock-io/tidelock/agent/api"
)

// A chained block is what Kustomize is told of a source that Helm renders first.
type chained struct {
	*api.KustomizeSource
	PostRender postRender `json:"postRender"`
}

// postRender is who renders first, and with what block. Alone says that there is
// no kustomization beside it: a chart of a repository is not the place for one.
type postRender struct {
	Plugin  string          `json:"plugin"`
	Options json.RawMessage `json:"options,omitempty"`
	Alone   bool            `json:"alone,omitempty"`
}

// chain has Kustomize build what Helm renders of the same source
// (tidelock.io/post-render). Kustomize asks for that itself, so what it is asked
// for is all that is needed.
func chain(source *api.Source, helm json.RawMessage) (plugin string, options json.RawMessage, err error) {
	options, err = json.Marshal(chained{source.Kustomize, postRender{"helm", helm, source.IsChart()}})
	return "kustomize", options, err
}

// first says whether Helm is the first of a chain: a source with a block for
// Kustomize is a chart, too.
func (p *pass) first(source *api.Source) (bool, error) {
	if source.Directory != nil || source.Plugin != nil {
		return false, nil
	}
	if source.Helm != nil || source.IsChart() {
		return true, nil
	}
	return p.has(source, "Chart.yaml")
}
