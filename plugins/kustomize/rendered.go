package kustomize

import (
	"bytes"
	"encoding/json"
	"fmt"
	"path"

	"sigs.k8s.io/kustomize/api/konfig"
	"sigs.k8s.io/kustomize/kyaml/kio"
	kyaml "sigs.k8s.io/kustomize/kyaml/yaml"

	"github.com/tidelock-io/tidelock/plugins/sdk"
)

// rendered says what to do with the objects of another renderer.
type rendered struct {
	skipHooks bool // leave out Helm's hooks
	helm      bool // mark them as helmCharts does: no namespace is put on them
}

// take makes resources of what another renderer gave, and notes where they were
// written.
func (f *files) take(result *sdk.RenderResult, how rendered) ([]byte, error) {
	for _, text := range result.Warnings {
		f.warn("%s", text)
	}
	var all bytes.Buffer
	for _, d := range result.Documents {
		nodes, err := (&kio.ByteReader{Reader: bytes.NewReader(d.Data), OmitReaderAnnotations: true}).Read()
		if err != nil {
			return nil, fmt.Errorf("%s:%d: %w", d.File, d.Line, redact(err))
		}
		for _, node := range nodes {
			if how.skipHooks && node.GetAnnotations("helm.sh/hook")["helm.sh/hook"] != "" {
				continue
			}
			f.origins.add(source{node.GetKind(), node.GetName(), d.File, d.Line})
			if err := f.append(&all, node, how); err != nil {
				return nil, fmt.Errorf("%s:%d: %w", d.File, d.Line, redact(err))
			}
		}
	}
	return all.Bytes(), nil
}

func (f *files) append(all *bytes.Buffer, node *kyaml.RNode, how rendered) error {
	if how.helm {
		if err := node.PipeE(kyaml.SetAnnotation(konfig.HelmGeneratedAnnotation, "true")); err != nil {
			return err
		}
	}
	text, err := node.String()
	all.WriteString("---\n" + text)
	return err
}

// A postRender is what renders the directory before kustomize customises it
// (tidelock.io/post-render).
type postRender struct {
	Plugin  string          `json:"plugin"`
	Options json.RawMessage `json:"options"`
	// Alone leaves a kustomization of the directory aside.
	Alone bool `json:"alone"`
}

// renderedFile is what the first renderer gave, as a resource of the
// kustomization.
const renderedFile = ".tidelock-rendered.yaml"

// renderFirst has the first renderer of a chain do its work.
func (f *files) renderFirst() error {
	first := f.options.PostRender
	if first == nil {
		return nil
	}
	result, err := f.host.Render(f.ctx, sdk.NestedRequest{Plugin: first.Plugin, Path: f.request.Path, Options: first.Options})
	if err != nil {
		return err
	}
	text, err := f.take(result, rendered{})
	if err != nil {
		return fmt.Errorf("what %s rendered: %w", first.Plugin, err)
	}
	f.made[path.Join(f.root, renderedFile)] = append([]byte("# rendered by "+first.Plugin+"\n"), text...)
	if !first.Alone && f.hasKustomization(f.root) {
		return nil
	}
	f.rooms[f.root] = true
	f.made[path.Join(f.root, "kustomization.yaml")] = []byte("resources: []\nkind: Kustomization\n")
	return nil
}

// hasKustomization says whether a directory of the tree has one.
func (f *files) hasKustomization(dir string) bool {
	for _, file := range konfig.RecognizedKustomizationFileNames() {
		if f.Exists(rooted(path.Join(dir, file))) {
			return true
		}
	}
	return false
}
