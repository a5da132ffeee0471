package apply

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/tidelock-io/tidelock/render/manifest"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// ErrRejected says that the API server refused an object.
var ErrRejected = errors.New("the API server refuses it")

// ErrImmutable says that the server does not let a field be changed. It comes
// with [ErrRejected].
var ErrImmutable = errors.New("a field cannot be changed (hint: to have the object deleted and created anew, set argocd.argoproj.io/sync-options: Force=true on it)")

// immutable isolates what the API server says by its words alone.
func immutable(status metav1.Status) bool {
	if status.Reason != metav1.StatusReasonInvalid && status.Reason != metav1.StatusReasonForbidden {
		return false
	}
	return slices.ContainsFunc([]string{"immutable", "may not be changed", "updates to statefulset spec", "may not change once set"},
		func(words string) bool { return strings.Contains(status.Message, words) })
}

// rejected words the server's refusal. Of a Secret only the reason and the
// names of fields are taken, for the server quotes values in its messages; the
// error behind it is not kept, for the same reason.
func rejected(o *manifest.Object, err error) error {
	var status apierrors.APIStatus
	if !errors.As(err, &status) {
		return fmt.Errorf("apply: %w", err)
	}
	refusal := ErrRejected
	if immutable(status.Status()) && !slices.Contains(lasting, o.Key.Kind) {
		refusal = fmt.Errorf("%w: %w", ErrRejected, ErrImmutable)
	}
	if o.Data() != nil {
		return fmt.Errorf("%w: %s (the message is withheld, for it may quote the Secret)", refusal, fieldsOf(status.Status()))
	}
	return fmt.Errorf("%w: %w", refusal, err)
}

// fieldsOf prints as "Invalid: type FieldValueInvalid", "NotFound: namespaces
// shop".
func fieldsOf(status metav1.Status) string {
	text := string(status.Reason)
	if status.Details == nil {
		return text
	}
	var fields []string
	for _, cause := range status.Details.Causes {
		fields = append(fields, strings.TrimSpace(cause.Field+" "+string(cause.Type)))
	}
	if len(fields) == 0 {
		fields = append(fields, strings.TrimSpace(status.Details.Kind+" "+status.Details.Name))
	}
	return strings.TrimSuffix(text+": "+strings.Join(fields, ", "), ": ")
}
