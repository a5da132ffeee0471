// Package scan looks for secrets in clear: by gitleaks' rules, in manifests of
// Secrets, and in what generates them.
//
// Start with [New] and one of [Scanner.Tree], [Scanner.Staged] and
// [Scanner.History]. A [Finding] says where a secret is, and nothing of what it
// is. What SOPS or kubeseal encrypted is no finding.
package scan

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/zricethezav/gitleaks/v8/detect"
	"github.com/zricethezav/gitleaks/v8/report"

	sops "github.com/tidelock-io/tidelock/plugins/sops/detect"
	"github.com/tidelock-io/tidelock/render/shelf"
)

// A Finding is a secret in clear.
type Finding struct {
	Rule        string `json:"rule"`
	Description string `json:"description"`
	Path        string `json:"path"`
	Line        int    `json:"line,omitempty"` // from 1; none if it is the file as such
	EndLine     int    `json:"endLine,omitempty"`
	Column      int    `json:"column,omitempty"`
	// Item is the entry of a Secret.
	Item string `json:"item,omitempty"`

	Commit string `json:"commit,omitempty"`
	Author string `json:"author,omitempty"`
	Date   string `json:"date,omitempty"`

	// Fingerprint names the finding in a .gitleaksignore, as gitleaks does.
	Fingerprint string `json:"fingerprint"`
}

func (f Finding) String() string {
	at := f.Path
	if f.Line > 0 {
		at = fmt.Sprintf("%s:%d:%d", f.Path, f.Line, max(f.Column, 1))
	}
	if f.Commit != "" {
		at = f.Commit[:min(len(f.Commit), 10)] + " " + at
	}
	text := at + ": " + f.Rule
	if f.Item != "" {
		text += " (" + f.Item + ")"
	}
	return text
}

func (f Finding) compare(g Finding) int {
	return cmp.Or(strings.Compare(f.Path, g.Path), cmp.Compare(f.Line, g.Line), cmp.Compare(f.Column, g.Column), strings.Compare(f.Rule, g.Rule))
}

// A text is one version of a file.
type text struct {
	path string
	data []byte
	// added says whether a line is new: nil if all count.
	added func(line int) bool
	// read reads another file of the same tree; nil if none can be.
	read func(path string) ([]byte, error)

	commit, author, date string
}

// A Scanner looks for secrets in texts. It is safe for concurrent use.
type Scanner struct {
	rules  *Rules
	ignore Ignored
	// cleared are the texts below a root that need not be looked into; nil for none.
	cleared func(root string) *shelf.Cleared
}

// New returns a Scanner that leaves out what is ignored.
func New(rules *Rules, ignore Ignored) *Scanner { return &Scanner{rules: rules, ignore: ignore} }

// text looks into one text. It is clear if nothing is found in it by itself, known or
// not.
func (s *Scanner) text(ctx context.Context, t text) (found []Finding, clear bool, err error) {
	alone := true
	if read := t.read; read != nil {
		t.read = func(path string) ([]byte, error) { alone = false; return read(path) }
	}
	if found, err = s.rules.all(ctx, t); err != nil {
		return nil, false, err
	}
	clear = alone && len(found) == 0
	found = slices.DeleteFunc(found, func(f Finding) bool {
		return t.added != nil && f.Line > 0 && !anyAdded(t, f) || s.ignore.has(f)
	})
	slices.SortFunc(found, Finding.compare)
	return unique(found), clear, nil
}

// all is what the rules find. With an error, such as that of the context, it is not
// all.
func (r *Rules) all(ctx context.Context, t text) ([]Finding, error) {
	p, err := r.compile()
	if err != nil {
		return nil, err
	}
	encrypted := sops.Encrypted(t.path, t.data) != ""
	masked := mask(t.data, encrypted)
	if isYAML(t.path) {
		masked = unwrapped(masked)
	}
	found := p.secrets(t, encrypted)
	fragment := detect.Fragment{Raw: string(masked), FilePath: t.path, CommitSHA: t.commit, StartLine: 1} //nolint:staticcheck // what DetectContext takes
	for _, f := range p.detector.DetectContext(ctx, fragment) {
		found = append(found, fromGitleaks(t, f))
	}
	return found, ctx.Err()
}

// anyAdded says whether a finding has a line that is new.
func anyAdded(t text, f Finding) bool {
	for line := f.Line; line <= max(f.Line, f.EndLine); line++ {
		if t.added(line) {
			return true
		}
	}
	return false
}

// fromGitleaks takes over all but the secret and the text around it.
func fromGitleaks(t text, f report.Finding) Finding {
	g := Finding{
		Rule: f.RuleID, Description: f.Description, Path: f.File,
		Commit: t.commit, Author: t.author, Date: t.date,
	}
	if !strings.HasPrefix(f.Match, "file detected: ") || f.Secret != "" {
		// gitleaks counts columns from the newline before, of which the first line has
		// none.
		g.Line, g.EndLine, g.Column = f.StartLine, f.EndLine, max(f.StartColumn-min(f.StartLine-1, 1), 1)
	}
	return g.named()
}

// named gives a finding the name that it has in a .gitleaksignore.
func (f Finding) named() Finding {
	f.Fingerprint = fmt.Sprintf("%s:%s:%d", f.Path, f.Rule, f.Line)
	if f.Commit != "" {
		f.Fingerprint = f.Commit + ":" + f.Fingerprint
	}
	return f
}

// unique drops what a more special rule has found at the same line. The findings
// are sorted.
func unique(found []Finding) []Finding {
	special := map[int]bool{}
	for _, f := range found {
		special[f.Line] = special[f.Line] || f.Rule != genericRule
	}
	seen := map[string]bool{}
	return slices.DeleteFunc(found, func(f Finding) bool {
		again := seen[f.Fingerprint+f.Item]
		seen[f.Fingerprint+f.Item] = true
		return again || f.Rule == genericRule && special[f.Line]
	})
}

const genericRule = "generic-api-key"

// allowed says whether a line has gitleaks' comment that allows what is on it.
func allowed(line []byte) bool { return bytes.Contains(line, []byte("gitleaks:allow")) }
