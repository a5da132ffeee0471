package appset

import (
	"context"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/tidelock-io/tidelock/agent/api"
)

// git yields the directories or the files of a repository, by their paths. Directories
// count if both are stated, as they do for Argo CD.
func (g *generation) git(ctx context.Context, r *api.GitGenerator, field string) ([]Params, error) {
	tree, err := g.from.Tree(ctx, r.RepoURL, r.Revision)
	if err != nil {
		return nil, in(field, err)
	}
	if len(r.Directories) == 0 {
		return g.files(ctx, tree, r, field)
	}
	if len(r.Files) > 0 {
		g.problem(ProblemNoEffect, field+".files", "files are not looked at beside directories", "make it a generator of its own")
	}
	dirs, err := directories(tree, r.Directories)
	if err != nil {
		return nil, in(field+".directories", err)
	}
	g.empty(len(dirs), field+".directories", "no directory matches "+included(r.Directories), misspelt(r.Directories))
	all := make([]Params, 0, len(dirs))
	for _, dir := range dirs {
		params := g.pathParams(Params{}, r.PathParamPrefix, dir, "")
		if err := g.addValues(ctx, params, r.Values, field); err != nil {
			return nil, err
		}
		all = append(all, params)
	}
	return all, nil
}

// included names the patterns that include.
func included(filters []api.GitPathFilter) string {
	var patterns []string
	for _, f := range filters {
		if !f.Exclude {
			patterns = append(patterns, f.Path)
		}
	}
	return clip(strings.Join(patterns, ", "))
}

// misspelt is a hint for patterns that match nothing at all.
func misspelt(filters []api.GitPathFilter) string {
	for _, f := range filters {
		switch {
		case f.Path != path.Clean(f.Path) || path.IsAbs(f.Path):
			return fmt.Sprintf("write %s as %s: from the root, with no slash at either end", f.Path, strings.Trim(path.Clean(f.Path), "/"))
		case strings.Contains(f.Path, "**"):
			return "two stars are as one here: they match one level"
		case strings.HasPrefix(f.Path, ".") || strings.Contains(f.Path, "/."):
			return "directories whose names begin with a dot are passed over"
		}
	}
	return ""
}

// maxWalked bounds the directories and files that are looked at for one generator.
const maxWalked = 200_000

// directories are those that a pattern includes and none excludes. Those whose names
// begin with a dot, and what is below them, are passed over (SEMANTICS.md 1.9).
// Directories that no pattern leads to are not listed, so that a recorded read depends
// on no more than it must.
func directories(tree fs.FS, filters []api.GitPathFilter) ([]string, error) {
	for _, f := range filters {
		if _, err := path.Match(f.Path, ""); err != nil {
			return nil, failf(ErrGenerator, "%q is no pattern: %w", f.Path, err)
		}
	}
	var dirs []string
	walked := 0
	err := fs.WalkDir(tree, ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case name == ".":
			return nil
		case !entry.IsDir():
			return nil
		case strings.HasPrefix(entry.Name(), "."):
			return fs.SkipDir
		}
		if walked++; walked > maxWalked {
			return failf(ErrLimit, "there are more than %d directories to look at", maxWalked)
		}
		if picked(filters, name) {
			dirs = append(dirs, name)
		}
		if !slices.ContainsFunc(filters, func(f api.GitPathFilter) bool { return !f.Exclude && leadsBelow(f.Path, name) }) {
			return fs.SkipDir
		}
		return nil
	})
	return dirs, err
}

// picked says whether a path is included, and not excluded.
func picked(filters []api.GitPathFilter, name string) bool {
	matches := func(exclude bool) bool {
		return slices.ContainsFunc(filters, func(f api.GitPathFilter) bool {
			ok, err := path.Match(f.Path, name)
			return f.Exclude == exclude && ok && err == nil
		})
	}
	return matches(false) && !matches(true)
}

// leadsBelow says whether a pattern may match something below a directory.
func leadsBelow(pattern, dir string) bool {
	if strings.ContainsAny(pattern, `[\`) {
		return true // a class may match a slash
	}
	levels, parts := strings.Split(pattern, "/"), strings.Split(dir, "/")
	if len(levels) <= len(parts) {
		return false
	}
	ok, err := path.Match(strings.Join(levels[:len(parts)], "/"), dir)
	return ok && err == nil
}

// pathParams adds what a path gives: of a file its directory's, and its name.
func (g *generation) pathParams(params Params, prefix, dir, file string) Params {
	about := map[string]any{"basename": path.Base(dir), "basenameNormalized": normalize(path.Base(dir))}
	if file != "" {
		about["filename"], about["filenameNormalized"] = file, normalize(file)
	}
	segments := strings.Split(dir, "/")
	if g.spec.GoTemplate {
		about["path"], about["segments"] = dir, segments
		if prefix != "" {
			params[prefix] = map[string]any{"path": about}
		} else {
			params["path"] = about
		}
		return params
	}
	name := join(prefix, "path")
	params[name] = dir
	for key, value := range about {
		params[name+"."+key] = value
	}
	for i, segment := range segments {
		if segment != "" {
			params[name+"["+strconv.Itoa(i)+"]"] = segment
		}
	}
	return params
}
