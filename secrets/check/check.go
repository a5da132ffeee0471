// Package check tells of what is encrypted in Git whether a cluster can open it,
// and whether it is encrypted for whom and as its rules say.
//
// Start with [Tree]. It needs the public halves of the cluster's keys only; what
// they cannot tell is told by what opens, if it is given.
package check

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/tidelock-io/tidelock/plugins/sops/file"
	"github.com/tidelock-io/tidelock/render/manifest"
	"github.com/tidelock-io/tidelock/secrets/inventory"
	"github.com/tidelock-io/tidelock/secrets/recipients"
	"github.com/tidelock-io/tidelock/secrets/walk"
)

// Kinds of findings.
const (
	NoKey           = "no-key"           // no key opens it
	OtherRecipients = "other-recipients" // than its creation rule says
	OtherPart       = "other-part"       // is encrypted than its creation rule says
	NotEncrypted    = "not-encrypted"    // and a creation rule is for it
	Damaged         = "damaged"          // it was changed after it was encrypted
	Malformed       = "malformed"
	Scope           = "scope" // a SealedSecret is deployed elsewhere than it is sealed for
)

// A Finding is something wrong with one thing.
type Finding struct {
	Kind    string `json:"kind"`
	Path    string `json:"path"`
	Line    int    `json:"line,omitempty"`
	Object  string `json:"object,omitempty"`
	Message string `json:"message"`
}

func (f Finding) compare(g Finding) int {
	return cmp.Or(strings.Compare(f.Path, g.Path), cmp.Compare(f.Line, g.Line), strings.Compare(f.Kind, g.Kind), strings.Compare(f.Message, g.Message))
}

// Keys are those of the cluster.
type Keys struct {
	// Unknown says that nothing is known of them: only what needs none is checked.
	Unknown bool
	Held    []recipients.Recipient
	// Ambient says that services may take another log-in than a key that is held.
	Ambient bool
	// Open decrypts a file, and says only whether that went well: nil to compare
	// public halves.
	Open func(ctx context.Context, path, format string, data []byte) error
	// OpenSealed does it with a SealedSecret.
	OpenSealed func(ctx context.Context, o *manifest.Object) error
}

// A Result is what was looked at, and what is wrong.
type Result struct {
	Findings []Finding `json:"findings"`
	// Checked counts what is encrypted, Unsure what only its service can tell.
	Checked int            `json:"checked"`
	Unsure  []string       `json:"unsure,omitempty"`
	Skipped []walk.Skipped `json:"skipped,omitempty"`

	Items []*inventory.Item `json:"-"`
}

func (r *Result) add(f Finding) { r.Findings = append(r.Findings, f) }

// Sort orders the findings by what they are of.
func (r *Result) Sort() {
	slices.SortFunc(r.Findings, Finding.compare)
	r.Findings = slices.Compact(r.Findings)
}

// Tree checks what is below root.
func Tree(ctx context.Context, tree fs.FS, root string, o walk.Options, keys Keys) (*Result, error) {
	c := &checker{keys: keys, result: &Result{Findings: []Finding{}}, clear: map[string]bool{}}
	found, err := inventory.Find(ctx, tree, root, o, c.plain)
	if err != nil {
		return nil, err
	}
	for _, item := range found.Items {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		c.item(ctx, tree, found, item)
	}
	c.result.Items, c.result.Skipped = found.Items, found.Report.Skipped
	c.result.Sort()
	return c.result, nil
}

type checker struct {
	keys   Keys
	result *Result
	clear  map[string]bool // files that are not encrypted
}

func (c *checker) add(kind string, item *inventory.Item, message string) {
	c.result.add(Finding{Kind: kind, Path: item.Path, Line: item.Line, Object: item.Object, Message: message})
}

func (c *checker) item(ctx context.Context, tree fs.FS, found *inventory.Found, item *inventory.Item) {
	c.result.Checked++
	if item.Problem != "" {
		c.add(Malformed, item, item.Problem)
		return
	}
	switch {
	case item.File != nil:
		c.opens(ctx, tree, item)
		c.ruled(item, found.Rules[path.Dir(item.Path)])
		c.hollow(tree, item)
		c.beside(tree, item)
	case item.Manifest != nil && item.Kind == "SealedSecret":
		c.sealed(ctx, item)
	}
}

// opens checks that the keys open a SOPS file.
func (c *checker) opens(ctx context.Context, tree fs.FS, item *inventory.Item) {
	if c.keys.Open != nil {
		data, err := fs.ReadFile(tree, item.Path)
		if err == nil {
			err = c.keys.Open(ctx, item.Path, item.Format, data)
		}
		if err != nil {
			c.add(kindOf(err), item, strings.TrimPrefix(err.Error(), item.Path+": "))
		}
		return
	}
	if c.keys.Unknown {
		return
	}
	switch answer, _ := item.Opens(c.keys.Held, c.keys.Ambient); answer {
	case recipients.No:
		c.add(NoKey, item, "no key opens it: it is encrypted for "+names(item.Recipients))
	case recipients.Perhaps:
		c.result.Unsure = append(c.result.Unsure, item.Path)
	}
}

// ErrDamaged is in the error of what opens if a file was altered.
var ErrDamaged = errors.New("damaged")

func kindOf(err error) string {
	if errors.Is(err, ErrDamaged) {
		return Damaged
	}
	return NoKey
}

// ruled checks a SOPS file against the creation rule that is for it.
func (c *checker) ruled(item *inventory.Item, rules *file.Rules) {
	rule, err := rules.For(item.Path)
	if errors.Is(err, file.ErrNoRule) {
		return
	}
	if err != nil {
		c.add(Malformed, item, err.Error())
		return
	}
	if change := item.File.Against(rule); !change.None() {
		c.add(OtherRecipients, item, fmt.Sprintf("%s says otherwise: %s (hint: tidelock secrets rekey)", rules.Path(), words(change)))
	}
	if item.File.OtherPart(rule) {
		c.add(OtherPart, item, fmt.Sprintf("encrypted is %s, and %s says %s", item.File.Part(), rules.Path(), rule.Part))
	}
}

func words(c file.Change) string {
	var all []string
	for _, r := range c.Added {
		all = append(all, "+ "+r.String())
	}
	for _, r := range c.Removed {
		all = append(all, "- "+r.String())
	}
	if c.Threshold != nil {
		all = append(all, fmt.Sprintf("threshold %d, not %d", c.Threshold[1], c.Threshold[0]))
	}
	return strings.Join(all, ", ")
}

func names(all []file.Recipient) string {
	const most = 8
	var list []string
	for _, r := range all[:min(len(all), most)] {
		list = append(list, r.String())
	}
	if len(all) > most {
		list = append(list, fmt.Sprintf("%d more", len(all)-most))
	}
	return strings.Join(list, ", ")
}
