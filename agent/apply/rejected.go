package apply

import (
	"errors"
	"fmt"
	"strings"

	"github.com/tidelock-io/tidelock/render/manifest"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// ErrRejected says that the API server refused an object.
var ErrRejected = errors.New("the API server refuses it")

// rejected words the server's refusal. Of a Secret only the reason and the
// names of fields are taken, for the server quotes values in its messages; the
// error behind it is not kept, for the same reason.
func rejected(o *manifest.Object, err error) error {
	var status apierrors.APIStatus
	if !errors.As(err, &status) {
		return fmt.Errorf("apply: %w", err)
	}
	if o.Data() != nil {
		return fmt.Errorf("%w: %s (the message is withheld, for it may quote the Secret)", ErrRejected, fieldsOf(status.Status()))
	}
	return fmt.Errorf("%w: %w", ErrRejected, err)
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
