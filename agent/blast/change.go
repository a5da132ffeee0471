package blast

import (
	"fmt"

	"github.com/tidelock-io/tidelock/agent/diff"
	"github.com/tidelock-io/tidelock/render/manifest"
)

// An Action is what becomes of an object.
type Action string

const (
	// Create and Delete: it is stated at one end only.
	Create Action = "create"
	Delete Action = "delete"
	// Update: it is stated otherwise.
	Update Action = "change"
	// Rename: an object takes another's place. To a cluster that is another object,
	// and the old one is deleted.
	Rename Action = "rename"
	// Generate is the rename of a generated ConfigMap or Secret, whose name tells its
	// content.
	Generate Action = "generate"
	// Receive and Give are the two ends of a move: the object is handed over by one
	// Application to another, and stays.
	Receive Action = "receive"
	Give    Action = "give"
	// Leave: it is no longer stated, and is not deleted either.
	Leave Action = "leave"
	// Refer: only the names of generated objects that it refers to differ.
	Refer Action = "refer"
)

// A Change is one object that differs.
type Change struct {
	Action Action       `json:"action"`
	Key    manifest.Key `json:"object"`
	// From is what a renamed object was called.
	From *manifest.Key `json:"from,omitempty"`
	// Peer is the Application at the other end of a move.
	Peer string `json:"application,omitempty"`
	// Origin is where it is stated, or was.
	Origin string `json:"origin,omitempty"`
	Hook   bool   `json:"hook,omitempty"`
	// Danger says what is lost if it is deleted, of what cannot be applied again.
	Danger string `json:"danger,omitempty"`
	// Reason is why it is left.
	Reason string  `json:"reason,omitempty"`
	Fields []Field `json:"fields,omitempty"`
}

// A Field is one that differs. Values are JSON, shortened; "" if there is none.
type Field struct {
	Path   string `json:"path,omitempty"`
	Before string `json:"before,omitempty"`
	After  string `json:"after,omitempty"`
	// Lines show texts of several lines as a unified diff does.
	Lines []string `json:"lines,omitempty"`
	// More is how many further fields are not shown; the others are empty then.
	More int `json:"more,omitempty"`
}

// Heading names the field.
func (f *Field) Heading() string {
	if f.More > 0 {
		return fmt.Sprintf("and %d more fields", f.More)
	}
	return f.Path
}

// Diff shows the two values by lines, as a unified diff does.
func (f *Field) Diff() []string {
	if len(f.Lines) > 0 {
		return f.Lines
	}
	var lines []string
	if f.Before != "" {
		lines = append(lines, "-"+f.Before)
	}
	if f.After != "" {
		lines = append(lines, "+"+f.After)
	}
	return lines
}

func fieldsOf(list []diff.Field) []Field {
	var fields []Field
	for _, f := range list {
		fields = append(fields, Field{f.Path, f.Live, f.Desired, f.Lines, f.More})
	}
	return fields
}

// Settings are the fields in which the manifests of an Application differ.
func Settings(before, after *manifest.Object) []Field { return fieldsOf(diff.Stated(before, after)) }

// verbs say what became of an object.
var verbs = map[Action]string{
	Create: "created", Delete: "deleted", Update: "changed", Rename: "renamed", Generate: "renamed with its content",
	Receive: "taken over", Give: "handed over", Leave: "left as it is", Refer: "follows a generated name",
}

// String is a change in a line, without its fields.
func (c *Change) String() string {
	text := c.Key.String()
	if c.From != nil {
		text = c.From.String() + " -> " + c.toText()
	}
	text += ": " + verbs[c.Action]
	switch c.Action {
	case Give:
		text += " to Application " + c.Peer
	case Receive:
		text += " from Application " + c.Peer
	}
	if c.Hook {
		text += ", a hook"
	}
	if c.Reason != "" {
		text += ", for " + c.Reason
	}
	if c.Danger != "" {
		text += "; " + c.Danger
	}
	return text
}

// toText is the new name, as far as it needs to be told.
func (c *Change) toText() string {
	if c.Key.Namespace != c.From.Namespace {
		return c.Key.Namespace + "/" + c.Key.Name
	}
	return c.Key.Name
}

// danger says what is lost with an object.
func danger(key manifest.Key) string {
	switch key.GroupKind().String() {
	case "Namespace":
		return "all that lives in it goes with it"
	case "CustomResourceDefinition.apiextensions.k8s.io":
		return "all objects of its kind go with it"
	case "PersistentVolumeClaim", "PersistentVolume":
		return "it holds data"
	case "StatefulSet.apps":
		return "it is stateful: its pods go, and its volumes, if its retention policy says so"
	}
	return ""
}

// Totals count objects by what becomes of them. A rename is counted as one, and a move
// once.
type Totals struct {
	Applications int `json:"applications"`
	Created      int `json:"created"`
	Changed      int `json:"changed"`
	Deleted      int `json:"deleted"`
	Renamed      int `json:"renamed"`
	Moved        int `json:"moved"`
	Left         int `json:"left"`
	Restarts     int `json:"restarts"`
	Failed       int `json:"failed"`
}

func (r *Radius) count() {
	t := Totals{Applications: len(r.Applications)}
	for _, a := range r.Applications {
		t.Restarts += len(a.Restarts)
		if a.Failed != "" {
			t.Failed++
		}
		for _, c := range a.Changes {
			t.add(c.Action)
		}
	}
	r.Totals = t
}

func (t *Totals) add(a Action) {
	switch a {
	case Create:
		t.Created++
	case Update:
		t.Changed++
	case Delete:
		t.Deleted++
	case Rename, Generate:
		t.Renamed++
	case Receive:
		t.Moved++
	case Leave:
		t.Left++
	case Give, Refer:
	}
}
