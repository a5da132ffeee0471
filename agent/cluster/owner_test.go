package cluster

import (
	"testing"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/render/manifest"
)

// Whose an object is, by its label and its tracking id.
func TestOwner(t *testing.T) {
	web := manifest.Key{Group: "apps", Kind: "Deployment", Namespace: "shop", Name: "web"}
	ingress := manifest.Key{Group: "networking.k8s.io", Kind: "Ingress", Namespace: "shop", Name: "web"}
	role := manifest.Key{Group: "rbac.authorization.k8s.io", Kind: "ClusterRole", Name: "system:shop"}
	definition := manifest.Key{Group: "apiextensions.k8s.io", Kind: "CustomResourceDefinition", Name: "things.example.com"}
	for _, tt := range []struct {
		name      string
		key       manifest.Key
		label, id string
		want      string
	}{
		{"label and id", web, "shop", "shop:apps/Deployment:shop/web", "shop"},
		{"2.4 instance name: of another namespace", web, "team_shop", "team_shop:apps/Deployment:shop/web", "team_shop"},
		{"a label alone is nobody's", web, "shop", "", ""},
		{"an id alone is nobody's: watches select the label", web, "", "shop:apps/Deployment:shop/web", ""},
		{"the id counts, for the label may be shortened", web, "sh-0123", "shop:apps/Deployment:shop/web", "shop"},
		{"2.15 fact 20: an id that was copied from another object is nobody's", web, "shop", "shop:apps/Deployment:shop/api", ""},
		{"2.15 fact 20: nor one that was copied from another namespace", web, "shop", "shop:apps/Deployment:blog/web", ""},
		{"2.4 cluster-scoped: the id carries the destination's namespace", role, "shop", "shop:rbac.authorization.k8s.io/ClusterRole:shop/system:shop", "shop"},
		{"2.4 CRDs: have no tracking id, and are known by the label", definition, "shop", "", "shop"},
		{"2.4 API-group upgrades: an id of the old group is nobody's, so the object is adopted and marked anew", ingress, "shop", "shop:extensions/Ingress:shop/web", ""},
		{"no id at all", web, "shop", "nonsense", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := owner(tt.key, map[string]string{api.LabelApp: tt.label}, map[string]string{api.AnnotationTrackingID: tt.id}, "")
			if got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
	for _, tt := range []struct{ name, theirs, ours, want string }{
		{"2.4 installationID: no name, no difference", "east", "", "shop"},
		{"2.4 installationID: the same", "east", "east", "shop"},
		{"2.4 installationID: another is not ours", "west", "east", ""},
		{"2.4 installationID: none is not ours", "", "east", ""},
	} {
		annotations := map[string]string{api.AnnotationTrackingID: "shop:apps/Deployment:shop/web", api.AnnotationInstallationID: tt.theirs}
		if got := owner(web, map[string]string{api.LabelApp: "shop"}, annotations, tt.ours); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}
