package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path"

	"github.com/spf13/pflag"
	"github.com/tidelock-io/tidelock/plugins/sops/file"
	"github.com/tidelock-io/tidelock/secrets/inventory"
)

// A sopsRekeyer does what sops updatekeys does.
type sopsRekeyer struct{ rotate bool }

func (r *sopsRekeyer) flags(f *pflag.FlagSet) {
	f.BoolVar(&r.rotate, "rotate", false, "make new data keys for SOPS files, and encrypt all values anew")
}

func (*sopsRekeyer) kind() string { return inventory.SOPS }

func (*sopsRekeyer) prepare(context.Context, io.Writer) error { return nil }

func (r *sopsRekeyer) rekey(_ context.Context, p *subtree, _ []byte, items []*inventory.Item, dryRun bool) ([]byte, []string, error) {
	item := items[0] // a SOPS file is encrypted as a whole
	if item.File == nil {
		return nil, nil, errors.New(item.Problem)
	}
	rules, err := rulesAbove(p.tree, path.Dir(item.Path))
	if err != nil {
		return nil, nil, err
	}
	rule, err := rules.For(item.Path)
	if errors.Is(err, file.ErrNoRule) {
		return nil, []string{"no creation rule is for it"}, nil
	}
	if err != nil {
		return nil, nil, err
	}
	change := item.File.Against(rule)
	if change.None() && !r.rotate {
		return nil, nil, nil
	}
	if dryRun { // for which no key is needed
		return []byte{}, r.words(change), nil
	}
	out, err := item.File.Rekey(rule, file.LocalKeys(), r.rotate)
	return out, r.words(change), err
}

// words tell of a change as sops does.
func (r *sopsRekeyer) words(c file.Change) []string {
	var all []string
	for _, to := range c.Added {
		all = append(all, "+ "+to.String())
	}
	for _, to := range c.Removed {
		all = append(all, "- "+to.String())
	}
	if c.Threshold != nil {
		all = append(all, fmt.Sprintf("threshold %d, was %d", c.Threshold[1], c.Threshold[0]))
	}
	if r.rotate {
		all = append(all, "a new data key")
	}
	return all
}
