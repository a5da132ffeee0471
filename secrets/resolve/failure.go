package resolve

import (
	"errors"
	"strings"

	"github.com/tidelock-io/tidelock/render/manifest"
	"github.com/tidelock-io/tidelock/secrets/external"
	"github.com/tidelock-io/tidelock/secrets/sealed"
)

// A Failure says which object was not resolved, why, and what a person can do.
type Failure struct {
	Object manifest.Key
	Origin manifest.Origin
	Err    error
	// Hint is what to do next, "" if nothing sensible can be said.
	Hint string
}

// Reason is why, and what to do, without where.
func (f *Failure) Reason() string {
	text := f.Err.Error()
	if f.Hint != "" {
		text += " (hint: " + f.Hint + ")"
	}
	return text
}

// Error prints as "apps/api/db.yaml:3: bitnami.com/SealedSecret api/db: why (hint: what to do)".
func (f *Failure) Error() string {
	return f.Origin.String() + ": " + f.Object.String() + ": " + f.Reason()
}

// Unwrap returns the cause.
func (f *Failure) Unwrap() error { return f.Err }

// Failures are all that went wrong in one run, in the order of the set.
type Failures []*Failure

// Error prints one failure a line.
func (f Failures) Error() string {
	lines := make([]string, len(f))
	for i, failure := range f {
		lines[i] = failure.Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap returns the failures.
func (f Failures) Unwrap() []error {
	errs := make([]error, len(f))
	for i, failure := range f {
		errs[i] = failure
	}
	return errs
}

var (
	// ErrCollision says that two objects give the same Secret.
	ErrCollision = errors.New("it gives a Secret that another object gives, too")
	// ErrNotPermitted says that the Application's project does not permit the
	// object.
	ErrNotPermitted = errors.New("not permitted")
)

// fail makes the Failure of o.
func fail(o *manifest.Object, err error) *Failure {
	return &Failure{Object: o.Key, Origin: o.Origin, Err: err, Hint: hint(err)}
}

func hint(err error) string {
	for _, h := range []struct {
		kind error
		text string
	}{
		{sealed.ErrScope, "seal it again for this namespace, name and scope, or put it back where it was sealed for"},
		{sealed.ErrNoKey, "seal it again with this cluster's certificate, or bring the key: a Secret of type kubernetes.io/tls labelled " + sealed.KeyLabel + "=" + sealed.KeyActive},
		{sealed.ErrBroken, "seal it again"},
		{sealed.ErrTemplate, "correct spec.template.data"},
		{external.ErrUnsupported, "install external-secrets in the destination cluster: its controller is then left to do it"},
		{external.ErrRefused, "correct the reference, or let the store allow it"},
		{external.ErrInvalid, "correct the object"},
		{ErrCollision, "rename one of them"},
	} {
		if errors.Is(err, h.kind) {
			return h.text
		}
	}
	return ""
}
