package kustomize

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	yaml2 "go.yaml.in/yaml/v2"
	kyaml "sigs.k8s.io/kustomize/kyaml/yaml"
	"sigs.k8s.io/kustomize/kyaml/yaml/merge2"
	"sigs.k8s.io/yaml"
)

// values puts the values of a chart together, as kustomize does: a file or else
// the chart's own, merged with those inline, then further files over them. If it
// is the chart's file alone, that is named.
func (c *inflation) values() (text string, files []string, err error) {
	own := path.Join(c.dir, "values.yaml")
	if c.ValuesFile == "" && len(c.ValuesInline) == 0 && len(c.AdditionalValuesFiles) == 0 {
		if c.files.Exists(rooted(own)) {
			files = []string{"values.yaml"}
		}
		return "", files, nil
	}
	base, err := c.baseValues(own)
	if err != nil {
		return "", nil, err
	}
	if len(c.ValuesInline) > 0 {
		if base, err = c.inlineValues(base); err != nil {
			return "", nil, err
		}
	}
	if len(c.AdditionalValuesFiles) > 0 {
		base, err = c.furtherValues(base)
	}
	return string(base), nil, err
}

func (c *inflation) baseValues(own string) ([]byte, error) {
	if c.ValuesFile != "" {
		return c.load(c.ValuesFile)
	}
	data, err := c.files.tree.ReadFile(own)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return data, c.files.fail(err)
}

// load reads a values file: in or below the kustomization's directory, or by
// https.
func (c *inflation) load(file string) ([]byte, error) {
	if isHTTP(file) {
		r := &reference{of: c.of, field: "helmCharts", value: file, line: c.of.lineOf(file), kind: ofFile}
		remote, _ := r.remote()
		if _, err := c.files.fetch(r, remote); err != nil {
			return nil, err
		}
		data, err := c.files.tree.ReadFile(r.target)
		return data, c.files.failNow(err)
	}
	dir := path.Dir(c.of.file)
	name := path.Join(dir, file)
	resolved := c.files.resolved(name)
	switch {
	case resolved == "":
		return nil, fmt.Errorf("%s: helmCharts: values file %q is not there", c.of.place(c.of.lineOf(file)), file)
	case dir != "." && !strings.HasPrefix(resolved, dir+"/"):
		return nil, fmt.Errorf("%s: helmCharts: values file %q is not in or below the directory of the kustomization", c.of.place(c.of.lineOf(file)), file)
	}
	data, err := c.files.tree.ReadFile(name)
	return data, c.files.fail(err)
}

// inlineValues merges valuesInline with those of a file.
func (c *inflation) inlineValues(base []byte) ([]byte, error) {
	if c.ValuesMerge == "replace" {
		return yaml.Marshal(c.ValuesInline)
	}
	file, err := kyaml.Parse(string(base))
	if err != nil {
		return nil, c.errorf("chart %s: the values that valuesInline is merged with are malformed: %w", c.Name, redact(err))
	}
	inline, err := kyaml.FromMap(c.ValuesInline)
	if err != nil {
		return nil, c.errorf("chart %s: valuesInline: %w", c.Name, redact(err))
	}
	over, under := inline, file
	if c.ValuesMerge == "merge" {
		over, under = file, inline
	}
	merged, err := merge2.Merge(over, under, kyaml.MergeOptions{})
	if err != nil {
		return nil, c.errorf("chart %s: merge valuesInline: %w", c.Name, redact(err))
	}
	all, err := merged.Map()
	if err != nil {
		return nil, c.errorf("chart %s: merge valuesInline: %w", c.Name, redact(err))
	}
	return yaml.Marshal(all)
}

// furtherValues lays more files over values, as helm does with each --values.
func (c *inflation) furtherValues(base []byte) ([]byte, error) {
	all := map[any]any{}
	if err := yaml2.Unmarshal(base, &all); err != nil {
		return nil, c.errorf("chart %s: values: %w", c.Name, redact(err))
	}
	for _, file := range c.AdditionalValuesFiles {
		data, err := c.load(file)
		if err != nil {
			return nil, err
		}
		over := map[any]any{}
		if err := yaml2.Unmarshal(data, &over); err != nil {
			return nil, fmt.Errorf("%s%w", file, redact(yamlError(err)))
		}
		lay(all, over)
	}
	return yaml2.Marshal(all)
}

// lay merges mappings; anything else is replaced.
func lay(under, over map[any]any) {
	for key, value := range over {
		deep, ok := value.(map[any]any)
		below, also := under[key].(map[any]any)
		if ok && also {
			lay(below, deep)
			continue
		}
		under[key] = value
	}
}
