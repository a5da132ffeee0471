package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/render/manifest"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
)

// fluxKinds are those of Flux that apply objects, in the version that serves them.
var fluxKinds = []schema.GroupVersionResource{
	{Group: "kustomize.toolkit.fluxcd.io", Version: "v1", Resource: "kustomizations"},
	{Group: "helm.toolkit.fluxcd.io", Version: "v2", Resource: "helmreleases"},
}

// lookFlux looks for objects of Flux that own what Applications state. Both would write
// it, each as its own repository says.
func (c *checker) lookFlux(ctx context.Context, a *area) {
	if c.noApps != nil {
		return // see objects
	}
	client, err := dynamic.NewForConfig(c.cfg)
	if err != nil {
		a.unread("what Flux applies", err)
		return
	}
	stated := statedBy(c.apps)
	seen, rivals := 0, 0
	for _, kind := range fluxKinds {
		list, err := client.Resource(kind).List(ctx, metav1.ListOptions{})
		if apierrors.IsNotFound(err) || meta.IsNoMatchError(err) {
			continue // it is not served
		}
		if err != nil {
			a.unread("what Flux applies ("+kind.Resource+")", err)
			continue
		}
		for i := range list.Items {
			seen++
			if c.fluxed(a, &list.Items[i], stated) {
				rivals++
			}
		}
	}
	if seen > 0 && rivals == 0 {
		a.ok("none of %s of Flux applies what Applications state", numberOf(seen, "object", "objects"))
	}
}

// statedBy are the objects that Applications of the agent's own cluster state, with the
// Applications' names.
func statedBy(apps []api.Application) map[manifest.Key]string {
	all := map[manifest.Key]string{}
	for i := range apps {
		if apps[i].Spec.Destination.Resolved().Server != api.InClusterServer {
			continue
		}
		for _, r := range apps[i].Status.Resources {
			if !r.RequiresPruning {
				all[manifest.Key{Group: r.Group, Kind: r.Kind, Namespace: r.Namespace, Name: r.Name}] = apps[i].Name
			}
		}
	}
	return all
}

// fluxed reports an object of Flux that applies what Applications state.
func (c *checker) fluxed(a *area, o *unstructured.Unstructured, stated map[manifest.Key]string) bool {
	shared := map[string][]string{}
	for _, key := range inventoryOf(o) {
		if app := stated[key]; app != "" {
			shared[app] = append(shared[app], key.String())
		}
	}
	if len(shared) == 0 {
		return false
	}
	name := fmt.Sprintf("%s %s/%s", o.GetKind(), o.GetNamespace(), o.GetName())
	suspended, _, _ := unstructured.NestedBool(o.Object, "spec", "suspend")
	for _, app := range slices.Sorted(maps.Keys(shared)) {
		if suspended {
			a.warn("delete it without its objects (spec.prune: false before), or it takes them back when it is resumed", "%s of Flux is suspended, and holds objects of Application %s: %s", name, app, listedNames(shared[app]))
			continue
		}
		a.wrong("let one of the two have them: flux suspend, or take them out of one repository", "%s of Flux applies the same objects as Application %s: %s", name, app, listedNames(shared[app]))
	}
	return true
}

// inventoryOf are the objects that an object of Flux says it has applied. The
// identifiers are NAMESPACE_NAME_GROUP_KIND, with colons in names written as two
// underscores.
func inventoryOf(o *unstructured.Unstructured) (all []manifest.Key) {
	entries, _, _ := unstructured.NestedSlice(o.Object, "status", "inventory", "entries")
	for _, entry := range entries {
		fields, _ := entry.(map[string]any)
		id, _ := fields["id"].(string)
		namespace, rest, _ := strings.Cut(id, "_")
		i := strings.LastIndex(rest, "_")
		if i < 0 {
			continue
		}
		kind := rest[i+1:]
		rest = rest[:i]
		if i = strings.LastIndex(rest, "_"); i < 0 {
			continue
		}
		name, group := strings.ReplaceAll(rest[:i], "__", ":"), rest[i+1:]
		all = append(all, manifest.Key{Group: group, Kind: kind, Namespace: namespace, Name: name})
	}
	return all
}
