package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/dynamic"
	"sigs.k8s.io/yaml"

	"github.com/tidelock-io/tidelock/agent/api"
)

// kubectl is who the stories' people are to the API server.
const kubectl = "kubectl"

// applications are the names in use. The stories share a cluster, and an object
// is tracked by the name of its Application: two of one name would fight.
var applications sync.Map

// application is what the verb app makes: the one that the documentation shows.
const application = `
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: %s}
spec:
  project: default
  source: {repoURL: %s, targetRevision: main, path: %s}
  destination: {server: https://kubernetes.default.svc, namespace: %s}
  syncPolicy:
    automated: {prune: true, selfHeal: true}
    syncOptions: [CreateNamespace=true]
    retry: {limit: 2, backoff: {duration: 1s, factor: 2, maxDuration: 3m}}
`

// options are merge patches of the Application that the verb app makes.
var options = map[string]string{
	"manual":       `{spec: {syncPolicy: {automated: null}}}`,
	"noprune":      `{spec: {syncPolicy: {automated: {prune: false}}}}`,
	"noheal":       `{spec: {syncPolicy: {automated: {selfHeal: false}}}}`,
	"noretry":      `{spec: {syncPolicy: {retry: {limit: 0}}}}`,
	"failonshared": `{spec: {syncPolicy: {syncOptions: [CreateNamespace=true, FailOnSharedResource=true]}}}`,
	"cascading":    `{metadata: {finalizers: [resources-finalizer.argocd.argoproj.io]}}`,
	"cluster":      `{spec: {destination: {name: %s, server: null}}}`,
	"server":       `{spec: {destination: {server: "%s"}}}`,
	"background":   `{metadata: {finalizers: [resources-finalizer.argocd.argoproj.io/background]}}`,
	"project":      `{spec: {project: %s}}`,
	"retry":        `{spec: {syncPolicy: {retry: {limit: %s}}}}`,
	"revision":     `{spec: {source: {targetRevision: %s}}}`,
	"namespace":    `{spec: {destination: {namespace: %s}}}`,
	"on":           `{metadata: {annotations: {tidelock.io/depends-on: "%s"}}}`,
}

// app creates an Application of DIR/PATH. The options are the keys of options,
// as NAME or NAME=VALUE.
func (s *scene) app(args []string) error {
	name, where := args[0], args[1]
	if other, taken := applications.LoadOrStore(name, s.namespace); taken && other != s.namespace {
		return fmt.Errorf("another story, that of %s, has an Application %s", other, name)
	}
	dir, path, _ := strings.Cut(where, "/")
	repo := s.repos[dir]
	if repo == nil {
		return fmt.Errorf("there is no repository %s", dir)
	}
	object, err := parse(fmt.Sprintf(application, name, repo.URL, path, s.ts.Getenv("NS")))
	if err != nil {
		return err
	}
	for _, option := range args[2:] {
		key, value, valued := strings.Cut(option, "=")
		text := options[key]
		if text == "" {
			return fmt.Errorf("there is no option %s", key)
		}
		if valued {
			text = fmt.Sprintf(text, value)
		}
		change, err := parse(text)
		if err != nil {
			return err
		}
		merge(object.Object, change.Object)
	}
	return s.applyObject(object)
}

// merge is RFC 7396.
func merge(into, change map[string]any) {
	for key, value := range change {
		inner, ok := value.(map[string]any)
		old, there := into[key].(map[string]any)
		switch {
		case value == nil:
			delete(into, key)
		case ok && there:
			merge(old, inner)
		default:
			into[key] = value
		}
	}
}

func parse(text string) (*unstructured.Unstructured, error) {
	object := new(unstructured.Unstructured)
	return object, yaml.Unmarshal([]byte(text), &object.Object)
}

func (s *scene) apply(files []string) error {
	for _, file := range files {
		documents := utilyaml.NewYAMLOrJSONDecoder(bytes.NewReader(s.file(file)), 4096)
		for {
			object := new(unstructured.Unstructured)
			err := documents.Decode(&object.Object)
			if errors.Is(err, io.EOF) {
				break
			}
			if err == nil {
				err = s.applyObject(object)
			}
			if err != nil {
				return fmt.Errorf("%s: %w", file, err)
			}
		}
	}
	return nil
}

func (s *scene) applyObject(object *unstructured.Unstructured) error {
	gvk := object.GroupVersionKind()
	var mapping *meta.RESTMapping
	err := s.untilServed(gvk.String(), func() (err error) {
		mapping, err = s.kinds.RESTMapping(gvk.GroupKind(), gvk.Version)
		return err
	})
	if err != nil {
		return err
	}
	client := dynamic.ResourceInterface(s.cluster.Dynamic.Resource(mapping.Resource))
	if mapping.Scope.Name() == meta.RESTScopeNameNamespace {
		client = s.cluster.Dynamic.Resource(mapping.Resource).Namespace(s.namespaceOf(object))
	}
	_, err = client.Apply(s.ctx, object.GetName(), object, metav1.ApplyOptions{FieldManager: kubectl, Force: true})
	return err
}

// untilServed waits until the API server tells of a kind: it takes its time after a
// CustomResourceDefinition is there.
func (s *scene) untilServed(kind string, find func() error) error {
	return s.until("the kind "+kind, func() (bool, error) {
		err := find()
		if meta.IsNoMatchError(err) {
			s.kinds.Reset()
			return false, nil
		}
		return true, err
	})
}

// namespaceOf is where an object goes that names no namespace.
func (s *scene) namespaceOf(object *unstructured.Unstructured) string {
	switch {
	case object.GetNamespace() != "":
		return object.GetNamespace()
	case object.GroupVersionKind().Group == "argoproj.io":
		return s.namespace
	}
	return s.ts.Getenv("NS")
}

func (s *scene) patch(args []string) error {
	at, err := s.place(args[0], args[1])
	if err != nil {
		return err
	}
	change, err := yaml.YAMLToJSON([]byte(expand(s.ts, args[2])))
	if err != nil {
		return err
	}
	_, err = at.client(s).Patch(s.ctx, at.name, types.MergePatchType, change, metav1.PatchOptions{FieldManager: kubectl})
	return err
}

// autoscaler is the field manager of HorizontalPodAutoscalers' controller.
const autoscaler = "kube-controller-manager"

func (s *scene) scale(args []string) error {
	at, err := s.place(args[0], args[1])
	if err != nil {
		return err
	}
	change := fmt.Appendf(nil, `{"spec": {"replicas": %s}}`, args[2])
	_, err = at.client(s).Patch(s.ctx, at.name, types.MergePatchType, change, metav1.PatchOptions{FieldManager: autoscaler}, "scale")
	return err
}

func (s *scene) delete(args []string) error {
	at, err := s.place(args[0], args[1])
	if err != nil {
		return err
	}
	return at.client(s).Delete(s.ctx, at.name, metav1.DeleteOptions{})
}

var approval = regexp.MustCompile(api.AnnotationApprove + ": ([0-9a-f]+)")

func (s *scene) approve(args []string) error {
	var hash string
	err := s.cluster.UntilApplication(s.ctx, s.namespace, args[0], func(app *api.Application) bool {
		for _, c := range app.Status.Conditions {
			if match := approval.FindStringSubmatch(c.Message); match != nil {
				hash = match[1]
			}
		}
		return hash != ""
	})
	if err != nil {
		return err
	}
	return s.patch([]string{"application", args[0], fmt.Sprintf("{metadata: {annotations: {%s: %q}}}", api.AnnotationApprove, hash)})
}

func (s *scene) consent(args []string) error {
	now := time.Now().UTC().Format(time.RFC3339)
	return s.patch([]string{"application", args[0], fmt.Sprintf("{metadata: {annotations: {%s: %q}}}", api.AnnotationDeletionApproved, now)})
}

// window makes no schedule that opens at the very instant of its minute's
// beginning, at which it is not open yet.
func (s *scene) window(args []string) error {
	left, err := strconv.Atoi(args[1])
	if err != nil {
		return err
	}
	now := time.Now().UTC()
	s.ts.Setenv(args[0], fmt.Sprintf(`schedule: "%d %d * * *", duration: %ds`, now.Minute(), now.Hour(), now.Second()+left))
	return nil
}

// A place is where an object is or may be.
type place struct {
	resource        schema.GroupVersionResource
	namespace, name string // no namespace if cluster-scoped
}

func (p place) client(s *scene) dynamic.ResourceInterface {
	return s.cluster.Dynamic.Resource(p.resource).Namespace(p.namespace)
}

// place reads a resource ("deployment", "widgets.example.com") and
// NAMESPACE/NAME, or NAME alone: an Application's namespace is the agent's then,
// all else is cluster-scoped.
func (s *scene) place(resource, object string) (place, error) {
	var found schema.GroupVersionResource
	err := s.untilServed(resource, func() (err error) {
		found, err = s.kinds.ResourceFor(schema.ParseGroupResource(resource).WithVersion(""))
		return err
	})
	if err != nil {
		return place{}, err
	}
	namespace, name, ok := strings.Cut(object, "/")
	if !ok {
		namespace, name = "", object
		if found.Group == "argoproj.io" {
			namespace = s.namespace
		}
	}
	return place{found, namespace, name}, nil
}

func (s *scene) person(args []string) error {
	return s.cluster.Person(s.ctx, s.namespace, args[0], s.ts.MkAbs(args[1]))
}
