package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/appset"
	"github.com/tidelock-io/tidelock/agent/git"
	"github.com/tidelock-io/tidelock/render/manifest"
	"github.com/tidelock-io/tidelock/render/validate"
)

// setsOf are the ApplicationSets of objects that can be read. What is wrong with the
// others is told where the objects are looked at.
func setsOf(objects manifest.Set, prefix string) []foundSet {
	var sets []foundSet
	for _, o := range objects {
		if !isSet(o) {
			continue
		}
		if set, err := setOf(o, io.Discard); err == nil {
			sets = append(sets, foundSet{set, o, prefix})
		}
	}
	return sets
}

// statedSets are the ApplicationSets that others render.
func statedSets(by []*rendering) []foundSet {
	var sets []foundSet
	for _, r := range by {
		if r.result != nil {
			sets = append(sets, setsOf(r.result.Set, r.prefix)...)
		}
	}
	return sets
}

// generated are the Applications that sets make, of those that are not known yet.
func (v *validation) generated(ctx context.Context, sets []foundSet) ([]found, error) {
	var all []found
	for _, s := range sets {
		id := "set " + s.set.Namespace + "/" + s.set.Name + " " + path.Join(s.prefix, s.object.Origin.File)
		if v.known[id] {
			continue
		}
		v.known[id] = true
		x := v.expander(ctx).expand(ctx, s)
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		v.expansions = append(v.expansions, x)
		v.coverReads(x)
		all = append(all, slices.DeleteFunc(slices.Clone(x.apps), x.unfilled)...)
	}
	return all, nil
}

// expanded says that all Applications are known that a set makes.
func (v *validation) expanded(set *manifest.Object) bool {
	return slices.ContainsFunc(v.expansions, func(x *expansion) bool {
		return x.object.Origin == set.Origin && x.object.Key.Name == set.Key.Name && x.err == nil && len(x.result.Left) == 0
	})
}

// unfilled says that a parameter is missing in an Application: it is a finding, and what
// it would render none.
func (x *expansion) unfilled(f found) bool {
	missing := slices.ContainsFunc(x.result.Problems, func(p appset.Problem) bool { return p.Kind == appset.ProblemUnknown })
	return missing && (bytes.Contains(f.object.JSON(), []byte("{{")) || bytes.Contains(f.object.JSON(), []byte("no value")))
}

// expander reads what stands in for repositories here.
func (v *validation) expander(ctx context.Context) *expander {
	return &expander{input: v.input, from: v.line.Git, repo: v.line.Keys.Repo, options: v.options.sets, clusters: func() (*knownClusters, error) {
		if v.clusters == nil {
			known, err := v.options.sets.given()
			if err != nil {
				return nil, err
			}
			v.clusters = known
			return known, clustersIn(ctx, v.tree, known)
		}
		return v.clusters, nil
	}}
}

// coverReads notes which files of this repository generators have read.
func (v *validation) coverReads(x *expansion) {
	for _, read := range x.reads {
		dir, ok := v.input.checkout(read.url)
		if !ok {
			continue
		}
		for _, f := range read.recorder.Facts() {
			if f.Op == git.OpRead {
				v.read[path.Join(v.prefix(dir), f.Path)] = true
			}
		}
	}
}

// setFindings says what is wrong with ApplicationSets and with what they make.
func (v *validation) setFindings(locators map[string]*validate.Locator) {
	for _, x := range v.expansions {
		at := v.locator(locators, x.prefix)
		if x.err != nil {
			v.setFailed(at, x)
			continue
		}
		for _, left := range x.result.Left {
			v.notes = append(v.notes, fmt.Sprintf("%s: what generator %d makes is not looked at: %s", x, left.Generator, left.Text()))
		}
		for _, p := range x.result.Problems {
			if p.Kind == appset.ProblemEmpty && v.doubted(x) {
				v.notes = append(v.notes, fmt.Sprintf("%s: %s: %s, unless it is of another repository", x, p.Field, p.Message))
				continue
			}
			v.setFinding(at, x, setRule(p), p.Field, p.Message, p.Hint, 0)
		}
		v.setApplications(at, x)
	}
}

// setRule is the rule of a problem.
func setRule(p appset.Problem) string {
	switch p.Kind {
	case appset.ProblemEmpty, appset.ProblemDropped:
		return validate.RuleSetEmpty
	case appset.ProblemUnknown:
		return validate.RuleSetParameter
	}
	return validate.RuleSetLint
}

// doubted says whether what a generator read is only thought to be the repository that
// it names: one that has no address.
func (v *validation) doubted(x *expansion) bool {
	return slices.ContainsFunc(x.reads, func(r setRead) bool {
		dir, ok := v.input.checkout(r.url)
		return ok && v.takenFor(dir, r.url)
	})
}

// setFailed makes a finding of a set that generates nothing.
func (v *validation) setFailed(at *validate.Locator, x *expansion) {
	var e *appset.Error
	if !errors.As(x.err, &e) {
		v.setFinding(at, x, validate.RuleSetTemplate, "", x.err.Error(), "", 0)
		return
	}
	message := e.Message()
	if e.Parameters != "" {
		message = "for parameters " + e.Parameters + ": " + message
	}
	if e.Generator >= 0 && !strings.HasPrefix(e.Field, "spec.generators") {
		message = fmt.Sprintf("generator %d: %s", e.Generator, message)
	}
	v.setFinding(at, x, validate.RuleSetTemplate, e.Field, message, e.Hint, e.Line)
}

// setApplications looks at those that are made.
func (v *validation) setApplications(at *validate.Locator, x *expansion) {
	for _, made := range x.result.Applications {
		switch {
		case made.Invalid == nil:
			for _, text := range api.LintApplication(made.App) {
				field, message, _ := strings.Cut(text, ": ")
				v.setFinding(at, x, validate.RuleApplicationLint, "spec.template."+field, message, "", 0, made.App.Name)
			}
		case strings.HasSuffix(made.Field, "metadata.name"):
			v.setFinding(at, x, validate.RuleSetName, made.Field, made.Invalid.Error(), "", 0)
		default:
			v.setFinding(at, x, validate.RuleSetApplication, made.Field, fmt.Sprintf("Application %s, of parameters %s: %s", made.App.Name, made.Parameters, made.Invalid), "", 0, made.App.Name)
		}
	}
}

// block is a line that begins a text of several lines.
var block = regexp.MustCompile(`[|>][-+0-9]*\s*(#.*)?$`)

// setFinding places a finding in the file of the set: at the line of a field, or, if the
// field's text is a block, at one of its lines.
func (v *validation) setFinding(at *validate.Locator, x *expansion, rule, field, message, hint string, line int, apps ...string) {
	f := at.Finding(validate.Problem{Rule: rule, Object: x.object, Path: field, Message: message, Hint: hint}, nil)
	f.File, f.Applications = path.Join(x.prefix, f.File), apps
	if line > 0 && f.Line > 0 {
		text, err := os.ReadFile(v.onDisk(f.File))
		rows := strings.Split(string(text), "\n")
		if err == nil && f.Line <= len(rows) && block.MatchString(rows[f.Line-1]) {
			f.Line += line
		}
	}
	v.findings = append(v.findings, f)
}
