package values

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/secrets"
	"github.com/tidelock-io/tidelock/secrets/sealed"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

// Kinds of objects.
const (
	Secret    = "Secret"
	ConfigMap = "ConfigMap"
)

// An Object is one Secret or ConfigMap.
type Object struct{ Kind, Namespace, Name string }

// String prints as "Secret argocd/api".
func (o Object) String() string { return o.Kind + " " + o.Namespace + "/" + o.Name }

// A Content is what there is of an object.
type Content struct {
	// Data is what it holds; nil with an error.
	Data map[string]secrets.Value
	// Err is why that is not known: fs.ErrNotExist, ErrRefused, or that the API server
	// does not give it.
	Err error
	// Hint is where else it may come from; "" if nowhere.
	Hint string
}

// ErrRefused says that an object is nobody's to read but the agent's.
var ErrRefused = errors.New("it is not for Applications to read")

// reserved are labels of Secrets that are keys or credentials of an agent.
var reserved = []string{api.LabelSecretType, api.LabelTidelockSecretType, sealed.KeyLabel}

// ours are the names of Argo CD's own Secrets that have none of the labels.
var ours = map[string]bool{"argocd-secret": true, "argocd-initial-admin-secret": true, "argocd-redis": true, "argocd-notifications-secret": true}

// refusal is an error for a Secret that must not be read (SECURITY.md C14).
func refusal(s *corev1.Secret) error {
	for _, label := range reserved {
		if _, ok := s.Labels[label]; ok {
			return fmt.Errorf("%w: the label %s makes it a key or a credential of an agent", ErrRefused, label)
		}
	}
	switch {
	case ours[s.Name] || s.Labels["app.kubernetes.io/part-of"] == "argocd":
		return fmt.Errorf("%w: it is one of the agent's own", ErrRefused)
	case s.Type == corev1.SecretTypeServiceAccountToken, s.Type == corev1.SecretTypeBootstrapToken:
		return fmt.Errorf("%w: it is a token of type %s", ErrRefused, s.Type)
	}
	return nil
}

// ContentOf reads a Secret or a ConfigMap, and keeps nothing of one that is refused.
func ContentOf(object runtime.Object) Content {
	data := map[string]secrets.Value{}
	switch o := object.(type) {
	case *corev1.Secret:
		if err := refusal(o); err != nil {
			return Content{Err: err}
		}
		for key, plain := range o.Data {
			data[key] = secrets.New(plain)
		}
	case *corev1.ConfigMap:
		for key, text := range o.Data {
			data[key] = secrets.New([]byte(text))
		}
		for key, plain := range o.BinaryData {
			data[key] = secrets.New(plain)
		}
	}
	return Content{Data: data}
}

// absent is the content of an object that is not there.
var absent = Content{Err: fs.ErrNotExist}

// unread is the content of an object that the API server does not give.
func unread(err error) Content {
	switch {
	case apierrors.IsNotFound(err):
		return absent
	case apierrors.IsForbidden(err):
		err = fmt.Errorf("the right to get, list and watch it is lacking: %w", err)
	}
	return Content{Err: err}
}

// same says that two contents are alike.
func same(a, b Content) bool {
	if (a.Err == nil) != (b.Err == nil) || a.Err != nil && a.Err.Error() != b.Err.Error() || len(a.Data) != len(b.Data) {
		return false
	}
	for key, value := range a.Data {
		if other, ok := b.Data[key]; !ok || !value.Equal(other) {
			return false
		}
	}
	return true
}

// kindOf is an empty object of a kind.
func kindOf(kind string) runtime.Object {
	if kind == Secret {
		return &corev1.Secret{TypeMeta: metav1.TypeMeta{Kind: Secret, APIVersion: "v1"}}
	}
	return &corev1.ConfigMap{TypeMeta: metav1.TypeMeta{Kind: ConfigMap, APIVersion: "v1"}}
}
