package kustomize

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"runtime"
	"runtime/debug"
	"sync"

	"sigs.k8s.io/kustomize/api/konfig"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/api/provenance"
	"sigs.k8s.io/kustomize/api/resmap"
	"sigs.k8s.io/kustomize/api/resource"
	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/kustomize/kyaml/openapi"

	"github.com/tidelock-io/tidelock/plugins/sdk"
)

// Plugin returns the plugin, to be served.
//
// It is serial, for kustomize keeps the schema of `openapi:` in a global.
func Plugin(version string) sdk.Plugin {
	return sdk.Plugin{Name: "kustomize", Version: version, Renderer: Renderer{}, Serial: true, Setup: setup, Warm: warm}
}

// Renderer renders a directory that has a kustomization. It takes one call at a
// time.
type Renderer struct{}

// Render returns ErrNotMine if the directory has no kustomization.
func (Renderer) Render(ctx context.Context, req *sdk.RenderRequest) (*sdk.RenderResult, error) {
	options, err := parseOptions(req.Options)
	if err != nil {
		return nil, err
	}
	fsys, err := newFiles(ctx, req, options)
	if err != nil {
		return nil, err
	}
	if err := fsys.renderFirst(); err != nil {
		return nil, err
	}
	resources, err := build(fsys, "/"+req.Path)
	if err := fsys.verdict(err); err != nil {
		return nil, err
	}
	result := &sdk.RenderResult{Warnings: fsys.warnings}
	result.Documents, err = documents(resources, fsys)
	return result, err
}

func build(fsys filesys.FileSystem, dir string) (resmap.ResMap, error) {
	return krusty.MakeKustomizer(&krusty.Options{
		Reorder:          krusty.ReorderOptionUnspecified, // what the command does
		LoadRestrictions: types.LoadRestrictionsRootOnly,
		PluginConfig:     types.DisabledPluginConfig(),
	}).Run(fsys, dir)
}

// documents turns resources into documents that know their file.
func documents(resources resmap.ResMap, f *files) ([]sdk.Document, error) {
	docs := make([]sdk.Document, 0, resources.Size())
	for _, res := range resources.Resources() {
		doc := f.origins.of(res.GetKind(), res.GetName())
		if err := errors.Join(nameRelease(res), f.nameOrigins(res)); err != nil {
			return nil, redact(err)
		}
		data, err := res.MarshalJSON()
		if err != nil {
			return nil, fmt.Errorf("writing %s as JSON: %w", res.CurId(), redact(err))
		}
		doc.Data = data
		docs = append(docs, doc)
	}
	return docs, nil
}

// release is that of kustomize whose library this is.
const release = "v5.8.2"

// unnamed is what the library says for its release: the version of the program that it
// is part of, which may be another after each build, or what no label may hold.
var unnamed = sync.OnceValue(func() string { return "kustomize-" + provenance.GetProvenance().Semver() })

// nameRelease mends the label of `buildMetadata: [managedByLabel]`: a library
// does not know its release.
func nameRelease(res *resource.Resource) error {
	labels := res.GetLabels(konfig.ManagedbyLabelKey)
	if labels[konfig.ManagedbyLabelKey] != unnamed() {
		return nil
	}
	labels = res.GetLabels()
	labels[konfig.ManagedbyLabelKey] = "kustomize-" + release
	return res.SetLabels(labels)
}

// noNetwork refuses what kustomize would fetch itself, for the sandbox to do no
// more than confirm it: a file that the configuration of a transformer names by
// address. All others the host has fetched before.
type noNetwork struct{}

func (noNetwork) RoundTrip(*http.Request) (*http.Response, error) {
	return nil, errors.New("an address in the configuration of a transformer is not fetched: copy the file into the repository")
}

// setup silences what prints advice, and cuts off what would use the network.
func setup() {
	log.SetOutput(io.Discard)
	http.DefaultTransport = noNetwork{}
}

// warm parses the schema of all of Kubernetes, which a render that merges asks
// for. Who asks meanwhile waits for it: there is a lock about it.
//
// After that nothing runs beside a render but what carries its questions: on one
// thread these need not wake each other, which is a tenth of the time. The schema
// stays, so that what a render leaves may grow somewhat more before it is
// collected.
func warm() {
	openapi.Schema()
	runtime.GOMAXPROCS(1)
	debug.SetGCPercent(175)
}
