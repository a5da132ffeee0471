package rehearsal

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"path"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/rest"
)

// manager is the field manager: that of the agent.
const manager = "tidelock"

// A client makes the requests.
type client struct{ rest rest.Interface }

func newClient(config *rest.Config) (*client, error) {
	config = rest.CopyConfig(config)
	config.GroupVersion = &schema.GroupVersion{}
	words := runtime.NewScheme() // of what the server answers when it refuses
	metav1.AddToGroupVersion(words, schema.GroupVersion{Version: "v1"})
	config.NegotiatedSerializer = serializer.NewCodecFactory(words).WithoutConversion()
	config.ContentType = "application/json"
	c, err := rest.UnversionedRESTClientFor(config)
	return &client{c}, err
}

// collection is the path of all objects of a kind, in a namespace if it has one.
func (s served) collection(namespace string) string {
	at := "/apis/" + s.resource.Group + "/" + s.resource.Version
	if s.resource.Group == "" {
		at = "/api/" + s.resource.Version
	}
	if s.namespaced {
		at += "/namespaces/" + namespace
	}
	return at + "/" + s.resource.Resource
}

// A request brings one object to the server.
type request struct {
	kind      served
	namespace string
	name      string // "" if the server is to choose one
	body      []byte
	dry       bool
	// validation is how unknown fields are taken.
	validation string
}

// apply applies it server-side, by force, as the agent does.
func (c *client) apply(ctx context.Context, r request) error {
	q := c.rest.Patch(types.ApplyPatchType).AbsPath(r.kind.collection(r.namespace), r.name).Param("force", "true")
	return c.send(ctx, r, q)
}

// create creates it. That it is there already is no error, for it is said after
// all else is found to be well.
func (c *client) create(ctx context.Context, r request) error {
	err := c.send(ctx, r, c.rest.Post().AbsPath(r.kind.collection(r.namespace)).SetHeader("Content-Type", "application/json"))
	if apierrors.IsAlreadyExists(err) {
		return nil
	}
	return err
}

// patience is how often a request is made that the server fails at.
var patience = wait.Backoff{Duration: 100 * time.Millisecond, Factor: 2, Steps: 5}

func (c *client) send(ctx context.Context, r request, q *rest.Request) error {
	q = q.Param("fieldManager", manager).Param("fieldValidation", r.validation).Body(r.body)
	if r.dry {
		q = q.Param("dryRun", metav1.DryRunAll)
	}
	var last error
	err := wait.ExponentialBackoffWithContext(ctx, patience, func(ctx context.Context) (bool, error) {
		last = q.Do(ctx).Error()
		return !failing(last), nil
	})
	if last == nil && err != nil {
		return err
	}
	return last
}

// failing says that it is the server that fails, and not the object: of a field that
// a schema does not have it says 500, too.
func failing(err error) bool {
	var status apierrors.APIStatus
	if !errors.As(err, &status) {
		return err != nil
	}
	switch status.Status().Code {
	case http.StatusTooManyRequests, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
}

// remove deletes an object and waits until it is gone.
func (c *client) remove(ctx context.Context, kind served, namespace, name string) error {
	at := path.Join(kind.collection(namespace), name)
	err := c.rest.Delete().AbsPath(at).Do(ctx).Error()
	if err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("delete %s %s: %w", kind.resource.Resource, name, err)
	}
	return c.until(ctx, func(ctx context.Context) bool {
		return apierrors.IsNotFound(c.rest.Get().AbsPath(at).Do(ctx).Error())
	})
}

// get reads an object.
func (c *client) get(ctx context.Context, kind served, name string, into any) error {
	raw, err := c.rest.Get().AbsPath(kind.collection(""), name).Do(ctx).Raw()
	if err != nil {
		return err
	}
	return json.Unmarshal(raw, into)
}

// Bounds of a wait for what an API server does by itself, in less than a second.
const (
	settled = 30 * time.Second
	pause   = 20 * time.Millisecond
)

// until waits until something holds.
func (c *client) until(ctx context.Context, holds func(context.Context) bool) error {
	return wait.PollUntilContextTimeout(ctx, pause, settled, true, func(ctx context.Context) (bool, error) {
		return holds(ctx), nil
	})
}
