package project

import "fmt"

// A Verdict says whether something is permitted. The zero Verdict refuses.
type Verdict struct {
	Allowed bool
	// Reason is empty if Allowed. Else it is a sentence for people: which list of which
	// project refused what, and what would permit it. It holds no credentials.
	Reason string
}

var allowed = Verdict{Allowed: true}

// refusef returns a refusal in the project's name.
func (r *Rules) refusef(format string, args ...any) Verdict {
	return Verdict{Reason: "project " + shown(r.name) + ": " + fmt.Sprintf(format, args...)}
}
