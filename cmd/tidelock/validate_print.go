package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/tidelock-io/tidelock/cmd/release"
	"github.com/tidelock-io/tidelock/render/validate"
)

// A validateReport is what was found.
type validateReport struct {
	Findings []validate.Finding `json:"findings"`
	// Notes name what was not looked at.
	Notes []string `json:"notes,omitempty"`

	// Disagreements are objects of which the rules and the API server say otherwise.
	Disagreements []validate.Disagreement `json:"disagreements,omitempty"`

	objects, renders int
}

func (r *validateReport) print(out, talk io.Writer, o validateOptions, p *subtree) error {
	switch o.output {
	case "json":
		if r.Findings == nil {
			r.Findings = []validate.Finding{}
		}
		return indented(out, r)
	case "sarif":
		return validate.SARIF(out, r.Findings, release.Text())
	case "junit":
		return validate.JUnit(out, r.Findings)
	case "github":
		return validate.GitHub(out, r.Findings)
	}
	for i := range r.Findings {
		r.Findings[i].File = p.shown(r.Findings[i].File)
	}
	r.text(newScreen(out).colour(o.colour))
	r.summary(talk)
	return nil
}

// text prints findings by file.
func (r *validateReport) text(s *screen) {
	file := ""
	for i, f := range r.Findings {
		if f.File != file || i == 0 {
			if i > 0 {
				s.line("")
			}
			file = f.File
			s.line("%s", s.paint("head", oneLine(file)))
		}
		part := "bad"
		if f.Severity == validate.Warning {
			part = "busy"
		}
		s.line("  %s  %s  %s", s.paint("aside", lineNumber(f.Line)), s.paint(part, fmt.Sprintf("%-7s", f.Severity)), oneLine(f.Text())+s.paint("aside", "  ["+f.Rule+"]"))
		if len(f.Applications) > 1 {
			s.line("  %s", s.paint("aside", "                in "+strings.Join(f.Applications, ", ")))
		}
	}
}

func lineNumber(n int) string {
	if n == 0 {
		return "     "
	}
	return fmt.Sprintf("%5d", n)
}

func (r *validateReport) summary(talk io.Writer) {
	n, files := len(r.Findings), map[string]bool{}
	for _, f := range r.Findings {
		files[f.File] = true
	}
	in := fmt.Sprintf("%d %s, %d %s", r.objects, plural(r.objects, "object", "objects"), r.renders, plural(r.renders, "render", "renders"))
	if n == 0 {
		fmt.Fprintf(talk, "nothing is found, in %s\n", in)
		return
	}
	fmt.Fprintf(talk, "%d %s in %d %s, of %s\n", n, plural(n, "finding", "findings"), len(files), plural(len(files), "file", "files"), in)
}
