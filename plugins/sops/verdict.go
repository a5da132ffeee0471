package sops

import (
	"errors"
	"fmt"
	"strings"

	"github.com/getsops/sops/v3"

	"github.com/tidelock-io/tidelock/plugins/sdk"
)

// errService: a key service did not answer, and may do so later.
var errService = errors.New("a key service does not answer")

// missing says that no key opens a file. Its text is the whole of what there is to
// say.
type missing struct{ text string }

func (m *missing) Error() string { return m.text }
func (*missing) Unwrap() error   { return sdk.ErrNoKey }

// verdict says why the file's data key could not be had: for whom it is
// encrypted, and what was tried. Opened are the groups that were.
func (r *ring) verdict(m *sops.Metadata, opened []bool) error {
	text := "encrypted with SOPS for " + recipients(m)
	if done := numbers(opened); done != "" {
		text += "; of which " + done + " could be opened"
	}
	if r.answers.failing() {
		return fmt.Errorf("%w: %s; %s", errService, text, list(r.answers.refusals()))
	}
	switch names := r.held(); {
	case len(names) > 0:
		text += "; none of these keys opens it: " + list(names)
	case len(r.broken) == 0 && len(r.answers.Refused) == 0:
		text += "; there are no keys"
	}
	for _, problems := range [][]string{r.answers.refusals(), r.broken} {
		if len(problems) > 0 {
			text += "; " + strings.Join(problems[:min(len(problems), 8)], "; ")
		}
	}
	return &missing{text}
}

// held lists the keys: where each came from, and its recipients.
func (r *ring) held() []string {
	var names []string
	for _, key := range r.keys {
		names = append(names, fmt.Sprintf("%s (%s)", key.name, list(key.names())))
	}
	return names
}

// numbers prints which groups are set: "group 1, group 3".
func numbers(groups []bool) string {
	var set []string
	for i, is := range groups {
		if is {
			set = append(set, fmt.Sprintf("group %d", i+1))
		}
	}
	return list(set)
}
