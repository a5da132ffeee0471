package directory

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/google/go-jsonnet"
	"github.com/google/go-jsonnet/ast"
)

// maxMessage bounds what an error of Jsonnet may say of itself.
const maxMessage = 1 << 10

// explain says where a Jsonnet file fails, what led there, and what to do.
func (p *program) explain(name string, err error) error {
	var run jsonnet.RuntimeError
	var static interface{ Loc() ast.LocationRange }
	switch {
	case errors.As(err, &run):
		return p.located(name, cut(run.Msg), trace(name, run.StackTrace))
	case errors.As(err, &static):
		return p.located(name, cut(err.Error()), nil)
	case strings.HasPrefix(err.Error(), "(CRASH)"):
		return fmt.Errorf("%s: the Jsonnet interpreter crashed: simplify the file, and report this", name)
	}
	return fmt.Errorf("%s: %s", name, cut(err.Error()))
}

func cut(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	return strings.ToValidUTF8(text[:min(len(text), maxMessage)], "")
}

// own matches a message that begins with a place of its own: that of a mistake
// in a file that is imported.
var own = regexp.MustCompile(`^(\S+):\(?(\d+):\d+\)?(?:-\(?[\d:]+\)?)? (.*)$`)

// located puts the place in front of a message and the way to it behind.
func (p *program) located(name, message string, places []place) error {
	if m := own.FindStringSubmatch(message); m != nil {
		message, places = m[3], append([]place{{m[1], m[2]}}, places...)
	}
	if len(places) == 0 {
		places = []place{{file: name}}
	}
	for _, file := range p.importer.chain(places[len(places)-1].file, name) {
		places = append(places, place{file: file})
	}
	message = strings.TrimSuffix(message, ".")
	text := places[0].String() + ": " + message + hint(message)
	if way := places[1:]; len(way) > 0 {
		names := make([]string, len(way))
		for i, at := range way {
			names[i] = at.String()
		}
		text += " (reached from " + strings.Join(names, ", from ") + ")"
	}
	return errors.New(text)
}

// A place is a file, or a variable, and a line of it.
type place struct{ file, line string }

var snippet = regexp.MustCompile(`^<(extvar|top-level-arg):(.*)>$`)

func (p place) String() string {
	file := p.file
	if m := snippet.FindStringSubmatch(file); m != nil {
		list := map[string]string{"extvar": "extVars", "top-level-arg": "tlas"}[m[1]]
		file = fmt.Sprintf("%s.jsonnet.%s: %s", field, list, m[2])
	}
	if p.line == "" {
		return file
	}
	return file + ":" + p.line
}

// maxPlaces is how many places a message names.
const maxPlaces = 6

// trace reduces a stack to where it passes from one file to another, innermost
// first.
func trace(name string, stack []jsonnet.TraceFrame) (places []place) {
	for _, frame := range slices.Backward(stack) {
		file := frame.Loc.FileName
		if file == "" || file[0] == '<' || frame.Loc.Begin.Line == 0 {
			continue // the library's own, or a variable's
		}
		if n := len(places); n == maxPlaces || n > 0 && places[n-1].file == file {
			continue
		}
		places = append(places, place{file, strconv.Itoa(frame.Loc.Begin.Line)})
	}
	if len(places) == 0 {
		places = []place{{file: name}}
	}
	return places
}

// hint is the way out of what Jsonnet complains of.
func hint(message string) string {
	for _, h := range []struct{ says, hint string }{
		{"max stack frames exceeded", fmt.Sprintf(": look for a function or field that needs itself: %d calls deep is the limit", maxCalls)},
		{"Undefined external variable", ": set it in spec.source.directory.jsonnet.extVars"},
		{"Missing argument", ": give a default, or set it in spec.source.directory.jsonnet.tlas"},
		{"has no parameter", ": take it out of spec.source.directory.jsonnet.tlas, or declare it"},
		{"manifest function", ": call it, or hide the field with ::"},
	} {
		if strings.Contains(message, h.says) {
			return h.hint
		}
	}
	return ""
}
