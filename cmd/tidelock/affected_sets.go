package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/tidelock-io/tidelock/agent/pipeline"
)

// discover finds the Applications of both ends of a range. An ApplicationSet that fails at
// the end changes nothing, as it does in a cluster: its Applications are those of before.
func (e *comparison) discover(ctx context.Context, o setOptions, in *renderInput, before, after *statements, talk io.Writer) error {
	first := &end{comparison: e, sets: o, in: in, at: before, line: e.before, from: e.beforeFiles}
	if err := first.discovery().run(ctx); err != nil {
		return err
	}
	last := &end{comparison: e, sets: o, in: in, at: after, line: e.after, from: e.afterFiles, before: first, talk: talk}
	return last.discovery().run(ctx)
}

// known are the clusters that an end states, by their files.
func (s *statements) known() []*knownClusters {
	var all []*knownClusters
	for _, file := range slices.Sorted(maps.Keys(s.clusters)) {
		all = append(all, s.clusters[file])
	}
	return all
}

func sameClusters(a, b *knownClusters) bool { return a == b } // what has not changed is the very same

// expansion makes the Applications of a set at one end.
func (e *comparison) expansion(ctx context.Context, o setOptions, in *renderInput, at *statements, from pipeline.Commits, s foundSet) (*expansion, error) {
	known, err := o.given()
	if err != nil {
		return nil, err
	}
	for _, stated := range at.known() {
		known.clusters = append(known.clusters, stated.clusters...)
		known.encrypted = append(known.encrypted, stated.encrypted...)
	}
	x := e.expander(o, in, from)
	x.clusters = func() (*knownClusters, error) { return known, nil }
	return x.expand(ctx, s), ctx.Err()
}

func (e *comparison) expander(o setOptions, in *renderInput, from pipeline.Commits) *expander {
	return &expander{input: in, from: from, repo: e.repo, options: o}
}

// asBefore says whether a set makes the same at the end, as far as it has read.
func (e *comparison) asBefore(ctx context.Context, o setOptions, in *renderInput, was *expansion, is foundSet) bool {
	return was.err == nil && was.object.Hash() == is.object.Hash() && was.object.Origin == is.object.Origin &&
		e.expander(o, in, e.afterFiles).holds(ctx, was, e.afterFiles)
}

// tell says what is not made, and why.
func (x *expansion) tell(talk io.Writer) {
	if x.err != nil {
		fmt.Fprintf(talk, "warning: %s: it makes nothing, and what it has made stays: %s\n", x, oneLine(withoutName(x.err)))
		return
	}
	for _, left := range x.result.Left {
		fmt.Fprintf(talk, "note: %s: what generator %d makes is not looked at: %s\n", x, left.Generator, oneLine(left.Text()))
	}
	for _, made := range x.result.Applications {
		if made.Invalid != nil {
			fmt.Fprintf(talk, "warning: %s: the Application of parameters %s is left alone: %s\n", x, made.Parameters, oneLine(made.Invalid.Error()))
		}
	}
}
