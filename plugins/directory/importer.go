package directory

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/google/go-jsonnet"

	"github.com/tidelock-io/tidelock/plugins/sdk"
)

// An importer reads what Jsonnet imports from the tree: beside the importing
// file, then in the libraries from the last to the first, as Jsonnet's own does.
// Each place that was looked at in vain is one of the render's inputs.
type importer struct {
	tree  sdk.Tree
	paths []string
	read  map[string]jsonnet.Contents // Jsonnet wants the same contents each time
	by    map[string]string           // who imported a file first
}

var _ jsonnet.Importer = (*importer)(nil)

func newImporter(tree sdk.Tree, paths []string) *importer {
	return &importer{tree: tree, paths: paths, read: map[string]jsonnet.Contents{}, by: map[string]string{}}
}

// Import is that of jsonnet.Importer. Variables import from nowhere.
func (m *importer) Import(from, name string) (jsonnet.Contents, string, error) {
	if path.IsAbs(name) {
		return jsonnet.Contents{}, "", fmt.Errorf("import %q: a path from the root of a disk: give it relative to the file, or to one of jsonnet.libs", name)
	}
	outside := false
	for _, dir := range m.places(from) {
		candidate := path.Join(dir, name)
		if !fs.ValidPath(candidate) {
			outside = true
			continue
		}
		contents, at, err := m.open(candidate)
		if !errors.Is(err, fs.ErrNotExist) {
			m.note(at, from)
			return contents, at, err
		}
	}
	if outside {
		return jsonnet.Contents{}, "", fmt.Errorf("import %q: it leaves the repository", name)
	}
	return jsonnet.Contents{}, "", fmt.Errorf("import %q: no such file in %s: correct the path, or add its directory to jsonnet.libs",
		name, strings.Join(m.places(from), ", "))
}

// places are the directories to look in, each once.
func (m *importer) places(from string) []string {
	var dirs []string
	if from != "" {
		dirs = append(dirs, path.Dir(from))
	}
	for _, dir := range slices.Backward(m.paths) {
		if !slices.Contains(dirs, dir) {
			dirs = append(dirs, dir)
		}
	}
	return dirs
}

func (m *importer) note(name, by string) {
	if _, known := m.by[name]; !known && by != "" {
		m.by[name] = by
	}
}

// chain returns who imported name, and who imported that, up to the file that
// is rendered.
func (m *importer) chain(name, rendered string) (files []string) {
	for name != rendered && len(files) < maxPlaces {
		by, known := m.by[name]
		if !known || slices.Contains(files, by) {
			return files
		}
		files = append(files, by)
		name = by
	}
	return files
}

func (m *importer) open(name string) (jsonnet.Contents, string, error) {
	if contents, ok := m.read[name]; ok {
		return contents, name, nil
	}
	data, err := m.tree.ReadFile(name)
	if err != nil {
		return jsonnet.Contents{}, "", err
	}
	m.read[name] = jsonnet.MakeContentsRaw(data)
	return m.read[name], name, nil
}
