package main

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// An overlayPair is where something is carried from and to.
type overlayPair struct{ from, to string }

// overlayPairs are two directories, or all of two names below paths.
func overlayPairs(from, to string, paths []string, values []valuePath) ([]overlayPair, error) {
	explicit := overlayPair{filepath.Clean(from), filepath.Clean(to)}
	if explicit.promotable(values) && len(paths) == 0 {
		return []overlayPair{explicit}, nil
	}
	if strings.ContainsAny(from+to, `/\`) {
		return nil, fmt.Errorf("promote %s to %s: give two directories with a kustomization and no PATH, or two names of environments", from, to)
	}
	if len(paths) == 0 {
		root, err := searchRoot()
		if err != nil {
			return nil, err
		}
		paths = []string{root}
	}
	var pairs []overlayPair
	for _, path := range paths {
		found, err := pairsBelow(path, from, to, values)
		if err != nil {
			return nil, err
		}
		pairs = append(pairs, found...)
	}
	if len(pairs) == 0 {
		return nil, fmt.Errorf("promote %s to %s, below %s: %w", from, to, strings.Join(paths, ", "), errNoPairs)
	}
	slices.SortFunc(pairs, func(a, b overlayPair) int { return strings.Compare(a.from, b.from) })
	return slices.Compact(pairs), nil
}

// searchRoot is the work tree that we are in, or else the directory, as from here.
func searchRoot() (string, error) {
	here, err := existing(".")
	if err != nil {
		return "", err
	}
	root, ok := worktreeOf(here)
	if !ok {
		return ".", nil
	}
	return filepath.Rel(here, root)
}

// promotable says that both are there, with a kustomization or with a file whose
// values are carried.
func (p overlayPair) promotable(values []valuePath) bool {
	for _, v := range append([]valuePath{{}}, values...) {
		if v.in(p.from) != "" && v.in(p.to) != "" {
			return true
		}
	}
	return false
}

// pairsBelow looks into all directories but hidden ones, Git's among them.
func pairsBelow(path, from, to string, values []valuePath) (list []overlayPair, err error) {
	if info, err := os.Stat(path); err != nil {
		return nil, err
	} else if !info.IsDir() {
		return nil, fmt.Errorf("%s is no directory", path)
	}
	err = filepath.WalkDir(path, func(at string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.IsDir() {
			return err
		}
		if strings.HasPrefix(entry.Name(), ".") && at != path {
			return fs.SkipDir
		}
		pair := overlayPair{at, filepath.Join(filepath.Dir(at), to)}
		if entry.Name() == from && pair.promotable(values) {
			list = append(list, pair)
		}
		return nil
	})
	return list, err
}
