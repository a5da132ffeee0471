package shadow

import (
	"strings"
	"time"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/diff"
	"github.com/tidelock-io/tidelock/render/manifest"
)

// An Outcome is what a comparison came to.
type Outcome string

// The outcomes, from the best to the worst.
const (
	// Same: both say the same.
	Same Outcome = "Same"
	// ByDesign: they differ in what Tidelock does otherwise on purpose, and in nothing
	// else.
	ByDesign Outcome = "ByDesign"
	// Pending: Argo CD's word is about something else than ours, such as another commit.
	Pending Outcome = "Pending"
	// Differs: they differ in something else.
	Differs Outcome = "Differs"
)

// A Report is what is known of all Applications and ApplicationSets.
type Report struct {
	At           time.Time     `json:"at"`
	Summary      Summary       `json:"summary"`
	Applications []Application `json:"applications"`
	Sets         []Set         `json:"applicationSets,omitempty"`
	// Refused are requests that would have written, and were kept from leaving the
	// process: a mistake of this program if there are any.
	Refused int64 `json:"refusedWrites"`
}

// A Summary counts outcomes.
type Summary struct {
	Same     int `json:"same"`
	ByDesign int `json:"byDesign"`
	Pending  int `json:"pending"`
	Differs  int `json:"differs"`
}

// Agrees says that nothing differs but by design, and nothing is pending.
func (s Summary) Agrees() bool { return s.Differs == 0 && s.Pending == 0 }

func (s *Summary) count(o Outcome) {
	switch o {
	case Same:
		s.Same++
	case ByDesign:
		s.ByDesign++
	case Pending:
		s.Pending++
	case Differs:
		s.Differs++
	}
}

// An Application is one, compared.
type Application struct {
	Namespace string  `json:"namespace"`
	Name      string  `json:"name"`
	Outcome   Outcome `json:"outcome"`
	// Why says why it is not comparable yet.
	Why    string `json:"why,omitempty"`
	Ours   Side   `json:"ours"`
	Theirs Side   `json:"theirs"`
	// Render is a digest of the objects that we render; "" if we cannot.
	Render      string       `json:"render,omitempty"`
	Differences []Difference `json:"differences,omitempty"`
	ByDesign    []Difference `json:"byDesign,omitempty"`
	// Pending are differences that may be none: Argo CD has not looked since.
	Pending []Difference `json:"pending,omitempty"`
	// Changes are the objects that a sync of ours would change, beside its marks.
	Changes []Change `json:"changes,omitempty"`
	// Objects is how many Git states; each gets our marks at the first sync.
	Objects int `json:"objects"`
}

// A Side is what one agent says of an Application.
type Side struct {
	Revisions  []string       `json:"revisions,omitempty"`
	SourceType api.SourceType `json:"sourceType,omitempty"`
	Sync       api.SyncCode   `json:"sync,omitempty"`
	Health     api.HealthCode `json:"health,omitempty"`
	Conditions []Condition    `json:"conditions,omitempty"`
	// At is when it looked.
	At time.Time `json:"at,omitzero"`
}

// A Condition is one that an agent reports.
type Condition struct {
	Type    api.ConditionType `json:"type"`
	Message string            `json:"message"`
}

// A Difference is one thing that the two do not agree on.
type Difference struct {
	// What is what: revision, source type, sync, health, condition, or, of an object,
	// sync, health, pruning or presence.
	What   string `json:"what"`
	Object string `json:"object,omitempty"` // "" is the Application
	Ours   string `json:"ours"`
	Theirs string `json:"theirs"`
	// Note says what there is to know: by which design it is so, or what is awaited.
	Note string `json:"note,omitempty"`
	// Since is when it was first seen.
	Since time.Time `json:"since,omitzero"`
}

// id is what a difference is known by, to tell for how long it has been there.
func (d Difference) id() string {
	return strings.Join([]string{d.What, d.Object, d.Ours, d.Theirs}, "\x00")
}

// String prints as "health of apps/Deployment shop/web: ours Healthy, Argo CD's Degraded".
func (d Difference) String() string {
	text := d.What
	if d.Object != "" {
		text += " of " + d.Object
	}
	text += ": ours " + orNone(d.Ours) + ", Argo CD's " + orNone(d.Theirs)
	if d.Note != "" {
		text += " (" + d.Note + ")"
	}
	return text
}

func orNone(text string) string {
	if text == "" {
		return "none"
	}
	return text
}

// A Change is what a sync of ours would do to one object.
type Change struct {
	Object  string        `json:"object"`
	Verdict diff.Verdict  `json:"verdict"`
	Fields  []diff.Field  `json:"fields,omitempty"`
	Ignored []diff.Hidden `json:"ignored,omitempty"`
	// Unmarked: it is there, and does not say that it is the Application's.
	Unmarked bool `json:"unmarked,omitempty"`
	// Error is why the fields are not known.
	Error string `json:"error,omitempty"`
}

// A Set is one ApplicationSet: what we would make of it is what there is, or is not.
type Set struct {
	Namespace string   `json:"namespace"`
	Name      string   `json:"name"`
	Outcome   Outcome  `json:"outcome"`
	Create    []string `json:"create,omitempty"`
	Update    []string `json:"update,omitempty"`
	Delete    []string `json:"delete,omitempty"`
	// Held is why nothing would be deleted for now.
	Held  string `json:"held,omitempty"`
	Error string `json:"error,omitempty"`
}

// A Found is what we have found out about an Application.
type Found struct {
	// Status is as we would write it.
	Status  api.ApplicationStatus
	Objects []Object
	Render  string
	At      time.Time
}

// An Object is one that Git states, or that is there and Git does not state any more.
type Object struct {
	Key     manifest.Key
	Verdict diff.Verdict
	// Known says that fields were compared.
	Known   bool
	Fields  []diff.Field
	Ignored []diff.Hidden
	// Unmarked: it is there, and does not say that it is the Application's.
	Unmarked bool
	Err      error
	// Changed is when somebody has last written to the live object; zero if it is not
	// there.
	Changed time.Time
}
