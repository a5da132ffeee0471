package registry

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/tidelock-io/tidelock/agent/git"
	"oras.land/oras-go/v2/content"
)

// The layers that are read: the archive of a chart, by its name of now and of
// before Helm 3.7, and what Argo CD takes for manifests. Flux's are the same by
// another name.
const (
	chartLayer    = "application/vnd.cncf.helm.chart.content.v1.tar+gzip"
	oldChartLayer = "application/tar+gzip"
)

var manifestLayers = []string{
	ocispec.MediaTypeImageLayer, ocispec.MediaTypeImageLayerGzip, "application/vnd.cncf.flux.content.v1.tar+gzip",
}

// A manifest says what an artifact is made of.
type manifest struct {
	MediaType string               `json:"mediaType"`
	Layers    []ocispec.Descriptor `json:"layers"`
	Manifests []ocispec.Descriptor `json:"manifests"` // of a list
}

// pull brings the archive that a digest stands for.
func (p *packages) pull(ctx context.Context, of string) (data []byte, isChart bool, err error) {
	m, err := p.manifest(ctx, of)
	if err != nil {
		return nil, false, err
	}
	if len(m.Layers) == 0 && len(m.Manifests) == 1 {
		if m, err = p.manifest(ctx, m.Manifests[0].Digest.String()); err != nil {
			return nil, false, err
		}
	}
	layer, isChart, err := p.layer(m)
	if err != nil {
		return nil, false, err
	}
	data, err = p.blob(ctx, layer)
	return data, isChart, err
}

// manifest reads and checks the manifest of a digest.
func (p *packages) manifest(ctx context.Context, of string) (*manifest, error) {
	described, body, err := p.remote.Manifests().FetchReference(ctx, of)
	if missing(err) {
		return nil, p.place.failf(git.ErrRevision, "it may have been deleted, or tagged anew", "%.80s is not in the registry", of)
	}
	if err != nil {
		return nil, p.explain(err)
	}
	defer body.Close()
	data, err := read(ctx, body, maxMetadata)
	if err != nil {
		return nil, p.explain(err)
	}
	if got := digest.FromBytes(data); got.String() != of {
		return nil, p.place.failf(git.ErrMalformed, "somebody may be in between", "the manifest has the digest %s, and was asked for as %.80s", got, of)
	}
	m := &manifest{MediaType: described.MediaType}
	if err := json.NewDecoder(bytes.NewReader(data)).Decode(m); err != nil {
		return nil, p.place.failf(git.ErrMalformed, "", "the manifest cannot be read: %s", git.Plain(err))
	}
	return m, nil
}

// layer finds what is to be read. A chart comes with other layers, such as its
// provenance; of manifests there must be one.
func (p *packages) layer(m *manifest) (layer ocispec.Descriptor, isChart bool, err error) {
	var found []ocispec.Descriptor
	var others []string
	for _, l := range m.Layers {
		chart := l.MediaType == chartLayer || p.place.kind == ociChart && l.MediaType == oldChartLayer
		switch {
		case chart && !isChart:
			found, isChart = []ocispec.Descriptor{l}, true
		case chart, !isChart && p.place.kind == artifact && slices.Contains(manifestLayers, l.MediaType):
			found = append(found, l)
		default:
			others = append(others, l.MediaType)
		}
	}
	want := chartLayer
	if p.place.kind == artifact {
		want = ocispec.MediaTypeImageLayerGzip
	}
	switch {
	case len(found) > 1:
		return layer, false, p.place.failf(git.ErrMalformed, "push all files as one layer", "the %s has %d layers", p.place.kind, len(found))
	case len(found) == 0 && len(m.Manifests) > 0:
		return layer, false, p.place.failf(git.ErrMalformed, "name a tag of one of them", "it is a list of %d images", len(m.Manifests))
	case len(found) == 0:
		return layer, false, p.place.failf(git.ErrMalformed, "push it with a layer of the type "+want, "it is no %s: it has %s", p.place.kind, kindsOf(others))
	}
	return found[0], isChart, nil
}

func kindsOf(types []string) string {
	if len(types) == 0 {
		return "no layers"
	}
	return "layers of the types " + clean(strings.Join(types, ", "))
}

// blob brings a layer and checks its digest.
func (p *packages) blob(ctx context.Context, layer ocispec.Descriptor) ([]byte, error) {
	if layer.Size > p.limits.Archive {
		return nil, p.place.failf(git.ErrTooLarge, "", "the archive has %d bytes, more than %d", layer.Size, p.limits.Archive)
	}
	body, err := p.remote.Blobs().Fetch(ctx, layer)
	if err != nil {
		return nil, p.explain(err)
	}
	defer body.Close()
	data, err := content.ReadAll(io.LimitReader(body, p.limits.Archive), layer)
	if errors.Is(err, content.ErrMismatchedDigest) || errors.Is(err, content.ErrTrailingData) || errors.Is(err, content.ErrInvalidDescriptorSize) {
		err = fmt.Errorf("%w: the archive is not what the manifest says: %w", git.ErrMalformed, err)
	}
	return data, p.explain(err)
}
