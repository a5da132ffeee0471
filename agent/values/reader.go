package values

import (
	"context"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	corev1client "k8s.io/client-go/kubernetes/typed/core/v1"
)

// A User is who uses objects: an Application, for one purpose.
type User struct{ Namespace, Name, Purpose string }

// A Reader asks for objects whenever it is told to: for a command that ends soon.
type Reader struct{ Client corev1client.CoreV1Interface }

// Use returns the content of each object.
func (r Reader) Use(ctx context.Context, _ User, objects ...Object) (map[Object]Content, error) {
	all := map[Object]Content{}
	for _, o := range objects {
		found, err := r.get(ctx, o)
		if err != nil {
			all[o] = unread(err)
			continue
		}
		all[o] = ContentOf(found)
	}
	return all, ctx.Err()
}

func (r Reader) get(ctx context.Context, o Object) (runtime.Object, error) {
	if o.Kind == Secret {
		return r.Client.Secrets(o.Namespace).Get(ctx, o.Name, metav1.GetOptions{})
	}
	return r.Client.ConfigMaps(o.Namespace).Get(ctx, o.Name, metav1.GetOptions{})
}
