package blast

import (
	"fmt"
	"strings"
)

// DefaultSize is how long a comment may be, in bytes: GitHub takes 65536 characters.
const DefaultSize = 60_000

// reserve is kept for what says that something was cut.
const reserve = 400

// maxListed bounds the lists that come before the details.
const maxListed = 30

// Markdown writes what happens as the comment of a pull request: what is at stake
// first, then a section to open for each Application. It is no longer than size bytes,
// or than what cannot be cut, and says what was.
func (r *Radius) Markdown(size int) string {
	d := &document{left: size - reserve}
	d.must("### Tidelock: what this changes\n\n")
	if !r.Differs() {
		d.must("No object differs.\n")
		return d.String()
	}
	d.must(escape(r.Totals.String()) + ".\n")
	d.list("\n**Mind these deletions:**\n\n", r.Dangers())
	d.table(r.Applications)
	for i := range r.Applications {
		d.section(&r.Applications[i])
	}
	d.epilogue()
	return d.String()
}

// A document is Markdown up to a size.
type document struct {
	strings.Builder
	left    int // bytes
	objects int // that were cut
	apps    int // of which all was cut
}

func (d *document) must(text string) {
	d.WriteString(text)
	d.left -= len(text)
}

// add writes a text if there is room for it.
func (d *document) add(text string) bool {
	if len(text) > d.left {
		return false
	}
	d.must(text)
	return true
}

func (d *document) list(heading string, items []string) {
	for i, item := range items {
		if i == 0 {
			d.add(heading)
		}
		if i == maxListed || !d.add("- "+code(item)+"\n") {
			d.add(fmt.Sprintf("- and %d more\n", len(items)-i))
			return
		}
	}
}

// table has an Application in each row.
func (d *document) table(apps []Application) {
	d.add("\n| Application | | Objects | Restarts | Held |\n|---|---|---|---|---|\n")
	for i := range apps {
		a := &apps[i]
		row := fmt.Sprintf("| %s | %s | %s | %d | %s |\n", code(a.ID()), escape(a.Standing()), escape(a.tally()), len(a.Restarts), escape(yes(a.Held)))
		if i == maxListed || !d.add(row) {
			d.add(fmt.Sprintf("| and %d more | | | | |\n", len(apps)-i))
			return
		}
	}
}

func yes(held []string) string {
	if len(held) == 0 {
		return ""
	}
	return "yes"
}

// tally counts the objects of an Application.
func (a *Application) tally() string {
	var t Totals
	for _, c := range a.Changes {
		t.add(c.Action)
	}
	_, text, _ := strings.Cut(t.String(), "objects: ")
	return text
}

const endOfSection = "\n</details>\n"

// section has all that is told of an Application, as far as there is room.
func (d *document) section(a *Application) {
	shown := a.Shown()
	head := "\n<details><summary>" + code(a.ID()) + " " + escape(a.tally()) + "</summary>\n"
	if len(head)+len(endOfSection)+reserve/4 > d.left {
		d.apps, d.objects = d.apps+1, d.objects+len(shown)
		return
	}
	d.left -= len(endOfSection)
	d.must(head)
	if a.Failed != "" {
		d.add("\nIt cannot be told what happens to it:\n\n" + fence("", strings.Split(a.Failed, "\n")))
	}
	d.list("\nHeld:\n\n", a.Held)
	d.list("\nRestarts:\n\n", a.restartLines())
	d.list("\nOrder:\n\n", a.waveLines())
	if len(a.Settings) > 0 {
		d.add("\nThe Application itself:\n\n" + fieldsBlock(a.Settings))
	}
	for i := range shown {
		if block := shown[i].block(); !d.add(block) {
			d.objects++
		}
	}
	d.WriteString(endOfSection)
}

func (d *document) epilogue() {
	if d.objects+d.apps == 0 {
		return
	}
	text := "\nThis comment is cut: " + count(d.objects, "object") + " not shown"
	if d.apps > 0 {
		text += ", and nothing of " + count(d.apps, "Application")
	}
	d.WriteString(text + ". `tidelock diff` on the same commits shows all.\n")
}

// block is one object.
func (c *Change) block() string {
	text := "\n" + code(c.String()) + "\n"
	if len(c.Fields) == 0 {
		return text
	}
	return text + "\n" + fieldsBlock(c.Fields)
}

func fieldsBlock(fields []Field) string {
	var lines []string
	for i := range fields {
		lines = append(lines, "@@ "+fields[i].Heading()+" @@")
		lines = append(lines, fields[i].Diff()...)
	}
	return fence("diff", lines)
}

// Shown are the changes but for those that follow from another one.
func (a *Application) Shown() (list []Change) {
	for _, c := range a.Changes {
		if c.Action != Refer {
			list = append(list, c)
		}
	}
	return list
}

func (a *Application) restartLines() (lines []string) {
	for _, r := range a.Restarts {
		lines = append(lines, r.String())
	}
	return lines
}

// String says what restarts, and why.
func (r Restart) String() string { return r.Key.String() + ": " + r.Because }

func (a *Application) waveLines() (lines []string) {
	for _, w := range a.Waves {
		lines = append(lines, w.String())
	}
	return lines
}
