package helm

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/Masterminds/semver/v3"
	chart "helm.sh/helm/v4/pkg/chart/v2"
	chartutil "helm.sh/helm/v4/pkg/chart/v2/util"

	"github.com/tidelock-io/tidelock/plugins/sdk"
)

// complete adds the dependencies of a chart that are not in its charts/.
func (l *loading) complete(c *chart.Chart) error {
	var missing []*chart.Dependency
	for _, d := range c.Metadata.Dependencies {
		if vendored(c, d.Name) == nil {
			missing = append(missing, d)
		}
	}
	for _, d := range missing {
		if err := l.fetch(c, d); err != nil {
			return fmt.Errorf("%s: dependency %s: %w", l.dependencyFile(c), d.Name, err)
		}
	}
	for _, sub := range c.Dependencies() {
		l.noteIncomplete(sub)
	}
	l.noteUnfit(c)
	return nil
}

func vendored(c *chart.Chart, name string) *chart.Chart {
	for _, sub := range c.Dependencies() {
		if sub.Name() == name {
			return sub
		}
	}
	return nil
}

// dependencyFile is where a chart states its dependencies.
func (l *loading) dependencyFile(c *chart.Chart) string {
	for _, f := range c.Files {
		if f.Name == "requirements.yaml" {
			return path.Join(l.dir(c), f.Name)
		}
	}
	return path.Join(l.dir(c), chartFile)
}

// fetch adds one dependency, from the repository that it names.
func (l *loading) fetch(c *chart.Chart, d *chart.Dependency) error {
	if slices.ContainsFunc(c.Dependencies(), func(sub *chart.Chart) bool {
		return sub.Name() == d.Name && chartutil.IsCompatibleRange(d.Version, sub.Metadata.Version)
	}) {
		return nil // for another alias, just now
	}
	dir, err := l.find(c, d)
	if err != nil {
		return err
	}
	sub, err := l.directory(dir)
	switch {
	case err != nil:
		return err
	case sub.Name() != d.Name:
		return fmt.Errorf("the chart in %s is called %s", dir, sub.Name())
	case !chartutil.IsCompatibleRange(d.Version, sub.Metadata.Version):
		return fmt.Errorf("version %s is wanted, the chart in %s is %s", d.Version, dir, sub.Metadata.Version)
	}
	c.AddDependency(sub)
	return nil
}

// find returns the directory of the tree that a dependency lies in.
func (l *loading) find(c *chart.Chart, d *chart.Dependency) (string, error) {
	if local, ok := strings.CutPrefix(d.Repository, "file://"); ok {
		return l.local(c, local)
	}
	if d.Repository == "" {
		return "", fmt.Errorf("it is not in charts/ and has no repository; commit it to charts/, or name its repository")
	}
	source := sdk.Source{URL: d.Repository, Chart: d.Name, Revision: l.locked(c, d)}
	if strings.HasPrefix(d.Repository, "oci://") {
		source.URL, source.Chart = strings.TrimSuffix(d.Repository, "/")+"/"+d.Name, ""
	}
	mounted, err := l.r.req.Host.Mount(l.r.ctx, source)
	switch {
	case err != nil && isAlias(d.Repository):
		return "", fmt.Errorf("it is not in charts/, and %s is no address, but the name of a repository (write the address, or commit the chart to charts/): %w", d.Repository, err)
	case err != nil:
		return "", fmt.Errorf("it is not in charts/: %w", err)
	}
	return mounted.Path, nil
}

// isAlias tells the name of a repository from its address.
func isAlias(repository string) bool {
	return strings.HasPrefix(repository, "@") || strings.HasPrefix(repository, "alias:")
}

// local finds a chart beside the one that depends on it.
func (l *loading) local(c *chart.Chart, name string) (string, error) {
	base := l.dir(c)
	dir := path.Join("/", base, name)[1:]
	if path.IsAbs(name) || leaves(base, name) {
		return "", fmt.Errorf("file://%s is outside of the repository; copy the chart into it", name)
	}
	if dir == "" {
		dir = "."
	}
	info, err := l.r.req.Tree.Stat(dir)
	if err != nil {
		return "", err
	}
	if !info.IsDir() {
		return "", fmt.Errorf("%s: is not a directory", dir)
	}
	return dir, nil
}

// leaves says whether a path that starts in a directory leads out of the tree.
func leaves(dir, name string) bool {
	full := path.Join(dir, name)
	return full == ".." || strings.HasPrefix(full, "../")
}

// locked is the version of a dependency that Chart.lock names, if the entry is
// for it as Chart.yaml has it now; else what Chart.yaml wants.
func (l *loading) locked(c *chart.Chart, d *chart.Dependency) string {
	if c.Lock == nil {
		return d.Version
	}
	for _, entry := range c.Lock.Dependencies {
		if entry == nil || entry.Name != d.Name || !sameRepository(entry.Repository, d.Repository) {
			continue
		}
		if chartutil.IsCompatibleRange(d.Version, entry.Version) {
			return entry.Version
		}
	}
	l.r.warn("%s: Chart.lock does not fit the dependency %s %s, so its newest version that does is used; run helm dependency update", l.dependencyFile(c), d.Name, d.Version)
	return d.Version
}

// sameRepository: Chart.lock has the address that stands behind an alias.
func sameRepository(locked, stated string) bool {
	return isAlias(stated) || strings.TrimSuffix(locked, "/") == strings.TrimSuffix(stated, "/")
}

// noteIncomplete warns of dependencies of a dependency that are not there.
func (l *loading) noteIncomplete(c *chart.Chart) {
	for _, d := range c.Metadata.Dependencies {
		if vendored(c, d.Name) == nil {
			l.r.warn("%s: its dependency %s is not in its charts/ and is left out, as helm does; run helm dependency update there, or depend on it in the chart itself",
				l.dependencyFile(c), d.Name)
		}
	}
	for _, sub := range c.Dependencies() {
		l.noteIncomplete(sub)
	}
}

// noteUnfit warns of charts that are there in a version that is not wanted: helm
// renders them all the same, and their conditions count for nothing.
func (l *loading) noteUnfit(c *chart.Chart) {
	for _, d := range c.Metadata.Dependencies {
		sub := vendored(c, d.Name)
		fits := func(sub *chart.Chart) bool {
			return sub.Name() == d.Name && chartutil.IsCompatibleRange(d.Version, sub.Metadata.Version)
		}
		if sub == nil || slices.ContainsFunc(c.Dependencies(), fits) {
			continue
		}
		why := "is not"
		if _, err := semver.NewConstraint(d.Version); err != nil {
			why = "cannot be"
		}
		l.r.warn("%s: dependency %s: version %s is wanted, %s %s; it is rendered, but its condition, tags and alias count for nothing, as with helm; run helm dependency update",
			l.dependencyFile(c), d.Name, d.Version, l.dir(sub), why+" that: it is "+sub.Metadata.Version)
	}
}
