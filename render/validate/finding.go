package validate

import (
	"cmp"
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/tidelock-io/tidelock/render/manifest"
)

// A Severity says how bad it is.
type Severity string

// Severities. An error will be refused, or will not run; a warning is most likely
// not what was meant.
const (
	Error   Severity = "error"
	Warning Severity = "warning"
)

// A Problem is a fault of an object.
type Problem struct {
	Rule   string
	Object *manifest.Object
	// Path is the field: spec.containers[0].image, metadata.labels[app.kubernetes.io/name].
	Path    string
	Message string
	Hint    string // what to do next; "" if Message says it
}

// A Finding is a problem at its place in the files.
type Finding struct {
	Rule     string   `json:"rule"`
	Severity Severity `json:"severity"`
	// File is relative to the repository's root; Line counts from 1, 0 is unknown.
	File string `json:"file"`
	Line int    `json:"line,omitempty"`
	// Object is its key, "" if the file as such is at fault.
	Object  string `json:"object,omitempty"`
	Field   string `json:"field,omitempty"`
	Message string `json:"message"`
	Hint    string `json:"hint,omitempty"`
	// Applications are those that state the object.
	Applications []string `json:"applications,omitempty"`
}

// Position prints as "apps/web/deployment.yaml:12".
func (f Finding) Position() string {
	if f.Line == 0 {
		return f.File
	}
	return f.File + ":" + strconv.Itoa(f.Line)
}

// Text is what is wrong, where in the object, and what to do.
func (f Finding) Text() string {
	var b strings.Builder
	if f.Object != "" {
		b.WriteString(f.Object + ": ")
	}
	if f.Field != "" {
		b.WriteString(f.Field + ": ")
	}
	b.WriteString(f.Message)
	if f.Hint != "" {
		b.WriteString("; " + f.Hint)
	}
	return b.String()
}

// String prints a finding on one line.
func (f Finding) String() string {
	return f.Position() + ": " + string(f.Severity) + ": " + f.Text() + " [" + f.Rule + "]"
}

func (f Finding) compare(g Finding) int {
	return cmp.Or(
		strings.Compare(f.File, g.File), cmp.Compare(f.Line, g.Line), strings.Compare(f.Rule, g.Rule),
		strings.Compare(f.Object, g.Object), strings.Compare(f.Field, g.Field), strings.Compare(f.Message, g.Message),
	)
}

// Merge sorts findings, and makes one of those that several Applications have in
// common: a fault of a base is one fault.
func Merge(all []Finding) []Finding {
	all = slices.Clone(all)
	slices.SortStableFunc(all, Finding.compare)
	var out []Finding
	for _, f := range all {
		if last := len(out) - 1; last >= 0 && out[last].same(f) {
			out[last].Applications = union(out[last].Applications, f.Applications)
			continue
		}
		f.Applications = slices.Clone(f.Applications)
		out = append(out, f)
	}
	return out
}

// same says whether it is one fault, of one line, though the objects that come of
// it may be in different namespaces.
func (f Finding) same(g Finding) bool {
	return f.File == g.File && f.Line == g.Line && f.Rule == g.Rule && f.Field == g.Field && f.Message == g.Message &&
		(f.Object == g.Object || f.Line > 0 && f.Field != "")
}

func union(a, b []string) []string {
	all := append(slices.Clone(a), b...)
	slices.Sort(all)
	return slices.Compact(all)
}

// Unread is the finding of a file that is no manifests: what [manifest.ParseStrict]
// says of it.
func Unread(err error) Finding {
	f := Finding{Rule: RuleSyntax, Severity: severityOf(RuleSyntax), Message: err.Error()}
	var located *manifest.LocatedError
	if errors.As(err, &located) {
		f.File, f.Line, f.Message = located.Origin.File, located.Origin.Line, located.Err.Error()
	}
	return f
}
