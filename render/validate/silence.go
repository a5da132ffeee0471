package validate

import (
	"bytes"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/bmatcuk/doublestar/v4"
)

// ConfigFile is what a repository says of validation, at its root.
const ConfigFile = ".tidelock.yaml"

// A silence is one comment, or one entry of the configuration.
type silence struct {
	rule   string
	reason string
	at     Finding // where it is written
	used   bool

	file     string // a path, or a pattern
	from, to int    // lines; 0 are all
	object   string // "Deployment/web", "" any
	pattern  bool
}

// Silences are the findings that somebody has accepted. It is for one goroutine.
type Silences struct {
	all   []*silence
	wrong []Finding
}

var comment = regexp.MustCompile(`(?:^|\s)#\s*tidelock:ignore(?:\s+(\S+))?(?:[ \t]+(.*\S))?\s*$`)

// AddComments reads the comments of a file: "# tidelock:ignore RULE reason". One
// at the end of a line is for that line; one on a line of its own for the next; one
// before the first line of a document for the whole object.
func (s *Silences) AddComments(file string, text []byte) {
	if !bytes.Contains(text, []byte("tidelock:ignore")) {
		return
	}
	rows := strings.Split(string(text), "\n")
	for i, row := range rows {
		m := comment.FindStringSubmatch(row)
		if m == nil {
			continue
		}
		own := &silence{rule: m[1], reason: m[2], at: Finding{File: file, Line: i + 1}, file: file, from: i + 1, to: i + 1}
		if strings.HasPrefix(strings.TrimSpace(row), "#") {
			own.from, own.to = reach(rows, i)
		}
		s.add(own)
	}
}

// reach returns the lines that a comment on a line of its own is for.
func reach(rows []string, at int) (from, to int) {
	next := at + 1
	for next < len(rows) && skipped(rows[next]) {
		next++
	}
	first := next
	if begins(rows, at) {
		for next < len(rows) && !strings.HasPrefix(rows[next], "---") {
			next++
		}
		return first + 1, next
	}
	return first + 1, first + 1
}

// skipped are lines without content.
func skipped(row string) bool {
	row = strings.TrimSpace(row)
	return row == "" || row[0] == '#'
}

// begins says whether nothing of the document stands before a line.
func begins(rows []string, at int) bool {
	for at--; at >= 0; at-- {
		if strings.HasPrefix(rows[at], "---") {
			return true
		}
		if !skipped(rows[at]) {
			return false
		}
	}
	return true
}

func (s *Silences) add(own *silence) {
	_, known := RuleNamed(own.rule)
	switch {
	case !known:
		s.complain(own, fmt.Sprintf("there is no rule %q", own.rule), "tidelock validate --rules lists them")
	case own.reason == "":
		s.complain(own, "it gives no reason", "write why the finding is accepted after the rule")
	default:
		s.all = append(s.all, own)
	}
}

func (s *Silences) complain(own *silence, message, hint string) {
	f := own.at
	f.Rule, f.Severity, f.Message, f.Hint = RuleIgnore, severityOf(RuleIgnore), "tidelock:ignore: "+message, hint
	s.wrong = append(s.wrong, f)
}

// Filter returns the findings that are not silenced.
func (s *Silences) Filter(all []Finding) []Finding {
	return slices.DeleteFunc(slices.Clone(all), func(f Finding) bool {
		silenced := false
		for _, one := range s.all {
			if one.covers(f) {
				one.used, silenced = true, true
			}
		}
		return silenced
	})
}

// Forget drops what silences a rule that is not looked at this time: nobody knows
// whether it still silences something.
func (s *Silences) Forget(rule string) {
	s.all = slices.DeleteFunc(s.all, func(one *silence) bool { return one.rule == rule })
}

func (s *silence) covers(f Finding) bool {
	if s.rule != f.Rule || s.object != "" && s.object != objectName(f.Object) {
		return false
	}
	if s.pattern {
		ok, err := doublestar.Match(s.file, f.File)
		return ok && err == nil
	}
	return s.file == f.File && (s.from == 0 || f.Line >= s.from && f.Line <= s.to)
}

// objectName makes "Deployment/web" of "apps/Deployment shop/web".
func objectName(key string) string {
	kind, name, _ := strings.Cut(key, " ")
	return kind[strings.LastIndexByte(kind, '/')+1:] + "/" + name[strings.LastIndexByte(name, '/')+1:]
}

// Leftover returns what is wrong with the silences themselves: those that cannot
// be read, and those of files that looked says were looked at, which silence
// nothing.
func (s *Silences) Leftover(looked func(file string) bool) []Finding {
	out := slices.Clone(s.wrong)
	for _, one := range s.all {
		if one.used || !one.pattern && !looked(one.file) {
			continue
		}
		f := one.at
		f.Rule, f.Severity = RuleUnusedIgnore, severityOf(RuleUnusedIgnore)
		f.Message, f.Hint = fmt.Sprintf("nothing is found by rule %s here any more", one.rule), "remove it"
		out = append(out, f)
	}
	return out
}
