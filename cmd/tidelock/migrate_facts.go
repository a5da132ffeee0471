package main

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/diff"
	"github.com/tidelock-io/tidelock/agent/migrate"
	"github.com/tidelock-io/tidelock/agent/project"
	"github.com/tidelock-io/tidelock/agent/readonly"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/pager"
)

// A surveyor reads what there is, and notes what it may not.
type surveyor struct {
	*remote
	typed   kubernetes.Interface
	dynamic dynamic.Interface
	facts   migrate.Facts
}

// facts reads what there is of Argo CD, of Tidelock and of Flux.
func (o *migrateOptions) facts(ctx context.Context) (migrate.Facts, error) {
	r, err := o.connect()
	if err != nil {
		return migrate.Facts{}, err
	}
	r.cfg = readonly.Config(r.cfg, readonly.Guard{})
	s := &surveyor{remote: r, facts: migrate.Facts{Namespace: o.namespace, Followed: slices.Sorted(maps.Keys(argoKeys)), Idle: idle}}
	if s.typed, err = kubernetes.NewForConfig(r.cfg); err != nil {
		return migrate.Facts{}, fmt.Errorf("connect to the cluster: %w", err)
	}
	if s.dynamic, err = dynamic.NewForConfig(r.cfg); err != nil {
		return migrate.Facts{}, fmt.Errorf("connect to the cluster: %w", err)
	}
	if _, err := s.typed.Discovery().ServerVersion(); err != nil {
		return migrate.Facts{}, fmt.Errorf("ask the cluster for its version: %w", err)
	}
	s.facts.Definitions = r.knows(ctx)
	s.workloads(ctx)
	s.config(ctx)
	if s.facts.Definitions {
		s.applications(ctx)
	}
	s.flux(ctx)
	return s.facts, nil
}

// note takes down what could not be read. What is not there, or not served, is no
// matter.
func (s *surveyor) note(doing string, err error) {
	if err != nil && !apierrors.IsNotFound(err) {
		s.facts.Unread = append(s.facts.Unread, fmt.Sprintf("%s: %v", doing, err))
	}
}

func (s *surveyor) workloads(ctx context.Context) {
	deployments, err := s.typed.AppsV1().Deployments(s.namespace).List(ctx, metav1.ListOptions{})
	s.note("list Deployments", err)
	if err == nil {
		for _, d := range deployments.Items {
			s.workload("Deployment", d.ObjectMeta, d.Spec.Replicas, d.Spec.Template.Spec.Containers)
		}
	}
	sets, err := s.typed.AppsV1().StatefulSets(s.namespace).List(ctx, metav1.ListOptions{})
	s.note("list StatefulSets", err)
	if err == nil {
		for _, d := range sets.Items {
			s.workload("StatefulSet", d.ObjectMeta, d.Spec.Replicas, d.Spec.Template.Spec.Containers)
		}
	}
	elsewhere, err := s.typed.AppsV1().Deployments(metav1.NamespaceAll).List(ctx, metav1.ListOptions{LabelSelector: "app.kubernetes.io/name=argocd-image-updater"})
	if err != nil {
		return // a person of one namespace may not
	}
	for _, d := range elsewhere.Items {
		if d.Namespace != s.namespace {
			s.facts.Elsewhere = append(s.facts.Elsewhere, workloadOf("Deployment", d.ObjectMeta, d.Spec.Replicas, d.Spec.Template.Spec.Containers))
		}
	}
}

// workload keeps those of Argo CD and of Tidelock.
func (s *surveyor) workload(kind string, meta metav1.ObjectMeta, replicas *int32, containers []corev1.Container) {
	w := workloadOf(kind, meta, replicas, containers)
	if strings.HasPrefix(w.Part, "argocd-") || strings.HasPrefix(w.Name, "argocd-") || w.Part == "tidelock" {
		s.facts.Workloads = append(s.facts.Workloads, w)
	}
}

func workloadOf(kind string, meta metav1.ObjectMeta, replicas *int32, containers []corev1.Container) migrate.Workload {
	w := migrate.Workload{Kind: kind, Namespace: meta.Namespace, Name: meta.Name, Part: meta.Labels["app.kubernetes.io/name"], Replicas: 1}
	if w.Part == "" {
		w.Part = meta.Name
	}
	if replicas != nil {
		w.Replicas = *replicas
	}
	for _, c := range containers {
		w.Containers = append(w.Containers, migrate.Container{Name: c.Name, Image: c.Image, Args: c.Args})
	}
	return w
}

// config reads ConfigMaps, and how many Secrets of clusters there are, not what is in
// them.
func (s *surveyor) config(ctx context.Context) {
	for name, data := range map[string]*map[string]string{
		"argocd-cm": &s.facts.Config, "argocd-cmd-params-cm": &s.facts.Params,
		"argocd-notifications-cm": &s.facts.Notifications, "argocd-rbac-cm": &s.facts.RBAC,
	} {
		found, err := s.typed.CoreV1().ConfigMaps(s.namespace).Get(ctx, name, metav1.GetOptions{})
		s.note("read ConfigMap "+name, err)
		if err == nil {
			*data = found.Data
		}
	}
	clusters, err := s.dynamic.Resource(corev1.SchemeGroupVersion.WithResource("secrets")).Namespace(s.namespace).
		List(ctx, metav1.ListOptions{LabelSelector: api.LabelSecretType + "=" + api.SecretTypeCluster})
	s.note("list Secrets of clusters", err)
	if err == nil {
		s.facts.Clusters = len(clusters.Items)
	}
}

// watched says that Argo CD works on the Applications of a namespace: those of another one,
// which may have an Argo CD of its own, do not count here.
func (s *surveyor) watched(namespace string) bool {
	patterns := strings.FieldsFunc(s.facts.Params["application.namespaces"], func(r rune) bool { return r == ',' || r == ' ' })
	elsewhere, err := project.NewNamespaces(patterns)
	return namespace == s.namespace || err != nil || elsewhere.Has(namespace)
}

// applications reads the objects of the API: of all namespaces, or else of Argo CD's.
func (s *surveyor) applications(ctx context.Context) {
	s.each(ctx, "applications", func(u *unstructured.Unstructured) {
		if app, ok := decoded[api.Application](u); ok && s.watched(app.Namespace) {
			if hasManager(u, diff.Manager) {
				s.facts.Adopted++
			}
			s.facts.Applications = append(s.facts.Applications, *app)
		}
	})
	s.each(ctx, "applicationsets", func(u *unstructured.Unstructured) {
		if set, ok := decoded[api.ApplicationSet](u); ok {
			s.facts.Sets = append(s.facts.Sets, *set)
		}
	})
	s.each(ctx, "appprojects", func(u *unstructured.Unstructured) {
		if project, ok := decoded[api.AppProject](u); ok && project.Namespace == s.namespace {
			s.facts.Projects = append(s.facts.Projects, *project)
		}
	})
}

func (s *surveyor) each(ctx context.Context, resource string, do func(*unstructured.Unstructured)) {
	gvr := api.GroupVersion.WithResource(resource)
	err := s.list(ctx, gvr, metav1.NamespaceAll, do)
	if apierrors.IsForbidden(err) {
		err = s.list(ctx, gvr, s.namespace, do)
	}
	s.note("list "+resource, err)
}

func (s *surveyor) list(ctx context.Context, gvr schema.GroupVersionResource, namespace string, do func(*unstructured.Unstructured)) error {
	pages := pager.New(func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) {
		return s.dynamic.Resource(gvr).Namespace(namespace).List(ctx, o)
	})
	return pages.EachListItem(ctx, metav1.ListOptions{}, func(o runtime.Object) error {
		do(o.(*unstructured.Unstructured))
		return nil
	})
}

// decoded reads an object of the API; one that cannot be read is nobody's.
func decoded[T any](u *unstructured.Unstructured) (*T, bool) {
	into := new(T)
	text, err := u.MarshalJSON()
	if err == nil {
		err = json.Unmarshal(text, into)
	}
	return into, err == nil
}

// hasManager says that somebody has written fields of an object.
func hasManager(u *unstructured.Unstructured, name string) bool {
	for _, entry := range u.GetManagedFields() {
		if entry.Manager == name {
			return true
		}
	}
	return false
}

// flux lists what Flux deploys by, in the versions that it has had.
func (s *surveyor) flux(ctx context.Context) {
	for _, k := range []struct {
		kind     string
		resource schema.GroupVersionResource
	}{
		{"Kustomization", schema.GroupVersionResource{Group: "kustomize.toolkit.fluxcd.io", Version: "v1", Resource: "kustomizations"}},
		{"HelmRelease", schema.GroupVersionResource{Group: "helm.toolkit.fluxcd.io", Version: "v2", Resource: "helmreleases"}},
	} {
		s.note("list "+k.resource.Resource+" of Flux", s.list(ctx, k.resource, metav1.NamespaceAll, func(u *unstructured.Unstructured) {
			suspended, _, _ := unstructured.NestedBool(u.Object, "spec", "suspend")
			s.facts.Flux = append(s.facts.Flux, migrate.FluxObject{Kind: k.kind, Namespace: u.GetNamespace(), Name: u.GetName(), Suspended: suspended})
		}))
	}
}
