// Package inventory finds what is encrypted in a work tree or commit: SOPS files,
// SealedSecrets and ExternalSecrets. It opens nothing.
//
// Start with [Find].
package inventory

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"strings"

	"github.com/tidelock-io/tidelock/plugins/sops/detect"
	"github.com/tidelock-io/tidelock/plugins/sops/file"
	"github.com/tidelock-io/tidelock/render/manifest"
	"github.com/tidelock-io/tidelock/secrets/walk"
)

// Kinds of items beside those of Kubernetes.
const SOPS = "SOPS"

// An Item is one thing that is encrypted, or stands for what is elsewhere.
type Item struct {
	Path string `json:"path"`
	Line int    `json:"line,omitempty"`
	Kind string `json:"kind"` // SOPS, SealedSecret, ExternalSecret, ...
	// Object is the namespace and name, or as much of them as the file states.
	Object string `json:"object,omitempty"`

	// Of a SOPS file.
	Format     string           `json:"format,omitempty"`
	Part       *file.Part       `json:"part,omitempty"`
	Recipients []file.Recipient `json:"recipients,omitempty"`
	Threshold  int              `json:"threshold,omitempty"` // key groups that must be opened

	// Of a SealedSecret: strict, namespace-wide or cluster-wide.
	Scope string `json:"scope,omitempty"`
	// Of an ExternalSecret: its stores and generators, as kind/name.
	Stores []string `json:"stores,omitempty"`
	// Items are the names of what is inside of objects.
	Items []string `json:"items,omitempty"`

	// Note says why more cannot be told, Problem what is wrong.
	Note    string `json:"note,omitempty"`
	Problem string `json:"problem,omitempty"`

	File     *file.File       `json:"-"` // of a SOPS file
	Manifest *manifest.Object `json:"-"` // of an object
}

// A Found is what a tree holds.
type Found struct {
	Items  []*Item
	Rules  map[string]*file.Rules // by their directory
	Report walk.Report
}

// A Plain file is what Find leaves: text that is not encrypted.
type Plain func(path string, data []byte, rules *file.Rules) error

// Find looks for what is encrypted below root. Plain, if it is not nil, is
// called with every other file, and the rules that are for its directory. An
// error in a .sops.yaml is an Item.
func Find(ctx context.Context, tree fs.FS, root string, o walk.Options, plain Plain) (*Found, error) {
	f := &finder{tree: tree, found: Found{Rules: map[string]*file.Rules{}}}
	report, err := walk.Files(ctx, tree, root, o, func(at string, data []byte) error { return f.file(at, data, plain) })
	f.found.Report = report
	if err != nil {
		return nil, err
	}
	return &f.found, nil
}

type finder struct {
	tree  fs.FS
	found Found
}

func (f *finder) add(items ...*Item) { f.found.Items = append(f.found.Items, items...) }

func (f *finder) file(at string, data []byte, plain Plain) error {
	rules := f.rules(path.Dir(at))
	if file.Format(at, data) != "" {
		if item := f.sops(at, data, rules); item != nil {
			f.add(item)
		}
		return nil
	}
	items := objects(at, data)
	f.add(items...)
	if plain == nil {
		return nil
	}
	return plain(at, data, rules)
}

// rules returns those of the directory, or of the next one above that has any.
func (f *finder) rules(dir string) *file.Rules {
	if rules, ok := f.found.Rules[dir]; ok {
		return rules
	}
	rules, err := LoadRules(f.tree, dir)
	if err != nil {
		f.add(&Item{Path: path.Join(dir, file.RulesFile), Kind: SOPS, Problem: err.Error()})
	}
	if rules == nil && err == nil && dir != "." {
		rules = f.rules(path.Dir(dir))
	}
	f.found.Rules[dir] = rules
	return rules
}

// LoadRules reads the .sops.yaml of a directory: nil if there is none.
func LoadRules(tree fs.FS, dir string) (*file.Rules, error) {
	text, err := fs.ReadFile(tree, path.Join(dir, file.RulesFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return file.ParseRules(dir, text)
}

// sops returns nil for a text that only quotes such a file, as documents do.
func (f *finder) sops(at string, data []byte, rules *file.Rules) *Item {
	item := &Item{Path: at, Kind: SOPS}
	in, err := file.Read(at, data, rules)
	if err != nil && detect.Format(at) == "binary" {
		return nil
	}
	if err != nil {
		item.Problem = strings.TrimPrefix(err.Error(), at+": ")
		return item
	}
	part := in.Part()
	item.File, item.Format, item.Part, item.Recipients, item.Threshold = in, in.Format, &part, in.Recipients(), in.Threshold()
	return item
}

// marks are texts without which a file holds none of our objects.
var marks = [][]byte{[]byte("SealedSecret"), []byte("external-secrets.io")}

// objects finds the SealedSecrets and ExternalSecrets of a file. A file that
// cannot be read, such as a template, is one Item that says so.
func objects(at string, data []byte) []*Item {
	if !isManifest(at) || !bytes.Contains(data, marks[0]) && !bytes.Contains(data, marks[1]) {
		return nil
	}
	set, err := manifest.Parse(data, manifest.Origin{File: at})
	if err != nil {
		return unread(at, data, err)
	}
	var items []*Item
	for _, o := range set {
		if describe := kinds[o.Key.GroupKind().String()]; describe != nil {
			item := &Item{Path: at, Line: o.Origin.Line, Kind: o.Key.Kind, Object: objectName(o), Manifest: o}
			describe(item, o)
			items = append(items, item)
		}
	}
	return items
}

func objectName(o *manifest.Object) string {
	if o.Key.Namespace == "" {
		return o.Key.Name
	}
	return o.Key.Namespace + "/" + o.Key.Name
}

// isManifest says whether a file's name is that of manifests.
func isManifest(at string) bool {
	switch path.Ext(at) {
	case ".yaml", ".yml", ".json", ".tpl":
		return true
	}
	return false
}

// kindLine finds the kinds in a text that is no YAML.
var kindLine = regexp.MustCompile(`(?m)^kind:[ \t]*["']?(SealedSecret|ExternalSecret|ClusterExternalSecret|PushSecret)["']?[ \t]*\r?$`)

func unread(at string, data []byte, err error) []*Item {
	var items []*Item
	for _, match := range kindLine.FindAllSubmatchIndex(data, -1) {
		item := &Item{Path: at, Line: 1 + bytes.Count(data[:match[0]], []byte("\n")), Kind: string(data[match[2]:match[3]])}
		if bytes.Contains(data, []byte("{{")) {
			item.Note = "it is a template: see what tidelock render makes of it"
		} else {
			item.Problem = fmt.Sprintf("it cannot be read: %v", err)
		}
		items = append(items, item)
	}
	return items
}
