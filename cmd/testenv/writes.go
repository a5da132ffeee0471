package testenv

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"
)

// A Write is a request that wrote something, as the audit log has it.
type Write struct {
	User string
	// Login tells the tokens of one user apart.
	Login string
	// At is when the API server got it.
	At time.Time
	// Resource has its subresource behind a slash.
	Verb, Resource, Namespace, Name string
	// Created says that it was not there before.
	Created bool
	// Annotations are those that it says, if its body is recorded.
	Annotations map[string]string
}

// String is a Write for people.
func (w Write) String() string {
	return fmt.Sprintf("%s %s %s/%s at %s", w.Verb, w.Resource, w.Namespace, w.Name, w.At.Format("15:04:05.000000"))
}

// Writes are those that have taken effect since the start of the log, in the order in
// which the API server got them.
func (l *AuditLog) Writes() ([]Write, error) {
	file, err := os.Open(l.path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	var all []Write
	lines := bufio.NewReaderSize(file, 64<<10)
	for {
		line, err := lines.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			slices.SortStableFunc(all, func(a, b Write) int { return a.At.Compare(b.At) })
			return all, nil // the last line may be half a line
		}
		if err != nil {
			return nil, err
		}
		var a written
		if err := json.Unmarshal(line, &a); err != nil {
			return nil, fmt.Errorf("audit log %s: %w", l.path, err)
		}
		if a.wrote() {
			all = append(all, a.write())
		}
	}
}

// A written is what a line of the audit log says of a write.
type written struct {
	Stage    string    `json:"stage"`
	Received time.Time `json:"requestReceivedTimestamp"`
	Verb     string    `json:"verb"`
	URI      string    `json:"requestURI"`
	User     struct {
		Username string              `json:"username"`
		Extra    map[string][]string `json:"extra"`
	} `json:"user"`
	Status struct {
		Code int `json:"code"`
	} `json:"responseStatus"`
	Of struct {
		Resource    string `json:"resource"`
		Subresource string `json:"subresource"`
		Namespace   string `json:"namespace"`
		Name        string `json:"name"`
	} `json:"objectRef"`
	Body json.RawMessage `json:"requestObject"`
}

// annotations are those that the body says, if it is an object: a JSON patch is none.
func (a *written) annotations() map[string]string {
	var object struct {
		Metadata struct {
			Annotations map[string]string `json:"annotations"`
		} `json:"metadata"`
	}
	if json.Unmarshal(a.Body, &object) != nil {
		return nil
	}
	return object.Metadata.Annotations
}

var writing = []string{"create", "update", "patch", "delete", "deletecollection"}

// wrote says that it is one that has taken effect.
func (a *written) wrote() bool {
	if a.Stage != "ResponseComplete" || a.Of.Resource == "" || !slices.Contains(writing, a.Verb) || a.Status.Code >= http.StatusMultipleChoices {
		return false
	}
	uri, err := url.ParseRequestURI(a.URI)
	return err == nil && uri.Query().Get("dryRun") == ""
}

// credential is under which an authenticated user says by which token.
const credential = "authentication.kubernetes.io/credential-id"

func (a *written) write() Write {
	w := Write{
		User: a.User.Username, Login: strings.Join(a.User.Extra[credential], " "), At: a.Received, Verb: a.Verb,
		Resource: a.Of.Resource, Namespace: a.Of.Namespace, Name: a.Of.Name,
		Created: a.Status.Code == http.StatusCreated, Annotations: a.annotations(),
	}
	if a.Of.Subresource != "" {
		w.Resource += "/" + a.Of.Subresource
	}
	return w
}
