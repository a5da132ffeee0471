package testenv

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strings"
)

// A Use is the use of one right, as the audit log has it.
type Use struct {
	User, Verb string
	// Resource has its subresource behind a slash. It is "" for what is no resource.
	Group, Resource, Namespace string
	// Refused says that there was no such right.
	Refused bool
}

// String is a Use for people.
func (u Use) String() string {
	text := u.Verb + " " + u.Resource
	if u.Group != "" {
		text += "." + u.Group
	}
	if u.Namespace != "" {
		text += " in " + u.Namespace
	}
	return text
}

// An audited request is what a line of the audit log says.
type audited struct {
	Verb string `json:"verb"`
	URI  string `json:"requestURI"`
	User struct {
		Username string `json:"username"`
	} `json:"user"`
	ImpersonatedUser *struct {
		Username string `json:"username"`
	} `json:"impersonatedUser"`
	Status struct {
		Code int `json:"code"`
	} `json:"responseStatus"`
	ObjectRef *struct {
		APIGroup    string `json:"apiGroup"`
		Resource    string `json:"resource"`
		Subresource string `json:"subresource"`
		Namespace   string `json:"namespace"`
	} `json:"objectRef"`
}

// Uses are the rights that users have made use of since the start of the log.
func (l *AuditLog) Uses() (map[Use]bool, error) {
	file, err := os.Open(l.path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	uses := map[Use]bool{}
	lines := bufio.NewReaderSize(file, 64<<10)
	for {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			return uses, nil // the last line may be half a line
		}
		var a audited
		if err := json.Unmarshal(line, &a); err != nil {
			return nil, fmt.Errorf("audit log %s: %w", l.path, err)
		}
		for _, use := range a.uses() {
			uses[use] = true
		}
	}
}

// uses are the rights that a request takes. To do something in the name of a
// ServiceAccount takes that of impersonating it, and nothing else. An apply that makes
// an object takes the right to create it, too. A watch that begins with a listing takes
// that of listing where a server cannot stream one.
func (a audited) uses() []Use {
	use := Use{User: a.User.Username, Verb: a.Verb, Refused: a.Status.Code == http.StatusForbidden}
	if a.ImpersonatedUser != nil {
		namespace, _, _ := strings.Cut(strings.TrimPrefix(a.ImpersonatedUser.Username, "system:serviceaccount:"), ":")
		use.Verb, use.Resource, use.Namespace, use.Refused = "impersonate", "serviceaccounts", namespace, false
		return []Use{use}
	}
	if a.ObjectRef == nil {
		return []Use{use}
	}
	use.Group, use.Resource, use.Namespace = a.ObjectRef.APIGroup, a.ObjectRef.Resource, a.ObjectRef.Namespace
	if a.ObjectRef.Subresource != "" {
		use.Resource += "/" + a.ObjectRef.Subresource
	}
	also := use
	switch {
	case a.Verb == "patch" && a.Status.Code == http.StatusCreated:
		also.Verb = "create"
	case a.Verb == "watch" && strings.Contains(a.URI, "sendInitialEvents=true"):
		also.Verb = "list"
	}
	return []Use{use, also}
}
