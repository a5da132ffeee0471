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
	images, urls := map[string]bool{}, map[string]bool{}
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
		case runsPods[o.Key.Kind]:
			containers(o.Body()["spec"], images)
		}
	}
	summary.Images = slices.Sorted(maps.Keys(images))
	summary.ExternalURLs = slices.Sorted(maps.Keys(urls))
	return summary
}

var runsPods = map[string]bool{
	"Deployment": true, "StatefulSet": true, "DaemonSet": true, "ReplicaSet": true, "ReplicationController": true,
	"Job": true, "CronJob": true, "Pod": true,
}

// containers finds images below a spec: in spec, template and jobTemplate.
func containers(node any, images map[string]bool) {
	m, _ := node.(map[string]any)
	for _, field := range []string{"containers", "initContainers"} {
		list, _ := m[field].([]any)
		for _, item := range list {
			c, _ := item.(map[string]any)
			if image, ok := c["image"].(string); ok {
				images[image] = true
			}
		}
	}
	for _, field := range []string{"template", "jobTemplate", "spec"} {
		if m[field] != nil {
			containers(m[field], images)
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
