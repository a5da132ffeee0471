package kube

import (
	"net/http"
	"slices"
	"strings"

	apidiscovery "k8s.io/api/apidiscovery/v2"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	utiljson "k8s.io/apimachinery/pkg/util/json"
)

const aggregated = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"

// discovery answers what is served, in the aggregated form.
func (s *Server) discovery(r *http.Request) (*http.Response, error) {
	switch path := strings.TrimSuffix(r.URL.Path, "/"); path {
	case "/version":
		return respond(r, http.StatusOK, []byte(`{"major":"1","minor":"37","gitVersion":"v1.37.2"}`)), nil
	case "/api", "/apis":
		raw := s.answers[path]
		if raw == nil {
			var err error
			if raw, err = utiljson.Marshal(s.served(path == "/api")); err != nil {
				return nil, err
			}
			s.answers[path] = raw
		}
		response := respond(r, http.StatusOK, raw)
		response.Header.Set("Content-Type", aggregated)
		return response, nil
	}
	return nil, apierrors.NewGenericServerResponse(http.StatusNotFound, "get", groupResource(call{}), "", "the server could not find the requested resource", 0, true)
}

// served lists the kinds of the core group, or all others.
func (s *Server) served(core bool) apidiscovery.APIGroupDiscoveryList {
	list := apidiscovery.APIGroupDiscoveryList{TypeMeta: metav1.TypeMeta{Kind: "APIGroupDiscoveryList", APIVersion: "apidiscovery.k8s.io/v2"}}
	for _, k := range s.kinds {
		if (k.Group == "") != core {
			continue
		}
		i := slices.IndexFunc(list.Items, func(g apidiscovery.APIGroupDiscovery) bool { return g.Name == k.Group })
		if i < 0 {
			i = len(list.Items)
			list.Items = append(list.Items, apidiscovery.APIGroupDiscovery{ObjectMeta: metav1.ObjectMeta{Name: k.Group}})
		}
		group := &list.Items[i]
		j := slices.IndexFunc(group.Versions, func(v apidiscovery.APIVersionDiscovery) bool { return v.Version == k.Version })
		if j < 0 {
			j = len(group.Versions)
			group.Versions = append(group.Versions, apidiscovery.APIVersionDiscovery{Version: k.Version, Freshness: apidiscovery.DiscoveryFreshnessCurrent})
		}
		scope := apidiscovery.ScopeCluster
		if k.Namespaced {
			scope = apidiscovery.ScopeNamespace
		}
		group.Versions[j].Resources = append(group.Versions[j].Resources, apidiscovery.APIResourceDiscovery{
			Resource: k.Resource, Scope: scope, SingularResource: k.singular(),
			ResponseKind: &metav1.GroupVersionKind{Group: k.Group, Version: k.Version, Kind: k.Kind},
			Verbs:        []string{"create", "delete", "get", "list", "patch", "update", "watch"},
		})
	}
	return list
}

// serveKinds adds kinds to what is served, or takes them away.
func (s *Server) serveKinds(kinds []*Kind, served bool) {
	for _, k := range kinds {
		i := slices.IndexFunc(s.kinds, func(known *Kind) bool { return known.GroupVersionKind == k.GroupVersionKind })
		switch {
		case served && i < 0:
			s.kinds = append(s.kinds, k)
		case !served && i >= 0:
			s.kinds = slices.Delete(s.kinds, i, i+1)
		}
	}
	clear(s.answers)
}
