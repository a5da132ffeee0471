package helm

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// What helm's engine says: where, which template, at which expression, and why,
// one line each, from the file that is rendered to the template that failed.
var (
	locationLine = regexp.MustCompile(`^([^\s:]+):(\d+)(?::\d+)?$`)
	executing    = regexp.MustCompile(`^executing "([^"]*)" at <(.*)>:$`)
	bracketed    = regexp.MustCompile(`(?s)^(?:parse|execution) error (?:at|in) \(([^\s:)]+)(?::(\d+))?(?::\d+)?\): (.*)$`)
	unformatted  = regexp.MustCompile(`(?s)^template: ([^\s:]+):(\d+)(?::\d+)?: (?:executing "([^"]*)" at <(.*?)>: )?(.*)$`)
)

// A frame is a template on the way to the one that failed.
type frame struct {
	file       string
	line       int
	name       string // of the template, if not that of the file
	expression string
	why        string
}

// explain makes one line of an error of the engine: the place that failed first,
// then who called it, then a way out.
func (t templates) explain(err error) error {
	frames := framesOf(err.Error())
	if len(frames) == 0 {
		return errors.New(shorten(err.Error()))
	}
	last := frames[len(frames)-1]
	why := shorten(last.why)
	if last.expression != "" {
		why = last.expression + ": " + why
	}
	for last.file == tplName && len(frames) > 1 {
		why = fmt.Sprintf("line %d of what tpl is given: %s", last.line, why)
		frames = frames[:len(frames)-1]
		last = frames[len(frames)-1]
	}
	text := t.place(last.file, last.line) + ": " + why
	if last.name != "" && last.name != last.file {
		text += fmt.Sprintf(" (in the template %q)", last.name)
	}
	said := ""
	for i := len(frames) - 2; i >= max(0, len(frames)-2-maxCallers); i-- {
		if place := t.place(frames[i].file, frames[i].line); place != said && frames[i].file != tplName {
			text += ", called from " + place
			said = place
		}
	}
	return errors.New(text + hint(why))
}

const (
	tplName    = "gotpl" // what the engine calls a text that tpl is given
	maxCallers = 6       // that a message names
)

// inner matches each template that a message leads through; what comes after the
// last one is the reason.
var inner = regexp.MustCompile(`template: ([^\s:]+):(\d+)(?::\d+)?: executing "([^"]*)" at <(.*?)>: `)

// framesOf reads what the engine says, down to the template that failed.
func framesOf(text string) []frame {
	frames := outerFrames(text)
	if len(frames) == 0 {
		return nil
	}
	last := &frames[len(frames)-1]
	steps := inner.FindAllStringSubmatchIndex(last.why, -1)
	if len(steps) == 0 {
		last.why = noise.ReplaceAllString(last.why, "")
		return frames
	}
	why := last.why
	last.why = ""
	for _, at := range steps {
		line, _ := strconv.Atoi(why[at[4]:at[5]])
		f := frame{file: why[at[2]:at[3]], line: line, name: why[at[6]:at[7]], expression: why[at[8]:at[9]]}
		if f != frames[len(frames)-1] {
			frames = append(frames, f)
		}
	}
	frames[len(frames)-1].why = noise.ReplaceAllString(why[steps[len(steps)-1][1]:], "")
	return frames
}

// noise is what the engine says before the reason.
var noise = regexp.MustCompile(`^(?:error calling (?:include|template): )?(?:template: )?`)

// outerFrames reads the lines that the engine makes.
func outerFrames(text string) []frame {
	for _, form := range []*regexp.Regexp{bracketed, unformatted} {
		if m := form.FindStringSubmatch(text); m != nil {
			line, _ := strconv.Atoi(m[2])
			f := frame{file: m[1], line: line, why: m[len(m)-1]}
			if len(m) == 6 {
				f.name, f.expression = m[3], m[4]
			}
			return []frame{f}
		}
	}
	var frames []frame
	for row := range strings.Lines(text) {
		row = strings.TrimSpace(row)
		if m := locationLine.FindStringSubmatch(row); m != nil {
			line, _ := strconv.Atoi(m[2])
			frames = append(frames, frame{file: m[1], line: line})
			continue
		}
		if len(frames) == 0 {
			return nil
		}
		last := &frames[len(frames)-1]
		if m := executing.FindStringSubmatch(row); m != nil {
			last.name, last.expression = m[1], m[2]
			continue
		}
		last.why = strings.TrimSpace(last.why + " " + row)
	}
	return frames
}

// quotedTemplate is the text that tpl was given, which helm quotes in full.
var quotedTemplate = regexp.MustCompile(`(?s)(tpl function execution for|cannot parse template) "(.{60}).*"(: |$)`)

const maxMessage = 600

// shorten keeps a message to what a person reads.
func shorten(text string) string {
	text = quotedTemplate.ReplaceAllString(text, `$1 "$2…"$3`)
	text = strings.Join(strings.Fields(text), " ")
	if len(text) > maxMessage {
		text = strings.ToValidUTF8(text[:maxMessage], "") + "…"
	}
	return text
}

// hints are the ways out of what templates most often fail of.
var hints = []struct{ says, hint string }{
	{"nil pointer evaluating", "what stands before that field is not set: set it in the values, or guard it by `with` or `default dict`"},
	{"can't evaluate field", "there is no such field here: look at its spelling, and whether `.` is what it was outside of `with` or `range` ($ is)"},
	{"has a nested reference name", "the template includes itself without an end"},
	{"not defined", "helm has no such function: look at its spelling, and whether a field is meant, which begins with a dot"},
	{"no template", "no chart here defines it: look at its spelling, and whether the chart that does is among the dependencies"},
	{"unexpected EOF", "an if, with, range or define has no {{ end }}"},
	{"wrong type for value", "look at what the values have there, and convert it (toString, int, toYaml)"},
	{"wrong number of args", "look at how many the function takes"},
	{"error calling tpl", "the text that tpl is given comes from the values: correct it there"},
	{"error calling index", "what is indexed is not set, or has no such part"},
	{"range can't iterate over", "it must be a list or a map: look at what the values have there"},
}

func hint(why string) string {
	for _, h := range hints {
		if strings.Contains(why, h.says) {
			return "; " + h.hint
		}
	}
	return ""
}

// explainManifest says which line of which template makes what is no manifest.
func (t templates) explainManifest(d *rendered, problem error) error {
	known := t[d.template]
	if m := headField.FindStringSubmatch(problem.Error()); m != nil {
		return fmt.Errorf("%s: %s is a %s and must be a text: put it in quotes (quote)", t.place(d.template, known.line(d, map[string]int{})), m[2], m[1])
	}
	if strings.Contains(problem.Error(), "cannot unmarshal") {
		return fmt.Errorf("%s: what it renders is no object, but a text or a list; begin its name with _ if it is not meant to be one", t.place(d.template, 0))
	}
	line, reason, ok := problemOf(problem)
	if !ok {
		return fmt.Errorf("%s: what it renders is no YAML: %w", t.place(d.template, 0), problem)
	}
	text := fmt.Sprintf("%s: what it renders is malformed YAML: %s", t.place(d.template, known.source(d.text, line)), reason)
	if line > 0 {
		kind := ""
		if m := kindLine.FindStringSubmatch(d.text); m != nil {
			kind = " " + m[1]
		}
		text += fmt.Sprintf(" (line %d of the%s object)", line, kind)
	}
	return errors.New(text + "; look at the indentation, and at indent and nindent")
}

// headField is what is said of a part of the head of an object that is no string.
var headField = regexp.MustCompile(`cannot unmarshal (\w+) into Go struct field \w*\.([\w.]+) of type string`)

var action = regexp.MustCompile(`\{\{.*?\}\}`)

// source finds the line of a template that a line of its output came from: the
// only one whose fixed parts match. It is 0 if there is none, or several.
func (t template) source(content string, line int) int {
	row := strings.TrimSpace(string(rowOf([]byte(content), line)))
	if row == "" {
		return 0
	}
	found, n := 0, 0
	for own := range strings.Lines(t.text) {
		n++
		own = strings.TrimSpace(own)
		fixed := action.Split(own, -1)
		if len(strings.Join(fixed, "")) < 3 {
			continue
		}
		for i := range fixed {
			fixed[i] = regexp.QuoteMeta(fixed[i])
		}
		if matched, err := regexp.MatchString("^"+strings.Join(fixed, ".*")+"$", row); err != nil || !matched {
			continue
		}
		if found > 0 {
			return 0
		}
		found = n
	}
	return found
}
