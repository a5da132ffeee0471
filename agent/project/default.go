package project

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tidelock-io/tidelock/agent/api"
)

// Default returns the project "default" as Argo CD makes it at its start if there is none:
// everything is permitted. It has no namespace yet.
func Default() *api.AppProject {
	return &api.AppProject{
		TypeMeta:   metav1.TypeMeta{APIVersion: api.GroupVersion.String(), Kind: api.AppProjectKind},
		ObjectMeta: metav1.ObjectMeta{Name: api.DefaultProject},
		Spec: api.AppProjectSpec{
			SourceRepos:              []string{"*"},
			Destinations:             []api.Destination{{Server: "*", Namespace: "*"}},
			ClusterResourceWhitelist: []api.ClusterResource{{Group: "*", Kind: "*"}},
		},
	}
}
