package api

// SyncWindow allows or denies syncs at times, for the applications it matches. One
// without Applications, Namespaces and Clusters matches nothing.
type SyncWindow struct {
	Kind WindowKind `json:"kind,omitempty"`
	// Schedule is when the window opens: five cron fields.
	Schedule string `json:"schedule,omitempty"`
	// Duration is how long it stays open, such as "1h30m".
	Duration string `json:"duration,omitempty"`
	// Applications, Namespaces and Clusters are globs. Clusters match the
	// destination's name or server as the Application writes it.
	Applications []string `json:"applications,omitempty"`
	Namespaces   []string `json:"namespaces,omitempty"`
	Clusters     []string `json:"clusters,omitempty"`
	// ManualSync lets people sync in spite of the window.
	ManualSync bool `json:"manualSync,omitempty"`
	// TimeZone is an IANA name; empty is UTC.
	TimeZone string `json:"timeZone,omitempty"`
	// UseAndOperator requires a match in each of the three lists that is not empty,
	// in place of any.
	UseAndOperator bool   `json:"andOperator,omitempty"`
	Description    string `json:"description,omitempty"`
	// SyncOverrun lets a sync that began in time run on.
	SyncOverrun bool `json:"syncOverrun,omitempty"`
}

// WindowKind is what a window does.
type WindowKind string

// The window kinds.
const (
	WindowAllow WindowKind = "allow"
	WindowDeny  WindowKind = "deny"
)
