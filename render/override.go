package render

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"

	jsonpatch "github.com/evanphx/json-patch/v5"
	kjson "sigs.k8s.io/json"
	"sigs.k8s.io/yaml"

	"github.com/tidelock-io/tidelock/agent/api"
)

// override returns the source with .argocd-source.yaml and
// .argocd-source-<application>.yaml of its directory merged over it, in that
// order. As in Argo CD they set parameters of renderers and nothing else.
func (p *pass) override(source api.Source) (api.Source, error) {
	for _, file := range []string{".argocd-source.yaml", ".argocd-source-" + p.req.Application + ".yaml"} {
		name := path.Join(source.Path, file)
		text, err := p.view.ReadFile(name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return source, err
		}
		if source, err = p.merge(source, name, text); err != nil {
			return source, err
		}
	}
	return source, nil
}

func (p *pass) merge(source api.Source, name string, text []byte) (api.Source, error) {
	patch, err := yaml.YAMLToJSON(text)
	if err != nil || bytes.TrimSpace(patch)[0] != '{' && string(patch) != "null" {
		return source, &Error{Where: name, Err: errors.New("malformed YAML: it must be a map with one of helm, kustomize, directory and plugin")}
	}
	if string(patch) == "null" {
		return source, nil
	}
	before, err := json.Marshal(source)
	if err != nil {
		return source, err
	}
	after, err := jsonpatch.MergePatch(before, patch)
	if err != nil {
		return source, &Error{Where: name, Err: fmt.Errorf("merge over the source: %w", err)}
	}
	var merged api.Source
	unknown, err := kjson.UnmarshalStrict(after, &merged)
	if err == nil {
		err = errors.Join(unknown...)
	}
	if err != nil {
		return source, &Error{Where: name, Err: fmt.Errorf("not a source's parameters: %w", err)}
	}
	source.Helm, source.Kustomize, source.Directory, source.Plugin = merged.Helm, merged.Kustomize, merged.Directory, merged.Plugin
	return source, nil
}
