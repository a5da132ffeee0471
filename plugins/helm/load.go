package helm

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"helm.sh/helm/v4/pkg/chart/common"
	"helm.sh/helm/v4/pkg/chart/loader/archive"
	chart "helm.sh/helm/v4/pkg/chart/v2"
	"helm.sh/helm/v4/pkg/chart/v2/loader"
	"helm.sh/helm/v4/pkg/ignore"

	"github.com/tidelock-io/tidelock/plugins/sdk"
)

const (
	chartFile  = "Chart.yaml"
	valuesFile = "values.yaml"
	schemaFile = "values.schema.json"
	ignoreFile = ignore.HelmIgnore
)

// Limits on the charts of one render, those in archives unpacked.
const (
	maxFiles = 20_000
	maxBytes = 64 << 20
	maxDepth = 20 // of charts in charts, and of directories in a chart
)

// loading reads charts through the host, and remembers where each of their
// files lies, for messages.
type loading struct {
	r      *rendering
	places map[*common.File]string
	dirs   map[*common.File]string // of charts, by their first file: helm copies charts, not files
	files  int
	bytes  int
}

func newLoading(r *rendering) *loading {
	return &loading{r: r, places: map[*common.File]string{}, dirs: map[*common.File]string{}}
}

// dir is where a chart lies.
func (l *loading) dir(c *chart.Chart) string { return l.dirs[c.Raw[0]] }

// A file of a chart: its name in the chart, and in the tree.
type file struct {
	name, place string
	data        []byte
}

var byteOrderMark = []byte("\xEF\xBB\xBF")

// load reads the chart of a directory with all that it depends on.
func (l *loading) load(dir string) (*chart.Chart, error) {
	c, err := l.directory(dir)
	if err != nil {
		return nil, err
	}
	return c, l.complete(c)
}

// directory reads the chart of a directory as it is.
func (l *loading) directory(dir string) (*chart.Chart, error) {
	files, err := l.read(dir)
	if err != nil {
		return nil, err
	}
	return l.chart(files, dir, 0)
}

// read returns the files of a directory that .helmignore leaves.
func (l *loading) read(dir string) ([]file, error) {
	rules, err := l.ignored(dir)
	if err != nil {
		return nil, err
	}
	names, err := l.list(nil, dir, "", rules, 0)
	if err != nil {
		return nil, err
	}
	files := make([]file, len(names))
	for i, name := range names {
		files[i] = file{name: name, place: path.Join(dir, name)}
	}
	for batch := range slices.Chunk(files, 256) {
		var places []string
		for _, f := range batch {
			places = append(places, f.place)
		}
		sdk.Prefetch(l.r.req.Tree, places...)
	}
	for i := range files {
		data, err := l.r.req.Tree.ReadFile(files[i].place)
		if err != nil {
			return nil, err
		}
		files[i].data = bytes.TrimPrefix(data, byteOrderMark)
		if err := l.count(len(data)); err != nil {
			return nil, fmt.Errorf("%s: %w", dir, err)
		}
	}
	return files, nil
}

// count refuses what is too much.
func (l *loading) count(size int) error {
	l.files++
	l.bytes += size
	switch {
	case l.files > maxFiles:
		return fmt.Errorf("the chart and its dependencies have more than %d files; list in .helmignore what is no part of it", maxFiles)
	case l.bytes > maxBytes:
		return fmt.Errorf("the chart and its dependencies are larger than %d MiB; list in .helmignore what is no part of it", maxBytes>>20)
	}
	return nil
}

func (l *loading) ignored(dir string) (*ignore.Rules, error) {
	rules := ignore.Empty()
	name := path.Join(dir, ignoreFile)
	text, err := l.r.req.Tree.ReadFile(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return nil, err
	default:
		if rules, err = ignore.Parse(bytes.NewReader(text)); err != nil {
			return nil, fmt.Errorf("%s: %w; a star stands for a part of a name, and a name without a slash is looked for in all directories", name, err)
		}
	}
	rules.AddDefaults()
	return rules, nil
}

// list appends the names of the files below a directory of a chart.
func (l *loading) list(names []string, root, dir string, rules *ignore.Rules, depth int) ([]string, error) {
	if err := l.r.ctx.Err(); err != nil {
		return nil, err
	}
	at := path.Join(root, dir)
	if depth > maxDepth {
		return nil, fmt.Errorf("%s: directories are more than %d deep, or a link leads round in a circle", at, maxDepth)
	}
	entries, err := l.r.req.Tree.ReadDir(at)
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		name := path.Join(dir, e.Name())
		info, err := l.info(path.Join(root, name), e)
		if err != nil {
			return nil, err
		}
		switch {
		case rules.Ignore(name, info):
		case info.IsDir():
			if names, err = l.list(names, root, name, rules, depth+1); err != nil {
				return nil, err
			}
		default:
			names = append(names, name)
		}
		if len(names) > maxFiles {
			return nil, fmt.Errorf("%s: has more than %d files; list in .helmignore what is no part of the chart", root, maxFiles)
		}
	}
	return names, nil
}

// info describes what an entry is, or leads to.
func (l *loading) info(name string, e fs.DirEntry) (fs.FileInfo, error) {
	if e.Type()&fs.ModeSymlink != 0 {
		return l.r.req.Tree.Stat(name)
	}
	return e.Info()
}

// chart makes a chart of its files. At is where they lie.
func (l *loading) chart(files []file, at string, depth int) (*chart.Chart, error) {
	if depth > maxDepth {
		return nil, fmt.Errorf("%s: charts are more than %d deep in each other", at, maxDepth)
	}
	var own []*archive.BufferedFile
	places := map[string]string{}
	inside := map[string][]file{} // of charts/, by the name of the chart's file or directory
	for _, f := range files {
		below, ok := strings.CutPrefix(f.name, "charts/")
		if ok && path.Ext(f.name) != ".prov" {
			name, _, _ := strings.Cut(below, "/")
			inside[name] = append(inside[name], f)
			continue
		}
		own = append(own, &archive.BufferedFile{Name: f.name, Data: f.data})
		places[f.name] = f.place
	}
	c, err := loader.LoadFiles(own)
	if err != nil {
		return nil, explainLoad(own, places, at, err)
	}
	l.dirs[c.Raw[0]] = at
	for _, f := range slices.Concat(c.Templates, c.Files) {
		l.places[f] = places[f.Name]
	}
	return c, l.inside(c, inside, at, depth)
}

// inside adds the charts of charts/ in the order of their names.
func (l *loading) inside(c *chart.Chart, charts map[string][]file, at string, depth int) error {
	for _, name := range sortedKeys(charts) {
		if strings.HasPrefix(name, "_") || strings.HasPrefix(name, ".") {
			continue
		}
		sub, err := l.sub(charts[name], path.Join(at, "charts", name), "charts/"+name, depth+1)
		if err != nil {
			return err
		}
		c.AddDependency(sub)
	}
	return nil
}

// sub makes a chart of a directory or an archive in charts/.
func (l *loading) sub(files []file, at, name string, depth int) (*chart.Chart, error) {
	if len(files) == 1 && files[0].name == name {
		if path.Ext(name) != ".tgz" {
			return nil, fmt.Errorf("%s: is no chart; charts/ is for charts only: move the file away, or list it in .helmignore", at)
		}
		unpacked, err := l.unpack(files[0])
		if err != nil {
			return nil, err
		}
		return l.chart(unpacked, at, depth)
	}
	for i := range files {
		files[i].name = strings.TrimPrefix(files[i].name, name+"/")
	}
	return l.chart(files, at, depth)
}
