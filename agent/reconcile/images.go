package reconcile

import (
	"maps"
	"slices"
	"strings"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/render/manifest"
)

// summarise collects what people look for first: images and links.
func summarise(set manifest.Set) api.Summary {
	all, urls := map[string]bool{}, map[string]bool{}
	summary := api.Summary{}
	for _, o := range set {
		for name, value := range o.Annotations {
			if strings.HasPrefix(name, api.AnnotationLinkPrefix) {
				urls[value] = true
			}
		}
		switch {
		case o.Key.Group == "argoproj.io" && o.Key.Kind == "Application":
			summary.IsAppOfApps = true
		case o.Key.Group == "networking.k8s.io" && o.Key.Kind == "Ingress":
			hosts(o.Body(), urls)
		default:
			images(o, all)
		}
	}
	summary.Images = slices.Sorted(maps.Keys(all))
	summary.ExternalURLs = slices.Sorted(maps.Keys(urls))
	return summary
}

var runsPods = map[string]bool{
	"Deployment": true, "StatefulSet": true, "DaemonSet": true, "ReplicaSet": true, "ReplicationController": true,
	"Job": true, "CronJob": true, "Pod": true,
}

// imagesOf lists the images that an object runs.
func imagesOf(o *manifest.Object) []string {
	all := map[string]bool{}
	images(o, all)
	return slices.Sorted(maps.Keys(all))
}

func images(o *manifest.Object, all map[string]bool) {
	if runsPods[o.Key.Kind] {
		containers(o.Body()["spec"], all)
	}
}

// containers finds images below a spec: in spec, template and jobTemplate.
func containers(node any, all map[string]bool) {
	m, _ := node.(map[string]any)
	for _, field := range []string{"containers", "initContainers"} {
		list, _ := m[field].([]any)
		for _, item := range list {
			c, _ := item.(map[string]any)
			if image, ok := c["image"].(string); ok {
				all[image] = true
			}
		}
	}
	for _, field := range []string{"template", "jobTemplate", "spec"} {
		if m[field] != nil {
			containers(m[field], all)
		}
	}
}

// hosts adds the addresses that an Ingress serves.
func hosts(ingress map[string]any, urls map[string]bool) {
	spec, _ := ingress["spec"].(map[string]any)
	scheme := "http://"
	if spec["tls"] != nil {
		scheme = "https://"
	}
	rules, _ := spec["rules"].([]any)
	for _, item := range rules {
		rule, _ := item.(map[string]any)
		if host, ok := rule["host"].(string); ok && host != "" {
			urls[scheme+host] = true
		}
	}
}
